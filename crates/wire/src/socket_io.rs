//! Socket.IO protocol 5: packets as they stand in the messages of Engine.IO, and the binary attachments that follow some.
//!
//! `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`; a namespace that is not named is `/`. Source: the Socket.IO
//! protocol, revision 5, and for event names the official parser, socket.io-parser 4.
//!
//! JSON goes through as its source text, both ways: numbers beyond 2^53, escapes and the order of keys stay as they were
//! written. White space around a value is not part of it.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::value::RawValue;

/// The namespace that a packet has which names none.
pub const MAIN: &str = "/";

/// Event names that clients and servers keep for themselves; a packet with one is refused.
pub const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From the client: open a namespace. From the server: it is open.
    Connect,
    /// A namespace ends.
    Disconnect,
    /// An event with arguments.
    Event,
    /// The answer to an event that asked for one.
    Ack,
    /// The namespace was refused.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Connect,
        Self::Disconnect,
        Self::Event,
        Self::Ack,
        Self::ConnectError,
        Self::BinaryEvent,
        Self::BinaryAck,
    ];

    const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// One packet. Borrows from the text it was read from.
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    /// What it is for.
    pub kind: Kind,
    /// How many attachments follow it; 0 for all but [`Kind::BinaryEvent`] and [`Kind::BinaryAck`].
    pub attachments: usize,
    /// The namespace: begins with `/` and holds no comma.
    pub namespace: &'a str,
    /// On an event: an answer with this id is asked for. On an ack, where it is never missing: the event that it answers.
    /// The other kinds have none to write, and one that is read means nothing.
    pub id: Option<u64>,
    /// Its JSON: an array for events and acks, none for a disconnect, an object or none for a connect, an object or a
    /// string for a refused one. Where an attachment belongs stands `{"_placeholder":true,"num":0}` with its number,
    /// which nobody here looks at.
    pub data: Option<&'a RawValue>,
}

/// Why a text is no packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// No type that protocol 5 has.
    #[error("a Socket.IO packet without a type from 0 to 6")]
    Type,
    /// A binary packet without a number of attachments, or with one that is larger than a `usize`.
    #[error("a binary Socket.IO packet does not say how many attachments follow, or too many")]
    Attachments,
    /// An ack id that is larger than a `u64`, or an ack without one.
    #[error("the ack id of a Socket.IO packet is missing or too large")]
    Id,
    /// Data that is missing, not JSON, or of another form than the type has.
    #[error("the data of a Socket.IO packet is not {0}")]
    Data(&'static str),
    /// An attachment that no packet announced, or a packet between another and its attachments.
    #[error("binary attachments and their Socket.IO packet do not belong together")]
    Order,
    /// More than the reader takes.
    #[error("a Socket.IO packet has more attachments, or larger ones, than are read")]
    TooMany,
}

impl<'a> Packet<'a> {
    /// A packet without attachments and ack id.
    pub const fn new(kind: Kind, namespace: &'a str, data: Option<&'a RawValue>) -> Self {
        Self { kind, attachments: 0, namespace, id: None, data }
    }

    /// Reads one packet. A namespace may lack its comma where nothing follows it, as some clients write it.
    ///
    /// # Errors
    ///
    /// [`PacketError`] when it is none; the data's form is checked, an event's name too.
    pub fn decode(text: &'a str) -> Result<Self, PacketError> {
        let digit = text.bytes().next().filter(u8::is_ascii_digit).ok_or(PacketError::Type)?;
        let kind = *Kind::ALL.get(usize::from(digit - b'0')).ok_or(PacketError::Type)?;
        let mut rest = &text[1..];
        let mut attachments = 0;
        if kind.is_binary() {
            let (number, behind) = rest.split_once('-').ok_or(PacketError::Attachments)?;
            let all_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let number = Some(number).filter(|_| all_digits).and_then(|number| number.parse().ok());
            (attachments, rest) = (number.ok_or(PacketError::Attachments)?, behind);
        }
        let mut namespace = MAIN;
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let id = match &rest[..digits] {
            "" => None,
            number => Some(number.parse().map_err(|_error| PacketError::Id)?),
        };
        let data = Some(&rest[digits..]).filter(|data| !data.is_empty()).map(serde_json::from_str::<&RawValue>);
        let data = data.transpose().map_err(|_error| PacketError::Data("JSON"))?;
        let packet = Self { kind, attachments, namespace, id, data };
        packet.check()?;
        Ok(packet)
    }

    fn check(&self) -> Result<(), PacketError> {
        let starts = |with: char| self.data.is_some_and(|data| data.get().starts_with(with));
        match self.kind {
            Kind::Connect if self.data.is_none() || starts('{') => Ok(()),
            Kind::Disconnect if self.data.is_none() => Ok(()),
            Kind::Disconnect => Err(PacketError::Data("empty")),
            Kind::ConnectError if starts('{') || starts('"') => Ok(()),
            Kind::Connect => Err(PacketError::Data("an object, or empty")),
            Kind::ConnectError => Err(PacketError::Data("an object or a string")),
            Kind::Event | Kind::BinaryEvent => self.event().map(|_event| ()),
            Kind::Ack | Kind::BinaryAck if self.id.is_none() => Err(PacketError::Id),
            Kind::Ack | Kind::BinaryAck if starts('[') => Ok(()),
            Kind::Ack | Kind::BinaryAck => Err(PacketError::Data("an array")),
        }
    }

    /// The name and the arguments of an event; the arguments are source text.
    ///
    /// # Errors
    ///
    /// [`PacketError::Data`] when the data is no array that begins with a name that may be used.
    pub fn event(&self) -> Result<(Cow<'a, str>, Vec<&'a RawValue>), PacketError> {
        let not_an_event = PacketError::Data("an array that begins with an event's name");
        let mut values = self.arguments().ok_or(not_an_event.clone())?;
        if values.is_empty() {
            return Err(not_an_event);
        }
        let name = values.remove(0).get();
        // Names that are numbers are allowed by the protocol; they are their own text.
        let name = match serde_json::from_str::<String>(name) {
            Ok(text) => Cow::Owned(text),
            Err(_) if name.starts_with(|first: char| first.is_ascii_digit() || first == '-') => Cow::Borrowed(name),
            Err(_) => return Err(not_an_event),
        };
        if RESERVED.contains(&&*name) {
            return Err(PacketError::Data("an event whose name is free"));
        }
        Ok((name, values))
    }

    /// The values of the data, when it is an array: the arguments of an ack; of an event, its name is the first.
    pub fn arguments(&self) -> Option<Vec<&'a RawValue>> {
        serde_json::from_str(self.data?.get()).ok()
    }

    /// Appends the packet's text. It is not checked: what [`decode`](Self::decode) would refuse is written too.
    #[expect(clippy::expect_used, reason = "writing into memory cannot fail")]
    pub fn encode(&self, out: &mut String) {
        let digit = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        write!(out, "{digit}").expect("memory");
        if self.kind.is_binary() {
            write!(out, "{}-", self.attachments).expect("memory");
        }
        if self.namespace != MAIN {
            write!(out, "{},", self.namespace).expect("memory");
        }
        if let Some(id) = self.id {
            write!(out, "{id}").expect("memory");
        }
        out.push_str(self.data.map_or("", RawValue::get));
    }
}

/// The JSON of an event: its name, then its arguments, each JSON already and taken over as it is.
#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "serializing a string into memory cannot fail")]
pub fn event_json<'j>(name: &str, arguments: impl IntoIterator<Item = &'j str>) -> String {
    let mut json = String::from("[");
    json.push_str(&serde_json::to_string(name).expect("a string is serializable"));
    for argument in arguments {
        json.push(',');
        json.push_str(argument);
    }
    json.push(']');
    json
}

/// A packet with what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The packet's text: [`Packet::decode`] reads it without an error.
    pub text: String,
    /// Its attachments, in order.
    pub attachments: Vec<Vec<u8>>,
}

/// Puts packets and their attachments together, in the order in which they come in. After an error the connection is to
/// be ended: what a later call gives is not promised.
#[derive(Debug)]
pub struct Assembler {
    waiting: Option<(Whole, usize)>,
    max_attachments: usize,
    /// How many bytes of attachments may still come for the packet that waits.
    bytes_left: usize,
    max_bytes: usize,
}

impl Assembler {
    /// Takes at most so many attachments a packet, and at most so many bytes in all of them.
    pub const fn new(max_attachments: usize, max_bytes: usize) -> Self {
        Self { waiting: None, max_attachments, bytes_left: 0, max_bytes }
    }

    /// Takes the text of a message. A packet without attachments comes out at once, one with them by
    /// [`on_binary`](Self::on_binary).
    ///
    /// # Errors
    ///
    /// [`PacketError`] when it is no packet, announces too many attachments, or comes before another's attachments.
    pub fn on_text<'a>(&mut self, text: &'a str) -> Result<Option<Packet<'a>>, PacketError> {
        if self.waiting.is_some() {
            return Err(PacketError::Order);
        }
        let packet = Packet::decode(text)?;
        if packet.attachments == 0 {
            return Ok(Some(packet));
        }
        if packet.attachments > self.max_attachments {
            return Err(PacketError::TooMany);
        }
        self.bytes_left = self.max_bytes;
        self.waiting = Some((Whole { text: text.to_owned(), attachments: Vec::new() }, packet.attachments));
        Ok(None)
    }

    /// Takes an attachment. The packet comes out with its last.
    ///
    /// # Errors
    ///
    /// [`PacketError`] when none is waited for, or they have become too large.
    pub fn on_binary(&mut self, bytes: Vec<u8>) -> Result<Option<Whole>, PacketError> {
        let (whole, wanted) = self.waiting.as_mut().ok_or(PacketError::Order)?;
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or(PacketError::TooMany)?;
        whole.attachments.push(bytes);
        if whole.attachments.len() < *wanted {
            return Ok(None);
        }
        Ok(self.waiting.take().map(|(whole, _)| whole))
    }
}
