//! The driver: our own frames, so that they and the server's library check each other.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use wire::{
    http1,
    websocket::{self, Content, Limits, Opcode, Role},
};

use crate::{
    Driver, Target,
    duplex_client::{DuplexDriver, Frame, Frames, Violation},
    headers::Kind,
};

/// The longest message that is read: far above what a server sends, so that a broken length is told from a large item.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

pub(super) fn driver(target: Target) -> Box<dyn Driver> {
    let mut random = ChaCha8Rng::seed_from_u64(target.seed);
    let key = websocket::client_key(random.random());
    let limits = Limits { max_frame_bytes: MAX_MESSAGE_BYTES, max_message_bytes: MAX_MESSAGE_BYTES };
    let reader = websocket::Reader::new(Role::Server, limits);
    Box::new(DuplexDriver::new(Messages { target, key, random, reader }))
}

#[derive(Debug)]
struct Messages {
    target: Target,
    key: String,
    /// Where mask keys come from.
    random: ChaCha8Rng,
    reader: websocket::Reader,
}

impl Frames for Messages {
    fn request(&self) -> String {
        let path = self.target.path("websocket", "");
        let fill = [("{protocol}", "websocket"), ("{key}", &self.key)];
        self.target.headers.head(Kind::Upgrade, &self.target.origin.authority, &path, &fill, &[])
    }

    fn accept(&self, head: &http1::Head) -> Result<(), String> {
        if head.field("sec-websocket-extensions").is_some() {
            return Err("the server chose an extension that was not understood".to_owned());
        }
        match head.field("sec-websocket-accept") {
            Some(accept) if accept == websocket::accept_key(&self.key) => Ok(()),
            other => Err(format!("Sec-WebSocket-Accept is {other:?}, not the hash of the key")),
        }
    }

    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation> {
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

    fn pending(&self) -> usize {
        self.reader.pending()
    }

    fn write_item(&mut self, text: &str, out: &mut Vec<u8>) {
        websocket::encode(Opcode::Text, text.as_bytes(), Some(self.random.random()), out);
    }

    fn write_close(&mut self, out: &mut Vec<u8>) {
        websocket::encode_close(1000, "", Some(self.random.random()), out);
    }
}
