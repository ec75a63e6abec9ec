//! What the requests of a session are made of: the path with its query, as the official client writes it.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use wire::engine_io::REVISION;

use crate::{
    Target,
    driver::{Command, ConnectionId, Out},
    headers::Kind,
};

/// The carrier that every request is a new one of.
const POLLING: &str = "polling";

/// The carrier that leaves HTTP; also the name of its protocol.
pub(super) const WEBSOCKET: &str = "websocket";

/// Digits of the mark that makes each request another one for caches. The official client takes 5 from the clock and 3 by
/// chance; here all 8 come from the seed.
const MARK_DIGITS: usize = 8;

const DIGITS: [char; 36] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
    'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
];

/// Opens connections and writes heads.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) target: Target,
    random: ChaCha8Rng,
    sid: Option<String>,
    next_connection: ConnectionId,
}

impl Requests {
    pub(super) fn new(target: Target) -> Self {
        let random = ChaCha8Rng::seed_from_u64(target.seed);
        Self { target, random, sid: None, next_connection: 0 }
    }

    /// Asks for a new connection.
    pub(super) fn open(&mut self, out: &mut Out) -> ConnectionId {
        let connection = self.next_connection;
        self.next_connection += 1;
        out.commands.push(Command::Open(connection));
        connection
    }

    /// A seed for what a connection chooses by chance.
    pub(super) fn seed(&mut self) -> u64 {
        self.random.random()
    }

    /// Takes the session's id for all later requests. False when it has characters that a query would have to escape.
    pub(super) fn set_sid(&mut self, sid: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        let fits = !sid.is_empty() && sid.bytes().all(plain);
        self.sid = Some(sid.to_owned()).filter(|_| fits);
        fits
    }

    /// Whether there is a session to name.
    pub(super) fn has_sid(&self) -> bool {
        self.sid.is_some()
    }

    /// The head of a poll.
    pub(super) fn poll(&mut self) -> String {
        let path = self.polling_path();
        self.head(Kind::Fetch, &path, &[])
    }

    /// The head of a request that carries a body of so many bytes.
    pub(super) fn post(&mut self, body_bytes: usize) -> String {
        let path = self.polling_path();
        self.head(Kind::PostText, &path, &[("{length}", &body_bytes.to_string())])
    }

    /// The path of a request for a WebSocket.
    pub(super) fn websocket_path(&self) -> String {
        self.path(WEBSOCKET, "")
    }

    fn head(&self, kind: Kind, path: &str, fill: &[(&str, &str)]) -> String {
        self.target.headers.head(kind, &self.target.origin.authority, path, fill, &[])
    }

    fn polling_path(&mut self) -> String {
        let mark: String = (0..MARK_DIGITS).map(|_| DIGITS[self.random.random_range(0..DIGITS.len())]).collect();
        self.path(POLLING, &format!("&t={mark}"))
    }

    fn path(&self, carrier: &str, mark: &str) -> String {
        let sid = self.sid.as_ref().map(|sid| format!("&sid={sid}")).unwrap_or_default();
        format!("/socket.io/?EIO={REVISION}&transport={carrier}{mark}{sid}")
    }
}
