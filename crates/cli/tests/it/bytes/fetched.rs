//! What only the server can say about itself: the heads of its answers and the lengths of its names, read from a plain socket.
//! The heads of requests are the recorded ones.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use testkit::process::ServerProcess;
use transport::{Headers, headers::Kind};

use super::arithmetic::{CONNECT, digits};
use crate::binary;

/// 16 bytes in base64 (RFC 6455, section 4.1).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The head of an answer that says how long its body is.
#[derive(Debug)]
pub(super) struct Head {
    /// Without the digits of that.
    bytes: usize,
}

impl Head {
    fn of(head: &str) -> Self {
        Self { bytes: head.len() - field(head, "content-length").unwrap().len() }
    }

    /// Its bytes before a body of so many.
    pub(super) fn with_body(&self, body: usize) -> usize {
        self.bytes + digits(body)
    }
}

/// See the file. Lengths in bytes.
#[derive(Debug)]
pub(super) struct Fetched {
    headers: Headers,
    authority: String,
    pub(super) epoch: usize,
    pub(super) retry_after_ms: String,
    pub(super) short_poll: Head,
    pub(super) long_poll: Head,
    /// The head of an answer without items, without its position.
    nothing_new: usize,
    /// The heads of answers that go on for ever.
    pub(super) events: usize,
    pub(super) upgraded: usize,
    pub(super) raw_upgraded: usize,
    /// The control item that greets, at offset 0.
    pub(super) hello: usize,
    pub(super) payload: Head,
    /// A session's id.
    pub(super) sid: String,
    /// The packets that open a session over HTTP and a namespace.
    pub(super) open: usize,
    pub(super) connected: usize,
}

impl Fetched {
    pub(super) fn from_a_server() -> Self {
        let server = ServerProcess::start(binary(), &[]);
        let headers = Headers::built_in("chromium").unwrap();
        let authority = server.origin.authority.clone();
        let head = |kind, path: &str, fill: &[(&str, &str)]| headers.head(kind, &authority, path, fill, &[]);
        let get = |path: &str| answer(&server, &head(Kind::Fetch, path, &[]));

        let (short_poll, batch) = get("/v1/bench/r0/short-polling");
        let position = between(&batch, r#"{"position":""#, r#"","items":[]"#).to_owned();
        let (nothing_new, _) = get(&format!("/v1/bench/r0/short-polling?after={position}"));
        assert!(nothing_new.contains(" 204 ") && nothing_new.contains(&position), "{nothing_new}");
        let (long_poll, _) = get("/v1/bench/r0/long-polling?wait=25s");
        let (events, _) = answer(&server, &head(Kind::EventStream, "/v1/bench/r0/sse", &[]));
        let upgrade = head(Kind::Upgrade, "/v1/bench/r0/websocket", &[("{protocol}", "websocket"), ("{key}", KEY)]);
        let (upgraded, _) = answer(&server, &upgrade);
        let (raw_upgraded, _) = answer(&server, &raw_request(&authority));

        let (_, open) = get("/socket.io/?EIO=4&transport=polling&t=xxxxxxxx");
        let sid = between(&open, r#""sid":""#, "\"").to_owned();
        let path = format!("/socket.io/?EIO=4&transport=polling&t=xxxxxxxx&sid={sid}");
        let length = CONNECT.len().to_string();
        answer(&server, &(head(Kind::PostText, &path, &[("{length}", &length)]) + CONNECT));
        let (payload, mut packets) = get(&path);
        if !packets.contains('\u{1e}') {
            packets = packets + "\u{1e}" + &get(&path).1;
        }
        let (connected, hello) = packets.split_once('\u{1e}').unwrap();
        let hello = between(hello, r#"42/bench,["hello","#, r#","r0"]"#);
        assert!(hello.contains(".0\""), "the position of an empty room: {hello}");
        Self {
            epoch: position.split_once('.').unwrap().0.len(),
            retry_after_ms: between(&batch, r#""retry_after_ms":"#, "}").to_owned(),
            short_poll: Head::of(&short_poll),
            long_poll: Head::of(&long_poll),
            nothing_new: nothing_new.len() - position.len(),
            events: events.len(),
            upgraded: upgraded.len(),
            raw_upgraded: raw_upgraded.len(),
            hello: hello.len(),
            payload: Head::of(&payload),
            open: open.len(),
            connected: connected.len(),
            sid,
            headers,
            authority,
        }
    }

    fn request(&self, kind: Kind, path: &str, fill: &[(&str, &str)]) -> usize {
        self.headers.head(kind, &self.authority, path, fill, &[]).len()
    }

    pub(super) fn get(&self, path: &str) -> usize {
        self.request(Kind::Fetch, path, &[])
    }

    pub(super) fn stream(&self, path: &str) -> usize {
        self.request(Kind::EventStream, path, &[])
    }

    pub(super) fn upgrade(&self, protocol: &str, path: &str) -> usize {
        self.request(Kind::Upgrade, path, &[("{protocol}", protocol), ("{key}", KEY)])
    }

    pub(super) fn raw_request(&self) -> usize {
        raw_request(&self.authority).len()
    }

    fn session_path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&t=xxxxxxxx&sid={}", self.sid)
    }

    /// A poll of a session.
    pub(super) fn poll(&self) -> usize {
        self.get(&self.session_path())
    }

    /// A post to a session, body included.
    pub(super) fn post(&self, body: &str) -> usize {
        let length = body.len().to_string();
        self.request(Kind::PostText, &self.session_path(), &[("{length}", &length)]) + body.len()
    }

    /// The answer to a poll when there is nothing after a position of so many bytes.
    pub(super) fn nothing_new(&self, position: usize) -> usize {
        self.nothing_new + position
    }
}

/// No browser sends it: the least that asks for the protocol.
fn raw_request(authority: &str) -> String {
    let fields = format!("Host: {authority}\r\nConnection: Upgrade\r\nUpgrade: feedbench-raw\r\n");
    format!("GET /v1/bench/r0/raw HTTP/1.1\r\n{fields}\r\n")
}

/// The answer's head with its empty line, and its body where the head says how long it is.
fn answer(server: &ServerProcess, request: &str) -> (String, String) {
    let mut tcp = TcpStream::connect(server.origin.address).unwrap();
    tcp.write_all(request.as_bytes()).unwrap();
    let (mut reader, mut head) = (BufReader::new(tcp), String::new());
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.unwrap_or_else(|| panic!("{before}..{after} in {text}")).0
}
