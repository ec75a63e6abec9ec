//! WebSocket as drivers speak it, for all transports that carry messages in it: our own frames, so that they and the
//! server's library check each other.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use wire::{
    http1,
    websocket::{self, Content, Limits, Opcode, Role},
};

use crate::{
    Target,
    duplex_client::{Frame, Violation},
    headers::Kind,
};

/// The longest message that is read: far above what a server sends, so that a broken length is told from a large item.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// One connection: what it asks for, and its frames both ways.
#[derive(Debug)]
pub(crate) struct Messages {
    key: String,
    /// Where mask keys come from.
    random: ChaCha8Rng,
    reader: websocket::Reader,
}

impl Messages {
    /// Keys come from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let key = websocket::client_key(random.random());
        let limits = Limits { max_frame_bytes: MAX_MESSAGE_BYTES, max_message_bytes: MAX_MESSAGE_BYTES };
        Self { key, random, reader: websocket::Reader::new(Role::Server, limits) }
    }

    /// The whole request for `path`; `protocol` is what its `Upgrade` field says.
    pub(crate) fn request(&self, target: &Target, protocol: &str, path: &str) -> String {
        let fill = [("{protocol}", protocol), ("{key}", &self.key)];
        target.headers.head(Kind::Upgrade, &target.origin.authority, path, &fill, &[])
    }

    /// Checks the head of the answer 101 (RFC 6455, section 4.1).
    pub(crate) fn accept(&self, head: &http1::Head) -> Result<(), String> {
        if head.field("sec-websocket-extensions").is_some() {
            return Err("the server chose an extension that was not understood".to_owned());
        }
        match head.field("sec-websocket-accept") {
            Some(accept) if accept == websocket::accept_key(&self.key) => Ok(()),
            other => Err(format!("Sec-WebSocket-Accept is {other:?}, not the hash of the key")),
        }
    }

    /// Takes the next message or control frame off the front of `input`.
    pub(crate) fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation> {
        let event = self.reader.next_event(input);
        let Some(event) = event.map_err(|error| Violation { bytes: 0, reason: error.to_string() })? else {
            return Ok(None);
        };
        let bytes = event.wire_bytes();
        Ok(Some(match event.content {
            Content::Text(text) => Frame::Item { text, bytes },
            Content::Binary(_) => return Err(Violation { bytes, reason: "a binary message".to_owned() }),
            Content::Ping(payload) => {
                let mut reply = Vec::new();
                websocket::encode(Opcode::Pong, payload, Some(self.random.random()), &mut reply);
                Frame::Heartbeat { bytes, reply: Some(reply) }
            }
            Content::Pong(_) => Frame::Heartbeat { bytes, reply: None },
            Content::Close(close) => {
                let mut reply = Vec::new();
                let code = close.map_or(1000, |close| close.code);
                websocket::encode_close(code, "", Some(self.random.random()), &mut reply);
                Frame::Goodbye { bytes, reply }
            }
        }))
    }

    /// Bytes taken that belong to no message yet.
    pub(crate) fn pending(&self) -> usize {
        self.reader.pending()
    }

    /// Appends one frame to `out`.
    pub(crate) fn write(&mut self, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
        websocket::encode(opcode, payload, Some(self.random.random()), out);
    }
}
