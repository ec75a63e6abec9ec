//! The driver of transports that ask for batches: one request at a time on a kept connection, at instants of a grid or
//! as soon as there was an answer.

use std::time::Duration;

use measure::{Category, Direction, Mono};
use wire::{After, Control, Draft, Item, Position, poll::Batch};

use crate::{
    Target,
    driver::{Command, ConnectionId, Delivery, Driver, DriverError, Event, Out},
    duplex_client::range_in,
    exchange::{Answer, Answers, PostUplink, too_late},
    headers::Kind,
};

/// How long an answer may take beyond what the server holds it on purpose: far above any answer's time, below what people
/// wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How a transport asks.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// The last part of its path.
    pub(crate) path: &'static str,
    /// What its query has beside the position.
    pub(crate) query: String,
    /// When the next request follows.
    pub(crate) pace: Pace,
}

/// When a request follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// By the clock, from the first answer or the target's phase on.
    Every(Duration),
    /// At once after an answer, which the server may hold for so long.
    AtOnce {
        /// How long.
        hold: Duration,
    },
}

/// A poll that has no answer yet.
#[derive(Debug)]
struct Asked {
    at: Mono,
    bytes: usize,
}

/// See the file.
#[derive(Debug)]
pub(crate) struct Poller {
    target: Target,
    manner: Manner,
    /// What to ask after; none before the first answer.
    position: Option<Position>,
    /// The next instant of the grid, for those who ask by the clock.
    due: Mono,
    connection: Option<ConnectionId>,
    /// Whether `connection` has brought an answer.
    proven: bool,
    next_connection: ConnectionId,
    asked: Option<Asked>,
    answers: Answers,
    uplink: PostUplink,
    over: bool,
    /// Whether the answers cannot be followed any more.
    broken: bool,
}

impl Poller {
    pub(crate) fn new(target: Target, manner: Manner) -> Self {
        Self {
            target,
            manner,
            position: None,
            due: Mono::from_nanos(0),
            connection: None,
            proven: false,
            next_connection: 0,
            asked: None,
            answers: Answers::default(),
            uplink: PostUplink::default(),
            over: false,
            broken: false,
        }
    }

    fn ask(&mut self, now: Mono, out: &mut Out) {
        let connection = *self.connection.get_or_insert_with(|| {
            out.commands.push(Command::Open(self.next_connection));
            self.next_connection += 1;
            self.next_connection - 1
        });
        if let Some(position) = &self.position {
            self.target.after = After::Position(position.clone());
        }
        let path = self.target.path(self.manner.path, &self.manner.query);
        let head = self.target.headers.head(Kind::Fetch, &self.target.origin.authority, &path, &[], &[]);
        self.asked = Some(Asked { at: now, bytes: head.len() });
        out.commands.push(Command::Write(connection, head.into_bytes()));
    }

    /// Takes one whole answer. Only now is known what its request was for.
    fn take(&mut self, connection: ConnectionId, answer: &Answer, now: Mono, out: &mut Out) -> Result<(), Event> {
        let Some(asked) = self.asked.take() else {
            out.charge(connection, Direction::Down, Category::Framing, answer.bytes());
            return Err(protocol("an answer that nobody asked for"));
        };
        let first = self.position.is_none();
        let before = out.events.len();
        let taken = match answer.head.status() {
            200 => self.batch(connection, answer, out),
            204 | 304 => {
                let position = answer.feed_position().or_else(|| self.position.clone());
                self.advance(position, None, out).map(|()| 0)
            }
            _ => Err(answer.refusal()),
        };
        let carried = *taken.as_ref().unwrap_or(&0);
        if carried > 0 {
            out.charge(connection, Direction::Up, Category::HttpHead, asked.bytes);
            out.charge(connection, Direction::Down, Category::HttpHead, answer.head_bytes);
            out.charge(connection, Direction::Down, Category::Framing, answer.framing_bytes);
        } else {
            let category = if first { Category::Handshake } else { Category::EmptyPolls };
            out.charge(connection, Direction::Up, category, asked.bytes);
            out.charge(connection, Direction::Down, category, answer.bytes());
        }
        taken?;
        // Before what it carried, so that a reader of events can count the exchange first.
        out.events.insert(before, Event::Exchange { carried });
        self.proven = true;
        if let Pace::AtOnce { .. } = self.manner.pace
            && !self.over
        {
            self.ask(now, out);
            out.rearmed = true;
        } else if first {
            self.due = self.target.phase.unwrap_or(now);
        }
        self.next_wake_up(now, out);
        Ok(())
    }

    /// Reads a batch; gives the number of publications. Charges its body when there is at least one.
    fn batch(&mut self, connection: ConnectionId, answer: &Answer, out: &mut Out) -> Result<u32, Event> {
        let text = std::str::from_utf8(&answer.body).map_err(|_error| protocol("a batch that is not UTF-8"))?;
        let batch = Batch::decode(text).map_err(|error| protocol(&format!("not a batch: {error}")))?;
        let mut events = Vec::with_capacity(batch.items.len());
        let (mut payload, mut envelope) = (0, 0);
        for item in &batch.items {
            let text = item.get();
            match Item::decode(text).map_err(|error| protocol(&format!("an item that cannot be read: {error}")))? {
                Item::Publication(publication) => {
                    let data = range_in(text, publication.data.get());
                    payload += data.len();
                    envelope += text.len() - data.len();
                    events.push(Event::Delivery(Delivery { offset: publication.offset, json: text.into(), data }));
                }
                Item::Control(Control::Gap(gap)) => events.push(Event::Gap(gap)),
                Item::Control(_) => return Err(protocol("a control item that has no place in a batch")),
            }
        }
        let carried = events.iter().filter(|event| matches!(event, Event::Delivery(_))).count();
        if carried > 0 {
            out.charge(connection, Direction::Down, Category::Payload, payload);
            out.charge(connection, Direction::Down, Category::Envelope, envelope);
            out.charge(connection, Direction::Down, Category::Framing, answer.body.len() - payload - envelope);
        }
        let before_first = match events.first() {
            Some(Event::Delivery(delivery)) => Some(delivery.offset.saturating_sub(1)),
            Some(Event::Gap(gap)) => Some(gap.from.map_or(gap.position.offset, |from| from.saturating_sub(1))),
            _ => None,
        };
        self.advance(Some(batch.position), before_first, out)?;
        out.events.extend(events);
        Ok(u32::try_from(carried).unwrap_or(u32::MAX))
    }

    /// Moves on to `position`. The first answer also says where the subscription starts: where it asked to, else before
    /// the first offset that the answer delivers or misses.
    fn advance(&mut self, position: Option<Position>, before_first: Option<u64>, out: &mut Out) -> Result<(), Event> {
        let position = position.ok_or_else(|| protocol("an answer without a position"))?;
        if self.position.is_none() {
            out.events.push(Event::Ready(match &self.target.after {
                After::Position(asked) => asked.clone(),
                After::Head | After::Earliest => {
                    Position { offset: before_first.unwrap_or(position.offset), ..position.clone() }
                }
            }));
        }
        self.position = Some(position);
        Ok(())
    }

    /// Asks for a wake-up at the first instant of the grid that is still to come, or when an answer is overdue.
    fn next_wake_up(&mut self, now: Mono, out: &mut Out) {
        if self.over {
            return;
        }
        let overdue = self.asked.as_ref().map(|asked| asked.at + self.answer_within());
        let due = if let Pace::Every(interval) = self.manner.pace {
            while self.due <= now {
                self.due = self.due + interval;
            }
            Some(self.due)
        } else {
            None
        };
        out.timer = due.into_iter().chain(overdue).min();
    }

    fn answer_within(&self) -> Duration {
        match self.manner.pace {
            Pace::Every(_) => ANSWER_WITHIN,
            Pace::AtOnce { hold } => hold + ANSWER_WITHIN,
        }
    }

    /// What bytes are for that would be `usual` after the first position.
    fn category(&self, usual: Category) -> Category {
        if self.position.is_some() { usual } else { Category::Handshake }
    }

    /// Ends the subscription with `event`, unless it is over already.
    fn finish(&mut self, event: Event, out: &mut Out) {
        if !self.over {
            out.events.push(event);
            self.shut(out);
        }
    }

    fn shut(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.over, true) {
            out.commands.extend(self.connection.map(Command::Shut));
            self.uplink.stop(out);
        }
    }
}

fn protocol(what: &str) -> Event {
    Event::Failed(DriverError::Protocol(what.to_owned()))
}

impl Driver for Poller {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.ask(now, out);
        out.timer = Some(now + self.answer_within());
    }

    fn on_bytes(&mut self, connection: ConnectionId, mut bytes: &[u8], now: Mono, out: &mut Out) {
        let taken = if self.uplink.owns(connection) {
            self.uplink.on_bytes(&mut bytes, out).map_err(|error| protocol(&error.to_string()))
        } else if self.broken {
            Ok(())
        } else {
            loop {
                match self.answers.next(&mut bytes) {
                    Ok(None) => break Ok(()),
                    Ok(Some(answer)) => {
                        if let Err(event) = self.take(connection, &answer, now, out) {
                            break Err(event);
                        }
                    }
                    Err(error) => break Err(protocol(&error.to_string())),
                }
            }
        };
        let is_uplink = self.uplink.owns(connection);
        if let Err(event) = taken {
            self.broken |= !is_uplink;
            self.finish(event, out);
        }
        // What comes after a failure is not understood, but it was carried.
        let category = if is_uplink { Category::Framing } else { self.category(Category::Framing) };
        out.charge(connection, Direction::Down, category, bytes.len());
    }

    fn on_end(&mut self, connection: ConnectionId, now: Mono, out: &mut Out) {
        if self.uplink.owns(connection) {
            return self.uplink.on_end(out);
        }
        let category = self.category(Category::EmptyPolls);
        let cut_short = self.answers.outstanding();
        out.charge(connection, Direction::Down, category, cut_short);
        self.answers = Answers::default();
        self.connection = None;
        let proven = std::mem::replace(&mut self.proven, false);
        let Some(asked) = self.asked.take() else {
            // Between polls a server may end a kept connection; the next poll opens another.
            return self.next_wake_up(now, out);
        };
        out.charge(connection, Direction::Up, category, asked.bytes);
        if proven && cut_short == 0 && !self.over {
            // It ended the kept connection while the request was on its way. Asking twice does no harm (RFC 9112, 9.3.1).
            self.ask(now, out);
            self.next_wake_up(now, out);
        } else {
            self.finish(Event::Failed(DriverError::Lost), out);
        }
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        if self.over {
            return;
        }
        match &self.asked {
            None => {
                self.ask(now, out);
                self.next_wake_up(now, out);
            }
            Some(asked) if now < asked.at + self.answer_within() => self.next_wake_up(now, out),
            Some(_) => self.finish(Event::Failed(DriverError::Silent), out),
        }
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, _now: Mono, out: &mut Out) {
        if self.over {
            return out.events.push(too_late(reference));
        }
        self.uplink.publish(&self.target, draft, reference, &mut self.next_connection, out);
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        self.shut(out);
    }
}
