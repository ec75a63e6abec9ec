//! The driver of two-way streams of items, whatever their frames: an upgrade, then items both ways.

use std::{fmt, ops::Range, time::Duration};

use measure::{Category, Direction, Mono};
use wire::{Control, Draft, Item, http1, uplink::Uplink};

use crate::{
    driver::{Command, ConnectionId, Delivery, Driver, DriverError, Event, Out},
    exchange::{UpgradeAnswer, too_late},
};

/// The only connection of such a driver.
const CONNECTION: ConnectionId = 0;

/// What a server promises that has not said hello yet: the contract's default.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(25);

/// How long a server with this heartbeat may be silent: as long again as it gives its clients to answer, which is four
/// fifths of the heartbeat by default, but a second at least.
pub(crate) fn silence(heartbeat: Duration) -> Duration {
    heartbeat + (heartbeat * 4 / 5).max(Duration::from_secs(1))
}

/// How items stand in the byte stream after the upgrade.
pub(crate) trait Frames: fmt::Debug + Send {
    /// The whole upgrade request.
    fn request(&self) -> String;

    /// Checks the head of the answer 101.
    fn accept(&self, head: &http1::Head) -> Result<(), String>;

    /// Takes the next frame off the front of `input`.
    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation>;

    /// Bytes taken that belong to no frame yet.
    fn pending(&self) -> usize;

    /// Appends one item to `out`; what it adds is framing.
    fn write_item(&mut self, text: &str, out: &mut Vec<u8>);

    /// Appends the client's goodbye, where there is one.
    fn write_close(&mut self, out: &mut Vec<u8>);
}

/// One frame of the downlink.
pub(crate) enum Frame<'a> {
    /// An item of `text`, in a frame of so many bytes.
    Item { text: &'a str, bytes: usize },
    /// The server lives, and gets this answer.
    Heartbeat { bytes: usize, reply: Option<Vec<u8>> },
    /// The server says goodbye, and gets this answer.
    Goodbye { bytes: usize, reply: Vec<u8> },
}

/// What the lane does not allow.
pub(crate) struct Violation {
    /// Bytes of the frame that did it; none where the reader still holds them.
    pub(crate) bytes: usize,
    pub(crate) reason: String,
}

#[derive(Debug)]
enum State {
    Upgrading(Box<UpgradeAnswer>),
    Open,
    /// Nothing that comes is understood any more.
    Broken,
}

/// See the file.
#[derive(Debug)]
pub(crate) struct DuplexDriver<F> {
    frames: F,
    state: State,
    /// Whether the hello has come; until then all bytes are the handshake's.
    ready: bool,
    /// Whether the end of the connection is no surprise: announced by the server, wanted by the client, or told already.
    ending: bool,
    /// Whether the sending direction has ended: nothing can be written any more.
    shut: bool,
    last_heard: Mono,
    silence: Duration,
}

impl<F: Frames> DuplexDriver<F> {
    pub(crate) fn new(frames: F) -> Self {
        Self {
            frames,
            state: State::Upgrading(Box::default()),
            ready: false,
            ending: false,
            shut: false,
            last_heard: Mono::from_nanos(0),
            silence: silence(HEARTBEAT),
        }
    }

    fn fail(&mut self, error: DriverError, out: &mut Out) {
        self.break_off(Event::Failed(error), out);
    }

    fn break_off(&mut self, event: Event, out: &mut Out) {
        self.state = State::Broken;
        if !std::mem::replace(&mut self.ending, true) {
            out.events.push(event);
        }
        self.shut(out);
    }

    fn shut(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.shut, true) {
            out.commands.push(Command::Shut(CONNECTION));
        }
    }

    /// What bytes are for that would be `usual` after the hello.
    fn category(&self, usual: Category) -> Category {
        if self.ready { usual } else { Category::Handshake }
    }

    /// Reads the answer to the upgrade; what it leaves in `input` are frames.
    fn upgrade(&mut self, input: &mut &[u8], out: &mut Out) {
        let State::Upgrading(answer) = &mut self.state else { return };
        match answer.next(CONNECTION, input, out) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let accepted = self.frames.accept(head);
                self.state = State::Open;
                if let Err(reason) = accepted {
                    self.fail(DriverError::Protocol(reason), out);
                }
            }
            Err(event) => self.break_off(event, out),
        }
    }

    fn frames(&mut self, input: &mut &[u8], out: &mut Out) -> Result<(), Violation> {
        while let Some(frame) = self.frames.next(input)? {
            let category = |usual| if self.ready { usual } else { Category::Handshake };
            match frame {
                Frame::Heartbeat { bytes, reply } => {
                    out.charge(CONNECTION, Direction::Down, category(Category::Heartbeat), bytes);
                    if let Some(reply) = reply.filter(|_| !self.shut) {
                        out.charge(CONNECTION, Direction::Up, category(Category::Heartbeat), reply.len());
                        out.commands.push(Command::Write(CONNECTION, reply));
                    }
                }
                Frame::Goodbye { bytes, reply } => {
                    out.charge(CONNECTION, Direction::Down, category(Category::Framing), bytes);
                    // After a goodbye of our own this one is the answer.
                    if !self.shut {
                        out.charge(CONNECTION, Direction::Up, category(Category::Framing), reply.len());
                        out.commands.push(Command::Write(CONNECTION, reply));
                        self.shut(out);
                    }
                }
                Frame::Item { text, bytes } => {
                    let refused = |reason| Violation { bytes, reason };
                    let item =
                        Item::decode(text).map_err(|error| refused(format!("an item that cannot be read: {error}")))?;
                    match item {
                        Item::Publication(publication) if self.ready => {
                            let data = range_in(text, publication.data.get());
                            out.charge(CONNECTION, Direction::Down, Category::Payload, data.len());
                            out.charge(CONNECTION, Direction::Down, Category::Envelope, text.len() - data.len());
                            out.charge(CONNECTION, Direction::Down, Category::Framing, bytes - text.len());
                            let (offset, json) = (publication.offset, text.into());
                            out.events.push(Event::Delivery(Delivery { offset, json, data }));
                        }
                        Item::Publication(_) => {
                            return Err(refused("a publication before the hello".to_owned()));
                        }
                        Item::Control(control) => {
                            out.charge(CONNECTION, Direction::Down, category(Category::Framing), bytes);
                            self.control(control, out);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn control(&mut self, control: Control, out: &mut Out) {
        match control {
            Control::Hello(hello) => {
                self.ready = true;
                self.silence = silence(Duration::from_millis(hello.heartbeat_ms));
                out.timer = Some(self.last_heard + self.silence);
                out.events.push(Event::Ready(hello.position));
            }
            Control::Gap(gap) => out.events.push(Event::Gap(gap)),
            Control::Ack(ack) => out.events.push(Event::Acked(ack)),
            Control::Error(refusal) => out.events.push(Event::Refused(refusal)),
            // The goodbye and the end of the stream follow.
            Control::Close(close) => {
                self.ending = true;
                out.events.push(Event::Closed(close));
            }
        }
    }
}

/// Where `part`, which borrows from `whole`, stands in it.
pub(crate) fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

impl<F: Frames> Driver for DuplexDriver<F> {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.last_heard = now;
        let request = self.frames.request().into_bytes();
        out.charge(CONNECTION, Direction::Up, Category::Handshake, request.len());
        out.commands.push(Command::Open(CONNECTION));
        out.commands.push(Command::Write(CONNECTION, request));
        out.timer = Some(now + self.silence);
    }

    fn on_bytes(&mut self, _connection: ConnectionId, mut bytes: &[u8], now: Mono, out: &mut Out) {
        self.last_heard = now;
        if matches!(self.state, State::Upgrading(_)) {
            self.upgrade(&mut bytes, out);
        }
        if matches!(self.state, State::Open)
            && let Err(Violation { bytes, reason }) = self.frames(&mut bytes, out)
        {
            out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), bytes);
            self.fail(DriverError::Protocol(reason), out);
        }
        // What comes after a failure is not understood, but it was carried.
        if matches!(self.state, State::Broken) {
            out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), bytes.len());
        }
    }

    fn on_end(&mut self, _connection: ConnectionId, _now: Mono, out: &mut Out) {
        let upgrading = if let State::Upgrading(answer) = &self.state { answer.pending() } else { 0 };
        let held = upgrading + self.frames.pending();
        out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), held);
        (self.state, self.shut) = (State::Broken, true);
        if !std::mem::replace(&mut self.ending, true) {
            out.events.push(Event::Failed(DriverError::Lost));
        }
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        let due = self.last_heard + self.silence;
        if now < due {
            out.timer = Some(due);
        } else if !self.ending {
            self.fail(DriverError::Silent, out);
        }
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, _now: Mono, out: &mut Out) {
        if self.shut {
            return out.events.push(too_late(reference));
        }
        let text = Uplink { publish: draft.clone(), reference: Some(reference) }.encode();
        let mut bytes = Vec::new();
        self.frames.write_item(&text, &mut bytes);
        let payload = draft.data.get().len();
        out.charge(CONNECTION, Direction::Up, Category::Payload, payload);
        out.charge(CONNECTION, Direction::Up, Category::Envelope, text.len() - payload);
        out.charge(CONNECTION, Direction::Up, Category::Framing, bytes.len() - text.len());
        out.commands.push(Command::Write(CONNECTION, bytes));
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        self.ending = true;
        let mut bytes = Vec::new();
        if matches!(self.state, State::Open) && !self.shut {
            self.frames.write_close(&mut bytes);
            out.charge(CONNECTION, Direction::Up, self.category(Category::Framing), bytes.len());
            out.commands.push(Command::Write(CONNECTION, bytes));
        }
        self.shut(out);
    }
}
