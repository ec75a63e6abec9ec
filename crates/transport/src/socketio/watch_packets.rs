//! What packets are, as far as who looks on needs to know.

use serde::Deserialize;
use serde_json::value::RawValue;
use wire::{
    Control,
    engine_io::{self, Handshake},
    socket_io::{self, Kind},
};

use crate::watch_duplex::publication;

/// A packet from the server.
pub(super) enum Down {
    Open(Handshake),
    Ping,
    Hello,
    /// Bytes of `data`, and the rest of the JSON.
    Publication(usize, usize),
    Other,
}

impl Down {
    pub(super) fn read(packet: &str) -> Self {
        match engine_io::Packet::decode(packet) {
            Ok(engine_io::Packet::Open(json)) => Handshake::decode(json).map_or(Self::Other, Self::Open),
            Ok(engine_io::Packet::Ping(_)) => Self::Ping,
            Ok(engine_io::Packet::Message(message)) => Self::event(message).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }

    fn event(message: &str) -> Option<Self> {
        let packet = socket_io::Packet::decode(message).ok().filter(|packet| packet.kind == Kind::Event)?;
        let (_name, arguments) = packet.event().ok()?;
        let item = arguments.first()?.get();
        if let Some((payload, envelope)) = publication(item) {
            return Some(Self::Publication(payload, envelope));
        }
        matches!(serde_json::from_str(item), Ok(Control::Hello(_))).then_some(Self::Hello)
    }
}

/// A packet from the client.
pub(super) enum Up {
    Connect,
    Pong,
    /// What follows goes over the WebSocket that was tried out.
    Upgrade,
    /// Bytes of `data`, and the rest of the JSON.
    Publish(usize, usize),
    Other,
}

impl Up {
    pub(super) fn read(packet: &str) -> Self {
        match engine_io::Packet::decode(packet) {
            Ok(engine_io::Packet::Pong(_)) => Self::Pong,
            Ok(engine_io::Packet::Upgrade) => Self::Upgrade,
            Ok(engine_io::Packet::Message(message)) => Self::message(message).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }

    fn message(message: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Published<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let packet = socket_io::Packet::decode(message).ok()?;
        if packet.kind == Kind::Connect {
            return Some(Self::Connect);
        }
        let (name, arguments) = packet.event().ok().filter(|_| packet.kind == Kind::Event)?;
        let json = arguments.first().filter(|_| name == "publish")?.get();
        let payload = serde_json::from_str::<Published<'_>>(json).ok()?.data.get().len();
        Some(Self::Publish(payload, json.len() - payload))
    }
}
