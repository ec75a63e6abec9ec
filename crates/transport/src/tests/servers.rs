//! What servers write: the bytes that scripts are made of.

use wire::{
    length_prefixed,
    problem::{MEDIA_TYPE, Problem},
    websocket::{self, Opcode},
};

/// A lane that upgrades to items both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TwoWay {
    Raw,
    WebSocket,
}

impl TwoWay {
    pub(super) const ALL: [Self; 2] = [Self::Raw, Self::WebSocket];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::WebSocket => "websocket",
        }
    }

    /// The 101 that `request` asks for.
    pub(super) fn accept(self, request: &[u8]) -> Vec<u8> {
        let request = std::str::from_utf8(request).unwrap();
        let fields = match self {
            Self::Raw => "Upgrade: feedbench-raw\r\n".to_owned(),
            Self::WebSocket => {
                let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
                format!("Upgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n", websocket::accept_key(key))
            }
        };
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n{fields}\r\n").into_bytes()
    }

    pub(super) fn item(self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Raw => length_prefixed::encode(text.as_bytes(), &mut bytes),
            Self::WebSocket => websocket::encode(Opcode::Text, text.as_bytes(), None, &mut bytes),
        }
        bytes
    }

    pub(super) fn heartbeat(self) -> Vec<u8> {
        match self {
            Self::Raw => vec![0; 4],
            Self::WebSocket => frame(Opcode::Ping, b"beat"),
        }
    }

    /// What follows the close item, before the end.
    pub(super) fn goodbye(self, code: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self == Self::WebSocket {
            websocket::encode_close(code, "bye", None, &mut bytes);
        }
        bytes
    }

    /// Whole frames that the lane does not allow after its hello.
    pub(super) fn forbidden(self) -> Vec<Vec<u8>> {
        let mut all = vec![self.item("nonsense"), self.item("{\"later\":{}}"), self.item("{\"offset\":-1}")];
        match self {
            Self::Raw => {
                all.push(b"\0\0\0\x02\xC3\x28".to_vec());
                all.push(b"\xFF\xFF\xFF\xFF".to_vec());
            }
            Self::WebSocket => {
                all.push(frame(Opcode::Binary, b"binary"));
                all.push(frame(Opcode::Text, b"\xC3\x28"));
                all.push(frame(Opcode::Continuation, b"of nothing"));
                all.push(b"\xC1\x00".to_vec());
                all.push(b"\x81\x84maskmask".to_vec());
                all.push(b"\x88\x01x".to_vec());
                all.push([frame(Opcode::Close, b""), frame(Opcode::Ping, b"")].concat());
            }
        }
        all
    }
}

pub(super) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    websocket::encode(opcode, payload, None, &mut bytes);
    bytes
}

pub(super) fn hello(offset: u64) -> String {
    format!(r#"{{"hello":{{"position":"e.{offset}","session":"s","heartbeat_ms":25000}}}}"#)
}

pub(super) fn publication(offset: u64, data: &str) -> String {
    format!(r#"{{"offset":{offset},"event":"message","from":null,"at_us":7,"data":{data}}}"#)
}

/// A publication whose `data` is a string of `size` bytes with its quotes.
pub(super) fn sized(offset: u64, size: usize) -> String {
    publication(offset, &format!("\"{}\"", "x".repeat(size - 2)))
}

pub(super) fn gap(from: u64, to: u64) -> String {
    let missed = to - from + 1;
    format!(r#"{{"gap":{{"from":{from},"to":{to},"missed":{missed},"reason":"trimmed","position":"e.{to}"}}}}"#)
}

pub(super) const CLOSE: &str = r#"{"close":{"code":3001,"reason":"drain","reconnect":true,"retry_after_ms":2000}}"#;

pub(super) fn ack(reference: u64, position: &str) -> String {
    format!(r#"{{"ack":{{"ref":{reference},"position":"{position}"}}}}"#)
}

pub(super) fn refusal(reference: u64) -> String {
    format!(r#"{{"error":{{"ref":{reference},"status":413,"detail":"too large"}}}}"#)
}

/// A whole answer with a body behind its length.
pub(super) fn answer(status: u16, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\n{fields}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The same as [`answer`], with the body in two chunks.
pub(super) fn chunked(status: u16, body: &str) -> Vec<u8> {
    let (a, b) = body.split_at(body.len() / 2);
    let chunks = [a, b].map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).concat();
    format!("HTTP/1.1 {status} Status\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into_bytes()
}

/// How a stream of events begins whose body comes in chunks.
pub(super) const EVENT_STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// How a body in chunks ends.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The event of a publication, which has an id and no name.
pub(super) fn publication_event(offset: u64, json: &str) -> Vec<u8> {
    format!("id: e.{offset}\ndata: {json}\n\n").into_bytes()
}

/// The event of a control item; hello and gap have an id too.
pub(super) fn control_event(name: &str, id: Option<&str>, json: &str) -> Vec<u8> {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {json}\n\n").into_bytes()
}

pub(super) fn hello_event() -> Vec<u8> {
    control_event("hello", Some("e.41"), &hello(41))
}

pub(super) fn gap_event(from: u64, to: u64) -> Vec<u8> {
    control_event("gap", Some(&format!("e.{to}")), &gap(from, to))
}

pub(super) fn close_event() -> Vec<u8> {
    control_event("close", None, CLOSE)
}

pub(super) fn heartbeat_event() -> Vec<u8> {
    control_event("heartbeat", None, r#"{"heartbeat":{}}"#)
}

pub(super) fn batch(position: &str, items: &[String]) -> String {
    format!(r#"{{"position":"{position}","items":[{}],"retry_after_ms":1000}}"#, items.join(","))
}

/// 204 with a position, or 304.
pub(super) fn nothing_new(status: u16, position: &str) -> Vec<u8> {
    let field = if status == 304 { format!("ETag: \"{position}\"") } else { format!("Feed-Position: {position}") };
    format!("HTTP/1.1 {status} Status\r\n{field}\r\n\r\n").into_bytes()
}

/// A refusal, which is an announced end when there is a code.
pub(super) fn problem(status: u16, code: Option<u16>) -> Vec<u8> {
    let problem =
        Problem { kind: "kind".to_owned(), title: "Title".to_owned(), status, detail: "what to do".to_owned(), code };
    let retry_after = if code.is_some() { "Retry-After: 2\r\n" } else { "" };
    let fields = format!("Content-Type: {MEDIA_TYPE}\r\n{retry_after}");
    answer(status, &fields, &serde_json::to_string(&problem).unwrap())
}
