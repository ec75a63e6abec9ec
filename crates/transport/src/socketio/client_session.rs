//! What the packets of a session mean, whichever carrier brought them; the driver's events come from here.

use std::{borrow::Cow, mem};

use serde::Deserialize;
use serde_json::value::RawValue;
use wire::{
    Ack, Control, Draft, Item, Position, Refusal,
    engine_io::{self, Handshake},
    socket_io::{self, Kind, MAIN},
};

use crate::{
    Target,
    driver::{Delivery, DriverError, Event, Out},
    duplex_client::range_in,
};

/// The status of a refused namespace that does not say one.
const BAD_REQUEST: u16 = 400;

/// What a packet was, as far as its carrier and the ledger need to know.
#[derive(Debug)]
pub(super) enum Content {
    /// The session is open; a namespace is to be asked for.
    Open(Handshake),
    /// To be answered.
    Ping,
    /// A publication whose JSON has so many bytes, `data` of them payload.
    Publication { json: usize, data: usize },
    /// Everything else that goes on.
    Other,
    /// The server has ended the namespace or the session.
    End,
}

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    New,
    /// The session is open.
    Open,
    /// The namespace too.
    Connected,
    /// The room's hello has come.
    Greeted,
}

/// One session with one namespace and one room in it.
#[derive(Debug)]
pub(super) struct Session {
    namespace: String,
    /// The room's name as it stands in JSON; names have nothing to escape.
    room_json: String,
    progress: Progress,
    /// Where the subscription starts, until that is told.
    position: Option<Position>,
    /// Whether the carriers are the ones that stay; before that nothing is told.
    settled: bool,
    ready: bool,
    /// What came between the hello and the moment it is told. No more than the server sends while a carrier is tried out,
    /// which is bounded in time.
    kept: Vec<Event>,
    /// Whether the end is no surprise: announced by the server, wanted by the client, or told already.
    pub(super) ending: bool,
}

impl Session {
    pub(super) fn new(target: &Target) -> Self {
        let namespace = match target.room.namespace() {
            "default" => MAIN.to_owned(),
            other => format!("/{other}"),
        };
        Self {
            namespace,
            room_json: format!("\"{}\"", target.room.room()),
            progress: Progress::New,
            position: None,
            settled: false,
            ready: false,
            kept: Vec::new(),
            ending: false,
        }
    }

    /// Whether the subscription is told as ready; until then all bytes are the handshake's.
    pub(super) fn ready(&self) -> bool {
        self.ready
    }

    /// Whether the server has opened the namespace.
    pub(super) fn connected(&self) -> bool {
        self.progress >= Progress::Connected
    }

    /// The carriers stay as they are from now on: tells what was kept.
    pub(super) fn settle(&mut self, out: &mut Out) {
        self.settled = true;
        if let Some(position) = self.position.take() {
            self.ready = true;
            out.events.push(Event::Ready(position));
            out.events.append(&mut mem::take(&mut self.kept));
        }
    }

    /// Tells how the subscription ended, after all that came before; in silence when the end is no surprise.
    pub(super) fn finish(&mut self, event: Event, out: &mut Out) {
        if !mem::replace(&mut self.ending, true) {
            self.settle(out);
            out.events.push(event);
        }
    }

    /// Takes the text of one Engine.IO packet.
    ///
    /// # Errors
    ///
    /// The event that ends the subscription: a packet that cannot be read or has no place here, or a refusal.
    pub(super) fn take(&mut self, text: &str, out: &mut Out) -> Result<Content, Event> {
        match engine_io::Packet::decode(text).map_err(|error| protocol(&error.to_string()))? {
            engine_io::Packet::Open(json) if self.progress == Progress::New => {
                self.progress = Progress::Open;
                let handshake = Handshake::decode(json);
                handshake.map(Content::Open).map_err(|error| protocol(&format!("not a handshake: {error}")))
            }
            engine_io::Packet::Ping(_) if self.progress >= Progress::Open => Ok(Content::Ping),
            engine_io::Packet::Message(message) if self.progress >= Progress::Open => self.message(message, out),
            engine_io::Packet::Noop => Ok(Content::Other),
            engine_io::Packet::Close => Ok(Content::End),
            _ => Err(protocol("an Engine.IO packet that has no place here")),
        }
    }

    fn message(&mut self, text: &str, out: &mut Out) -> Result<Content, Event> {
        let packet = socket_io::Packet::decode(text).map_err(|error| protocol(&error.to_string()))?;
        if packet.namespace != self.namespace {
            return Err(protocol("a packet of another namespace"));
        }
        let greeted = self.progress == Progress::Greeted;
        match packet.kind {
            Kind::Connect if !self.connected() => {
                self.progress = Progress::Connected;
                Ok(Content::Other)
            }
            Kind::ConnectError if !self.connected() => Err(refused(packet.data)),
            Kind::Disconnect => Ok(Content::End),
            Kind::Event if self.connected() && packet.id.is_none() => self.event(&packet, out),
            Kind::Ack if greeted => self.ack(&packet, out),
            _ => Err(protocol("a Socket.IO packet that has no place here")),
        }
    }

    fn event(&mut self, packet: &socket_io::Packet<'_>, out: &mut Out) -> Result<Content, Event> {
        let (name, arguments) = packet.event().map_err(|error| protocol(&error.to_string()))?;
        let [item, room] = arguments[..] else { return Err(protocol("an event without an item and a room")) };
        if room.get() != self.room_json {
            return Err(protocol("an event of another room"));
        }
        let (text, greeted) = (item.get(), self.progress == Progress::Greeted);
        let item = Item::decode(text).map_err(|error| protocol(&format!("an event that cannot be read: {error}")))?;
        match item {
            Item::Publication(publication) if greeted && publication.event == name => {
                let data = range_in(text, publication.data.get());
                let content = Content::Publication { json: text.len(), data: data.len() };
                self.tell(Event::Delivery(Delivery { offset: publication.offset, json: text.into(), data }), out);
                Ok(content)
            }
            Item::Control(Control::Hello(hello)) if name == "hello" && !greeted => {
                self.progress = Progress::Greeted;
                self.position = Some(hello.position);
                if self.settled {
                    self.settle(out);
                }
                Ok(Content::Other)
            }
            Item::Control(Control::Gap(gap)) if name == "gap" && greeted => {
                self.tell(Event::Gap(gap), out);
                Ok(Content::Other)
            }
            Item::Control(Control::Close(close)) if name == "close" => {
                self.finish(Event::Closed(close), out);
                Ok(Content::Other)
            }
            _ => Err(protocol("an event whose name and item do not belong together, or come too early")),
        }
    }

    fn ack(&mut self, packet: &socket_io::Packet<'_>, out: &mut Out) -> Result<Content, Event> {
        let arguments = packet.arguments().unwrap_or_default();
        let (Some(reference), [answer]) = (packet.id, &arguments[..]) else {
            return Err(protocol("an ack without an id and one answer"));
        };
        let answer =
            serde_json::from_str(answer.get()).map_err(|error| protocol(&format!("not an answer: {error}")))?;
        let reference = Some(reference);
        let event = match answer {
            Answer::Position(position) => Event::Acked(Ack { reference, position }),
            Answer::Error(Reason { status, detail }) => Event::Refused(Refusal { reference, status, detail }),
        };
        self.tell(event, out);
        Ok(Content::Other)
    }

    fn tell(&mut self, event: Event, out: &mut Out) {
        if self.ready { out.events.push(event) } else { self.kept.push(event) }
    }

    /// The packet that asks for the namespace and the room.
    pub(super) fn connect(&self, target: &Target) -> String {
        let after = match &target.after {
            wire::After::Head => String::new(),
            wire::After::Earliest => r#","after":"earliest""#.to_owned(),
            wire::After::Position(position) => format!(r#","after":"{position}""#),
        };
        self.packet(Kind::Connect, None, &format!(r#"{{"room":{}{after}}}"#, self.room_json))
    }

    /// The packet that leaves the namespace.
    pub(super) fn disconnect(&self) -> String {
        self.packet(Kind::Disconnect, None, "")
    }

    /// The packet of a publish, and how many of its bytes are `draft`'s JSON with the room in it.
    pub(super) fn publish(&self, draft: &Draft<'_>, reference: u64) -> (String, usize) {
        let json = draft.encode();
        // Behind the brace.
        let publish = format!(r#"{{"room":{},{}"#, self.room_json, &json[1..]);
        let event = socket_io::event_json("publish", [publish.as_str()]);
        (self.packet(Kind::Event, Some(reference), &event), publish.len())
    }

    fn packet(&self, kind: Kind, id: Option<u64>, json: &str) -> String {
        let mut text = String::new();
        engine_io::Packet::Message("").encode(&mut text);
        socket_io::Packet { id, ..socket_io::Packet::new(kind, &self.namespace, None) }.encode(&mut text);
        // Its data ends a packet.
        text + json
    }
}

/// What an ack says.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Position(Position),
    Error(Reason),
}

#[derive(Deserialize)]
struct Reason {
    status: u16,
    detail: String,
}

/// What the data of a refused namespace says.
fn refused(data: Option<&RawValue>) -> Event {
    #[derive(Deserialize)]
    struct Refused<'a> {
        #[serde(borrow)]
        message: Cow<'a, str>,
        data: Option<Reason>,
    }
    let text = data.map_or("", RawValue::get);
    let (status, detail) = match serde_json::from_str(text) {
        Ok(Refused { data: Some(Reason { status, detail }), .. }) => (status, detail),
        Ok(Refused { message, .. }) => (BAD_REQUEST, message.into_owned()),
        Err(_) => (BAD_REQUEST, text.chars().take(200).collect()),
    };
    Event::Failed(DriverError::Status { status, detail })
}

/// Something that this transport does not allow.
pub(super) fn protocol(what: &str) -> Event {
    Event::Failed(DriverError::Protocol(what.to_owned()))
}
