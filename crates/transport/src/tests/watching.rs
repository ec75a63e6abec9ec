//! What a watcher makes of streams that no driver would send: every byte is counted, and nothing else happens.
//!
//! That it agrees with the drivers is tested beside the server, where both ends are.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use measure::{ByteLedger, Category, Direction};
use proptest::prelude::*;
use wire::websocket::{self, Opcode};

use crate::{
    ALL,
    watch::{MAX_ITEM_BYTES, Row, Watcher, Watches},
};

use Direction::{Down, Up};

const POLL: &str = "GET /v1/a/b/short-polling HTTP/1.1\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const UPGRADE: &str = "GET /v1/a/b/websocket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}";
const STREAM: &str = "GET /v1/a/b/sse HTTP/1.1\r\n\r\n";

/// A row as it can be compared.
type Told = (Option<&'static str>, ByteLedger, u64, u64);

/// What is made of pieces of a connection, each cut again into pieces of `size`.
fn watch(stream: &[(Direction, &[u8])], size: usize) -> Vec<Told> {
    let mut watcher = Watcher::new(Arc::new(Watches::new(ALL)));
    for (direction, bytes) in stream {
        bytes.chunks(size).for_each(|piece| watcher.on_bytes(*direction, piece));
    }
    watcher.on_end();
    let told = |(id, row): &(_, Row)| (*id, row.ledger(), row.requests, row.deliveries);
    let rows: Vec<Told> = watcher.rows().iter().map(told).collect();
    for direction in Direction::ALL {
        let carried: usize = stream.iter().filter(|(of, _)| *of == direction).map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(
            rows.iter().map(|row| row.1.total(direction)).sum::<u64>(),
            carried as u64,
            "{direction:?}: {rows:?}"
        );
    }
    rows
}

/// The categories of a stream's only row that are not zero.
fn only_row(stream: &[(Direction, &str)]) -> (Option<&'static str>, Vec<(Direction, Category, u64)>) {
    let stream: Vec<_> = stream.iter().map(|(direction, text)| (*direction, text.as_bytes())).collect();
    let rows = watch(&stream, usize::MAX);
    assert_eq!(watch(&stream, 1), rows);
    let [(id, ledger, ..)] = &rows[..] else { panic!("{rows:?}") };
    (*id, ledger.iter().filter(|(.., bytes)| *bytes > 0).collect())
}

fn len(text: &str) -> u64 {
    text.len() as u64
}

#[test]
fn a_first_poll_is_the_handshakes_and_a_later_one_without_publications_is_empty() {
    let id = Some("short-polling");
    let charged = |category, request: &str| vec![(Down, category, len(EMPTY)), (Up, category, len(request))];
    assert_eq!(only_row(&[(Up, POLL), (Down, EMPTY)]), (id, charged(Category::Handshake, POLL)));
    for request in [
        "GET /v1/a/b/short-polling?limit=5&after=k.41 HTTP/1.1\r\n\r\n",
        "GET /v1/a/b/short-polling HTTP/1.1\r\nIf-None-Match: \"k.41\"\r\n\r\n",
    ] {
        assert_eq!(only_row(&[(Up, request), (Down, EMPTY)]), (id, charged(Category::EmptyPolls, request)));
    }
    let earliest = "GET /v1/a/b/short-polling?after=earliest HTTP/1.1\r\n\r\n";
    assert_eq!(only_row(&[(Up, earliest), (Down, EMPTY)]), (id, charged(Category::Handshake, earliest)));
}

#[test]
fn a_request_waits_for_the_answer_that_says_what_it_was_for() {
    let mut watcher = Watcher::new(Arc::new(Watches::new(ALL)));
    watcher.on_bytes(Up, POLL.as_bytes());
    assert_eq!((watcher.rows()[0].1.requests, watcher.rows()[0].1.ledger()), (1, ByteLedger::default()));
    watcher.on_bytes(Down, EMPTY.as_bytes());
    assert_eq!(watcher.rows()[0].1.ledger().get(Up, Category::Handshake), len(POLL));
    assert_eq!(watcher.last(), Some("short-polling"));
}

#[test]
fn what_is_no_request_is_the_handshakes_and_ends_the_reading() {
    let garbage = "\u{16}\u{3}\u{1} no request\r\n\r\n";
    let refusal = "HTTP/1.1 400 Bad Request\r\n\r\n";
    let all = |up: u64| vec![(Down, Category::Handshake, len(refusal)), (Up, Category::Handshake, up)];
    assert_eq!(only_row(&[(Up, garbage), (Down, refusal)]), (None, all(len(garbage))));
    let endless = "GET /".to_owned() + &"x".repeat(100_000);
    assert_eq!(only_row(&[(Up, &endless), (Down, refusal)]), (None, all(len(&endless))));
    let (id, charged) = only_row(&[(Up, POLL), (Down, EMPTY), (Up, garbage), (Down, "?")]);
    let after = [(Down, Category::Framing, 1), (Up, Category::Framing, len(garbage))];
    assert_eq!(id, Some("short-polling"));
    assert!(after.iter().all(|one| charged.contains(one)), "{charged:?}");
}

#[test]
fn requests_of_no_transport_have_a_row_of_their_own() {
    let body = r#"{"event":"message","data":[1, 2]}"#;
    let publish = format!("POST /v1/a/b/messages HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let preflight = "OPTIONS /v1/a/b/sse HTTP/1.1\r\nAccess-Control-Request-Method: GET\r\n\r\n";
    let file = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    let (id, charged) = only_row(&[
        (Up, "HEAD /style.css HTTP/1.1\r\n\r\n"),
        (Down, file),
        (Up, preflight),
        (Down, EMPTY),
        (Up, &publish),
        (Up, body),
        (Down, REFUSED),
    ]);
    assert_eq!(id, None);
    let wanted = [
        (Down, Category::Framing, 2),
        (Down, Category::HttpHead, len(REFUSED) - 2),
        (Down, Category::Handshake, len(file) + len(EMPTY)),
        (Up, Category::Payload, 6),
        (Up, Category::Envelope, len(body) - 6),
        (Up, Category::HttpHead, len(&publish)),
        (Up, Category::Handshake, len("HEAD /style.css HTTP/1.1\r\n\r\n") + len(preflight)),
    ];
    assert_eq!(charged, wanted);
}

#[test]
fn a_target_with_scheme_and_host_is_that_of_its_path() {
    let body = r#"{"event":"message","data":7}"#;
    let publish = format!("POST http://h:80/v1/a/b/messages HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let poll = "GET http://h:80/v1/a/b/short-polling?after=k.41 HTTP/1.1\r\n\r\n";
    let stream = [(Up, poll), (Down, EMPTY), (Up, &publish)].map(|(direction, text)| (direction, text.as_bytes()));
    let rows = watch(&stream, usize::MAX);
    assert_eq!((rows[0].0, rows[0].1.get(Up, Category::EmptyPolls)), (Some("short-polling"), len(poll)));
    assert_eq!((rows[1].0, rows[1].1.get(Up, Category::Payload)), (None, 1));
}

#[test]
fn what_follows_an_upgrade_is_read_by_its_answer() {
    let mut frame = Vec::new();
    let uplink = r#"{"publish":{"event":"message","data":123},"ref":1}"#;
    websocket::encode(Opcode::Text, uplink.as_bytes(), Some(*b"mask"), &mut frame);
    // Before the answer, as a hasty client would.
    for hasty in [false, true] {
        let mut stream: Vec<(Direction, &[u8])> = vec![(Up, UPGRADE.as_bytes()), (Down, SWITCHED.as_bytes())];
        stream.insert(if hasty { 1 } else { 2 }, (Up, &frame));
        let rows = watch(&stream, usize::MAX);
        assert_eq!(rows[0].1.get(Up, Category::Payload), 3);
        assert_eq!(watch(&stream, 1), rows);
    }
    let refused = [(Up, UPGRADE), (Up, POLL), (Down, REFUSED), (Down, EMPTY)];
    let stream: Vec<_> = refused.iter().map(|(direction, text)| (*direction, text.as_bytes())).collect();
    let rows = watch(&stream, usize::MAX);
    assert_eq!((rows.len(), rows[0].2, rows[1].2), (2, 1, 1), "the poll behind it is read: {rows:?}");
}

#[test]
fn what_follows_an_upgrade_that_nobody_reads_is_counted_once() {
    let other = "GET /echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let polling = "POST /socket.io/?EIO=4&transport=polling&sid=s HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    for request in [other, polling, &POLL.replace("\r\n\r\n", "\r\nUpgrade: raw\r\n\r\n")] {
        let (_, charged) = only_row(&[(Up, request), (Down, SWITCHED), (Up, "ping"), (Down, "pong"), (Up, "ping")]);
        assert_eq!(charged.iter().map(|(.., bytes)| bytes).sum::<u64>(), len(request) + len(SWITCHED) + 12);
    }
}

#[test]
fn what_is_too_long_is_counted_without_a_look() {
    let data = "x".repeat(MAX_ITEM_BYTES);
    let body = format!(r#"{{"event":"message","data":"{data}"}}"#);
    let publish = format!("POST /v1/a/b/messages HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for size in [usize::MAX, 4096, 999] {
        let rows = watch(&[(Up, publish.as_bytes())], size);
        assert_eq!(rows[0].1.get(Up, Category::Framing), len(&body), "in pieces of {size}");
    }
    let event = format!("HTTP/1.1 200 OK\r\n\r\nid: 1\ndata: {data}{data}\n\n");
    watch(&[(Up, STREAM.as_bytes()), (Down, event.as_bytes())], 4096);
}

#[test]
fn bytes_of_a_question_are_the_handshakes_once_it_is_answered_by_yes() {
    let question = Arc::new(AtomicBool::new(false));
    let (mut row, mut sum) = (Row::default(), Row::default());
    row.charge_unless(&question, Down, Category::Payload, 5);
    row.charge(Down, Category::Payload, 2);
    sum.add(&row);
    assert_eq!(sum.ledger().get(Down, Category::Payload), 7);
    question.store(true, Ordering::Relaxed);
    for row in [&row, &sum] {
        let ledger = row.ledger();
        assert_eq!((ledger.get(Down, Category::Payload), ledger.get(Down, Category::Handshake)), (2, 5));
    }
    // More questions than are kept: the oldest counts as answered.
    let mut crowded = Row::default();
    for n in 0..100 {
        crowded.charge_unless(&Arc::new(AtomicBool::new(n == 0)), Up, Category::Framing, 1);
    }
    assert_eq!(crowded.ledger().total(Up), 100);
    assert_eq!(crowded.ledger().get(Up, Category::Handshake), 1);
}

/// What clients write, in any order.
const UPS: [&str; 12] = [
    POLL,
    UPGRADE,
    STREAM,
    "GET /v1/a/b/raw HTTP/1.1\r\nUpgrade: feedbench-raw\r\n\r\n",
    "GET /echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "HEAD /v1/a/b/sse HTTP/1.1\r\n\r\n",
    "\u{0}\u{0}\u{0}\u{4}",
    "POST /v1/a/b/messages HTTP/1.1\r\nContent-Length: 4\r\n\r\n",
    "null",
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n",
    "POST /socket.io/?EIO=4&transport=polling&sid=s HTTP/1.1\r\nContent-Length: 2\r\n\r\n40",
    "GET /socket.io/?EIO=4&transport=websocket&sid=s HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
];

/// What servers write, in any order.
const DOWNS: [&str; 9] = [
    EMPTY,
    "HTTP/1.1 100 Continue\r\n\r\n",
    "\u{1}\u{4}null",
    SWITCHED,
    REFUSED,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\n:\n\nda\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n0{\"sid\":\"s\"}",
];

fn pieces() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let of = |direction| move |text: &str| (direction, text.as_bytes().to_vec());
    let garbage = prop::collection::vec(any::<u8>(), 0..20);
    let piece = prop_oneof![
        3 => prop::sample::select(&UPS[..]).prop_map(of(Up)),
        3 => prop::sample::select(&DOWNS[..]).prop_map(of(Down)),
        1 => (prop::sample::select(&Direction::ALL[..]), garbage),
    ];
    prop::collection::vec(piece, 0..12)
}

proptest! {
    #[test]
    fn any_bytes_are_counted_once_however_they_are_split(stream in pieces(), size in 1_usize..40) {
        let stream: Vec<_> = stream.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect();
        prop_assert_eq!(watch(&stream, size), watch(&stream, usize::MAX));
    }
}
