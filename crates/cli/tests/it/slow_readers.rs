//! Readers that stop: they cost a bounded piece of memory, and nobody else anything.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use conformance::client::Client;
use testkit::process::ServerProcess;
use transport::{Event, Headers, Lane, Target};
use wire::{
    After, Control, RoomName, engine_io, socket_io,
    websocket::{self, Content, Opcode, Role},
};

use crate::binary;

/// Readers that stop, and readers that go on; of every lane that pushes.
const STALLED: usize = 90;
const LIVE: usize = 90;

/// Publications and bytes of each: many times what a ring holds.
const PUBLICATIONS: usize = 300;
const SIZE: usize = 16 * 1024;

/// What the server may keep in its own memory for a reader that stopped: one piece of a batch with the item that does not
/// fit, and its connection.
const MOST_PER_READER: u64 = 192 * 1024;

/// What does not depend on readers: rings, runtime, what the allocator keeps.
const MOST_BESIDE: u64 = 24 * 1024 * 1024;

fn user_memory(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// Paths and upgrade headers of the lanes that push, as an outsider would ask for them.
fn streams() -> [(&'static str, &'static str); 3] {
    [
        ("raw", "Connection: Upgrade\r\nUpgrade: feedbench-raw\r\n"),
        (
            "websocket",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
        ("sse", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stop_cost_a_bounded_piece_and_slow_nobody() {
    let server = ServerProcess::start(binary(), &["--ring-items", "20", "--user-timeout", "60s"]);
    let before = user_memory(server.pid());
    let mut stalled = Vec::new();
    for (lane, headers) in (0..STALLED).map(|index| streams()[index % streams().len()]) {
        let mut tcp = TcpStream::connect(server.origin.address).unwrap();
        let request = format!("GET /v1/slow/room/{lane} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        tcp.write_all(request.as_bytes()).unwrap();
        stalled.push(tcp);
    }
    let mut live = Vec::new();
    for (index, (lane, _)) in (0..LIVE).zip(streams().into_iter().cycle()) {
        let target = Target {
            origin: server.origin.clone(),
            room: RoomName::new("slow", "room").unwrap(),
            after: After::Head,
            headers: Headers::built_in("minimal").unwrap(),
            seed: index as u64,
            phase: None,
            receive: true,
        };
        let driver = Lane::parse(lane, transport::ALL).unwrap().build().driver(target);
        live.push((lane, Client::start(driver, server.origin.address)));
    }
    for (_, client) in &mut live {
        client.ready().await.unwrap();
    }
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(SIZE));
    for n in 1..=PUBLICATIONS as u64 {
        let (status, ..) = server.request("POST", "/v1/slow/room/messages", &body);
        assert_eq!(status, 201);
        // Paced by the live ones: whoever reads keeps up, so a gap would be the stalled ones' doing.
        for (lane, client) in &mut live {
            let offset = client
                .until(|event| match event {
                    Event::Delivery(delivery) => Some(delivery.offset),
                    Event::Gap(gap) => panic!("{lane} was told {gap:?}"),
                    Event::Failed(error) => panic!("{lane}: {error}"),
                    _ => None,
                })
                .await
                .unwrap();
            assert_eq!(offset, n, "{lane}");
        }
    }
    let grown = user_memory(server.pid()).saturating_sub(before);
    let most = MOST_BESIDE + MOST_PER_READER * (STALLED + LIVE) as u64;
    assert!(grown <= most, "{grown} bytes for {STALLED} readers that stopped, at most {most}");
    drop(stalled);
}

#[test]
fn a_reader_that_stops_is_cut_within_its_time() {
    let server = ServerProcess::start(binary(), &["--slow-writer", "1s", "--user-timeout", "60s"]);
    let readers: Vec<TcpStream> = streams()
        .map(|(lane, headers)| {
            let mut tcp = TcpStream::connect(server.origin.address).unwrap();
            let request = format!("GET /v1/slow/room/{lane} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
            tcp.write_all(request.as_bytes()).unwrap();
            tcp
        })
        .into();
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(60_000));
    let deadline = measure::Mono::now() + Duration::from_mins(1);
    loop {
        server.request("POST", "/v1/slow/room/messages", &body);
        let rooms: serde_json::Value = serde_json::from_str(&server.request("GET", "/v1/slow", "").2).unwrap();
        if rooms["rooms"][0]["subscribers"] == 0 {
            break;
        }
        assert!(measure::Mono::now() < deadline, "still there: {rooms}");
        measure::clock::sleep_until(measure::Mono::now() + Duration::from_millis(20));
    }
    drop(readers);
}

/// Sessions that stop for a while: those on a WebSocket do not read, those over requests do not ask.
const PAUSED_ON_WEBSOCKET: usize = 800;
const PAUSED_OVER_REQUESTS: usize = 200;
const PAUSE: Duration = Duration::from_secs(5);

/// What is published meanwhile: more than a room holds, so that whoever is behind misses some.
const PAUSED_PUBLICATIONS: u64 = 400;

/// What one subscriber got, in order: each publication once, or inside exactly one gap.
#[derive(Debug, Default)]
struct Account {
    seen: u64,
    gaps: u64,
    open: bool,
}

impl Account {
    /// Takes a packet of Engine.IO; gives what it is to be answered with.
    fn take(&mut self, packet: &str) -> Option<&'static str> {
        match engine_io::Packet::decode(packet).unwrap() {
            engine_io::Packet::Ping(_) => return Some("3"),
            engine_io::Packet::Message(message) => {
                let packet = socket_io::Packet::decode(message).unwrap();
                match packet.kind {
                    socket_io::Kind::Connect => {}
                    socket_io::Kind::Event => self.event(&packet),
                    other => panic!("{other:?}: {message}"),
                }
            }
            engine_io::Packet::Open(_) | engine_io::Packet::Noop => {}
            other => panic!("{other:?}"),
        }
        None
    }

    fn event(&mut self, packet: &socket_io::Packet<'_>) {
        let (name, arguments) = packet.event().unwrap();
        let item = arguments[0].get();
        match &*name {
            "hello" => self.open = true,
            "gap" => {
                let Control::Gap(gap) = serde_json::from_str(item).unwrap() else { panic!("{item}") };
                let (from, to) = (gap.from.unwrap(), gap.to.unwrap());
                assert_eq!((from, gap.missed), (self.seen + 1, Some(to + 1 - from)), "{item}");
                (self.seen, self.gaps) = (to, self.gaps + 1);
            }
            _ => {
                let offset = wire::Publication::decode(item).unwrap().offset;
                assert_eq!(offset, self.seen + 1, "after {} gaps", self.gaps);
                self.seen = offset;
            }
        }
    }
}

/// A session on a WebSocket whose kernel holds little for it.
struct OnWebSocket {
    tcp: TcpStream,
    reader: websocket::Reader,
    head: Vec<u8>,
    account: Account,
}

impl OnWebSocket {
    fn open(address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&address.into()).unwrap();
        let (_, headers) = streams()[1];
        let mut tcp = TcpStream::from(socket);
        write!(tcp, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n{headers}\r\n").unwrap();
        let limits = websocket::Limits { max_frame_bytes: 1 << 20, max_message_bytes: 1 << 20 };
        let reader = websocket::Reader::new(Role::Server, limits);
        let mut session = Self { tcp, reader, head: Vec::new(), account: Account::default() };
        session.say(r#"40/slow,{"room":"paused"}"#);
        session.read_until(|account| account.open);
        session
    }

    fn say(&mut self, packet: &str) {
        let mut frame = Vec::new();
        websocket::encode(Opcode::Text, packet.as_bytes(), Some([1, 2, 3, 4]), &mut frame);
        self.tcp.write_all(&frame).unwrap();
    }

    fn read_until(&mut self, done: impl Fn(&Account) -> bool) {
        let mut buffer = [0; 16 * 1024];
        while !done(&self.account) {
            let count = self.tcp.read(&mut buffer).unwrap();
            assert!(count > 0, "the server ended it after {:?}", self.account);
            let mut input = &buffer[..count];
            while !self.head.ends_with(b"\r\n\r\n") && !input.is_empty() {
                self.head.push(input[0]);
                input = &input[1..];
            }
            let mut answers = Vec::new();
            while let Some(event) = self.reader.next_event(&mut input).unwrap() {
                let Content::Text(packet) = event.content else { panic!("{:?}", event.content) };
                answers.extend(self.account.take(packet));
            }
            for answer in answers {
                self.say(answer);
            }
        }
    }
}

#[test]
fn a_thousand_sessions_that_pause_get_every_publication_or_one_exact_gap() {
    let flags = ["--ring-items", "100", "--heartbeat", "2s", "--answer-within", "20s", "--user-timeout", "60s"];
    let server = ServerProcess::start(binary(), &flags);
    let mut readers: Vec<_> = (0..PAUSED_ON_WEBSOCKET).map(|_| OnWebSocket::open(server.origin.address)).collect();
    let mut pollers: Vec<_> = (0..PAUSED_OVER_REQUESTS)
        .map(|_| {
            let open = server.request("GET", "/socket.io/?EIO=4&transport=polling", "").2;
            let sid = engine_io::Handshake::decode(&open[1..]).unwrap().sid;
            let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
            assert_eq!(server.request("POST", &path, r#"40/slow,{"room":"paused"}"#).2, "ok");
            (path, Account::default())
        })
        .collect();
    // A ping falls due in every pause, and nobody is sent away for it.
    let goes_on = measure::Mono::now() + PAUSE;
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(1000));
    for _ in 0..PAUSED_PUBLICATIONS {
        assert_eq!(server.request("POST", "/v1/slow/paused/messages", &body).0, 201);
    }
    measure::clock::sleep_until(goes_on);
    for session in &mut readers {
        session.read_until(|account| account.seen >= PAUSED_PUBLICATIONS);
    }
    for (path, account) in &mut pollers {
        while account.seen < PAUSED_PUBLICATIONS {
            let (status, _, payload) = server.request("GET", path, "");
            assert_eq!(status, 200, "{payload}");
            let answers: Vec<_> = engine_io::packets(&payload).filter_map(|packet| account.take(packet)).collect();
            for answer in answers {
                assert_eq!(server.request("POST", path, answer).2, "ok");
            }
        }
    }
    let accounts: Vec<_> =
        readers.iter().map(|session| &session.account).chain(pollers.iter().map(|it| &it.1)).collect();
    assert!(accounts.iter().all(|account| account.seen == PAUSED_PUBLICATIONS));
    assert!(accounts.iter().all(|account| account.gaps == 1), "the room held a quarter of it");
}

#[test]
fn a_session_is_not_taken_for_silent_while_a_write_to_it_is_under_way() {
    let server = ServerProcess::start(binary(), &["--heartbeat", "1s", "--answer-within", "2s"]);
    let mut session = OnWebSocket::open(server.origin.address);
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(1000));
    for _ in 0..PAUSED_PUBLICATIONS {
        assert_eq!(server.request("POST", "/v1/slow/paused/messages", &body).0, 201);
    }
    // Longer than heartbeat and answer time: the ping can only be written when the reader goes on.
    measure::clock::sleep_until(measure::Mono::now() + Duration::from_secs(4));
    session.read_until(|account| account.seen >= PAUSED_PUBLICATIONS);
    assert_eq!(session.account.gaps, 0);
    assert_eq!(server.request("POST", "/v1/slow/paused/messages", &body).0, 201);
    session.read_until(|account| account.seen > PAUSED_PUBLICATIONS);
}
