//! Engine.IO protocol 4: packets, the payload that carries several of them over HTTP, and the handshake.
//!
//! Over WebSocket a packet is a text frame, and binary data is a binary frame without a type. Over HTTP a payload is packets
//! with `0x1e` between them, and binary data is `b` and base64, with its padding. Source: the Engine.IO protocol, revision 4.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// The protocol's revision, the value of `EIO` in every query.
pub const REVISION: &str = "4";

/// Stands between the packets of a payload. No JSON holds it outside an escape.
pub const SEPARATOR: char = '\u{1e}';

/// What a client sends and a server answers to try out another carrier.
pub const PROBE: &str = "probe";

/// What the open packet says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The session's id, for every later request.
    pub sid: String,
    /// The carriers that the client may move to.
    pub upgrades: Vec<String>,
    /// How often the server pings, in milliseconds.
    #[serde(rename = "pingInterval")]
    pub ping_interval_ms: u64,
    /// How long the client has to answer a ping, in milliseconds.
    #[serde(rename = "pingTimeout")]
    pub ping_timeout_ms: u64,
    /// The largest message or payload that the server reads, in bytes.
    #[serde(rename = "maxPayload")]
    pub max_payload_bytes: u64,
}

/// One packet. Borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// First from the server: the JSON of a [`Handshake`].
    Open(&'a str),
    /// The session ends.
    Close,
    /// From the server: does the client live? From the client: [`PROBE`].
    Ping(&'a str),
    /// The answer, with the ping's data.
    Pong(&'a str),
    /// What is carried.
    Message(&'a str),
    /// From the client: all that follows goes over the carrier that was tried out.
    Upgrade,
    /// Says nothing; ends a poll.
    Noop,
    /// What is carried, as bytes.
    Binary(Vec<u8>),
}

/// Why a text is no packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Nothing, not even a type.
    #[error("an empty Engine.IO packet")]
    Empty,
    /// A type that protocol 4 does not have.
    #[error("{0:?} is no type of an Engine.IO packet")]
    Type(char),
    /// More than the type, where that is all there may be.
    #[error("an Engine.IO packet of type {0} carries nothing")]
    Data(char),
    /// Binary data that is not base64.
    #[error("binary data of an Engine.IO packet is not base64")]
    Base64,
}

impl<'a> Packet<'a> {
    /// Reads one packet of a text frame or of a payload.
    ///
    /// # Errors
    ///
    /// [`PacketError`] when it is none.
    pub fn decode(text: &'a str) -> Result<Self, PacketError> {
        let kind = text.chars().next().ok_or(PacketError::Empty)?;
        let data = &text[kind.len_utf8()..];
        let bare = |packet| if data.is_empty() { Ok(packet) } else { Err(PacketError::Data(kind)) };
        match kind {
            '0' => Ok(Self::Open(data)),
            '1' => bare(Self::Close),
            '2' => Ok(Self::Ping(data)),
            '3' => Ok(Self::Pong(data)),
            '4' => Ok(Self::Message(data)),
            '5' => bare(Self::Upgrade),
            '6' => bare(Self::Noop),
            'b' => STANDARD.decode(data).map(Self::Binary).map_err(|_error| PacketError::Base64),
            other => Err(PacketError::Type(other)),
        }
    }

    /// Appends the packet as it stands in a payload; in a text frame too, but for [`Packet::Binary`], which is a binary
    /// frame there. Whoever writes a payload puts [`SEPARATOR`] between its packets, and none may be in their data.
    pub fn encode(&self, out: &mut String) {
        let (kind, data) = match self {
            Self::Open(data) => ('0', *data),
            Self::Close => ('1', ""),
            Self::Ping(data) => ('2', *data),
            Self::Pong(data) => ('3', *data),
            Self::Message(data) => ('4', *data),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
            Self::Binary(bytes) => {
                out.push('b');
                return STANDARD.encode_string(bytes, out);
            }
        };
        out.push(kind);
        out.push_str(data);
    }
}

/// The texts of the packets in a payload, in order. An empty payload holds one empty text, which is no packet.
pub fn packets(payload: &str) -> impl Iterator<Item = &str> {
    payload.split(SEPARATOR)
}

impl Handshake {
    /// The JSON behind the type of the open packet.
    #[expect(clippy::expect_used, reason = "serializing strings and integers into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a handshake is serializable")
    }

    /// Reads what follows the type of the open packet. Unknown members are passed over.
    ///
    /// # Errors
    ///
    /// When it is not the JSON of a handshake.
    pub fn decode(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
