//! The driver: our own parser, on the body of an endless answer.

use std::time::Duration;

use measure::{Category, Direction, Mono};
use wire::{Control, Draft, Item, Position, http1, sse};

use super::{CLOSE, GAP, HEARTBEAT, HELLO};
use crate::{
    Target,
    driver::{Command, ConnectionId, Delivery, Driver, DriverError, Event, Out},
    duplex_client::{self, range_in, silence},
    exchange::{Answer, PostUplink, too_late},
    headers::Kind,
};

/// The name of an event without a name.
const PUBLICATION: &str = "message";

/// The connection of the events; the uplink's come after it.
const CONNECTION: ConnectionId = 0;

pub(super) fn driver(target: Target) -> Box<dyn Driver> {
    Box::new(Events {
        target,
        http: http1::ResponseReader::default(),
        answer: Answer::default(),
        parser: sse::Reader::default(),
        ready: false,
        ending: false,
        broken: false,
        shut: false,
        last_heard: Mono::from_nanos(0),
        silence: silence(duplex_client::HEARTBEAT),
        uplink: PostUplink::default(),
        next_connection: CONNECTION + 1,
    })
}

/// See the file.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that come true one by one, in any order")]
struct Events {
    target: Target,
    http: http1::ResponseReader,
    /// The answer's head; its body only when it is a refusal.
    answer: Answer,
    parser: sse::Reader,
    /// Whether the hello has come; until then all bytes are the handshake's.
    ready: bool,
    /// Whether the end is no surprise: announced by the server, wanted by the client, or told already.
    ending: bool,
    /// Whether what comes is understood no more.
    broken: bool,
    shut: bool,
    last_heard: Mono,
    silence: Duration,
    uplink: PostUplink,
    next_connection: ConnectionId,
}

impl Events {
    fn category(&self, usual: Category) -> Category {
        if self.ready { usual } else { Category::Handshake }
    }

    fn shut(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.shut, true) {
            out.commands.push(Command::Shut(CONNECTION));
            self.uplink.stop(out);
        }
    }

    /// Tells how the subscription ended, unless its end was expected.
    fn finish(&mut self, event: Event, out: &mut Out) {
        if !std::mem::replace(&mut self.ending, true) {
            out.events.push(event);
        }
        self.shut(out);
    }

    fn http(&mut self, input: &mut &[u8], out: &mut Out) -> Result<(), Event> {
        // Apart while it reads, because its events are read by the rest.
        let mut http = std::mem::take(&mut self.http);
        let read = self.answer(&mut http, input, out);
        self.http = http;
        read
    }

    fn answer(&mut self, http: &mut http1::ResponseReader, input: &mut &[u8], out: &mut Out) -> Result<(), Event> {
        loop {
            let event = http.next_event(input).map_err(|error| protocol(&error.to_string()))?;
            match event {
                None => return Ok(()),
                Some(http1::Event::Head { head, bytes }) => {
                    self.answer.head = head.clone();
                    out.charge(CONNECTION, Direction::Down, Category::Handshake, bytes);
                    let events = head.field("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
                    if head.status() == 200 && !events {
                        return Err(protocol("an answer that is no event stream"));
                    }
                    // Nothing ends what follows an upgrade.
                    if self.answer.head.status() == 101 {
                        return Err(self.answer.refusal());
                    }
                }
                Some(http1::Event::Framing { bytes }) => {
                    out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), bytes);
                }
                Some(http1::Event::Body(mut piece) | http1::Event::Upgraded(mut piece)) => {
                    if self.answer.head.status() == 200 {
                        let read = self.events(&mut piece, out);
                        // What the failure left of the piece was carried all the same.
                        out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), piece.len());
                        read?;
                    } else {
                        self.answer.body.extend_from_slice(piece);
                        out.charge(CONNECTION, Direction::Down, Category::Handshake, piece.len());
                    }
                }
                Some(http1::Event::End) if self.answer.head.status() == 200 => {
                    return Err(Event::Failed(DriverError::Lost));
                }
                Some(http1::Event::End) => return Err(self.answer.refusal()),
            }
        }
    }

    fn events(&mut self, piece: &mut &[u8], out: &mut Out) -> Result<(), Event> {
        let charge = |category, bytes, out: &mut Out| out.charge(CONNECTION, Direction::Down, category, bytes);
        while let Some(event) = self.parser.next_event(piece).map_err(|error| protocol(&error.to_string()))? {
            let bytes = event.wire_bytes();
            let framing = if self.ready { Category::Framing } else { Category::Handshake };
            let sse::Event::Message { event: name, data, last_event_id, .. } = event else {
                charge(if self.ready { Category::Heartbeat } else { Category::Handshake }, bytes, out);
                continue;
            };
            match name {
                HEARTBEAT => charge(if self.ready { Category::Heartbeat } else { Category::Handshake }, bytes, out),
                HELLO | GAP | CLOSE => {
                    charge(framing, bytes, out);
                    let is_id = |position: &Position| last_event_id.parse().as_ref() == Ok(position);
                    match serde_json::from_str(data).map_err(|error| protocol(&error.to_string()))? {
                        Control::Hello(hello) if name == HELLO && is_id(&hello.position) => {
                            self.ready = true;
                            self.silence = silence(Duration::from_millis(hello.heartbeat_ms));
                            out.timer = Some(self.last_heard + self.silence);
                            out.events.push(Event::Ready(hello.position));
                        }
                        Control::Gap(gap) if name == GAP && is_id(&gap.position) => out.events.push(Event::Gap(gap)),
                        Control::Close(close) if name == CLOSE => {
                            self.ending = true;
                            out.events.push(Event::Closed(close));
                        }
                        _ => return Err(protocol("an event whose name, id and data do not belong together")),
                    }
                }
                _ => match Item::decode(data) {
                    // Longer than its bytes is what was not UTF-8. Without its own id nobody could resume after it.
                    Ok(Item::Publication(publication))
                        if self.ready
                            && name == PUBLICATION
                            && data.len() <= bytes
                            && last_event_id.parse().is_ok_and(|id: Position| id.offset == publication.offset) =>
                    {
                        let range = range_in(data, publication.data.get());
                        charge(Category::Payload, range.len(), out);
                        charge(Category::Envelope, data.len() - range.len(), out);
                        charge(Category::Framing, bytes - data.len(), out);
                        let (offset, json) = (publication.offset, data.into());
                        out.events.push(Event::Delivery(Delivery { offset, json, data: range }));
                    }
                    other => {
                        charge(framing, bytes, out);
                        return Err(protocol(&match other {
                            Err(error) => format!("an event that cannot be read: {error}"),
                            Ok(_) => "an item that has no place here".to_owned(),
                        }));
                    }
                },
            }
        }
        Ok(())
    }
}

fn protocol(what: &str) -> Event {
    Event::Failed(DriverError::Protocol(what.to_owned()))
}

impl Driver for Events {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.last_heard = now;
        let path = self.target.path("sse", "");
        let authority = &self.target.origin.authority;
        let head = self.target.headers.head(Kind::EventStream, authority, &path, &[], &[]);
        out.charge(CONNECTION, Direction::Up, Category::Handshake, head.len());
        out.commands.push(Command::Open(CONNECTION));
        out.commands.push(Command::Write(CONNECTION, head.into_bytes()));
        out.timer = Some(now + self.silence);
    }

    fn on_bytes(&mut self, connection: ConnectionId, mut bytes: &[u8], now: Mono, out: &mut Out) {
        if self.uplink.owns(connection) {
            if let Err(error) = self.uplink.on_bytes(&mut bytes, out) {
                self.finish(protocol(&error.to_string()), out);
            }
            return out.charge(connection, Direction::Down, Category::Framing, bytes.len());
        }
        self.last_heard = now;
        if !self.broken
            && let Err(event) = self.http(&mut bytes, out)
        {
            self.broken = true;
            self.finish(event, out);
        }
        // What comes after a failure is not understood, but it was carried.
        out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), bytes.len());
    }

    fn on_end(&mut self, connection: ConnectionId, _now: Mono, out: &mut Out) {
        if self.uplink.owns(connection) {
            return self.uplink.on_end(out);
        }
        let held = self.http.pending() + self.parser.pending();
        out.charge(CONNECTION, Direction::Down, self.category(Category::Framing), held);
        if !std::mem::replace(&mut self.ending, true) {
            out.events.push(Event::Failed(DriverError::Lost));
        }
        if !std::mem::replace(&mut self.shut, true) {
            self.uplink.stop(out);
        }
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        let due = self.last_heard + self.silence;
        if self.ending {
        } else if now < due {
            out.timer = Some(due);
        } else {
            self.finish(Event::Failed(DriverError::Silent), out);
        }
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, _now: Mono, out: &mut Out) {
        if self.shut {
            return out.events.push(too_late(reference));
        }
        self.uplink.publish(&self.target, draft, reference, &mut self.next_connection, out);
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        self.ending = true;
        self.shut(out);
    }
}
