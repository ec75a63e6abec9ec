//! What a lane's bytes must be, computed from the protocols' texts alone: none of our codecs has a word here.

use std::collections::BTreeMap;

use record::{ByteCounts, Cell, Publication};

use super::fetched::Fetched;

/// Bytes of one direction by category, those without any left out.
type Counts = BTreeMap<String, u64>;

/// Bytes of both directions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    down: Counts,
    up: Counts,
}

impl Bytes {
    pub(super) fn of(down: &ByteCounts, up: &ByteCounts) -> Self {
        let some = |counts: &ByteCounts| counts.clone().into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        Self { down: some(down), up: some(up) }
    }

    fn down(&mut self, category: &str, bytes: usize) {
        *self.down.entry(category.to_owned()).or_default() += bytes as u64;
    }

    fn up(&mut self, category: &str, bytes: usize) {
        *self.up.entry(category.to_owned()).or_default() += bytes as u64;
    }
}

/// What a window must hold.
pub(super) struct Window {
    pub(super) deliveries: u64,
    pub(super) bytes: Bytes,
}

/// One publication as its room's only subscriber got it.
#[derive(Debug, Clone, Copy)]
struct Delivered {
    offset: usize,
    at_ns: i64,
}

pub(super) fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// `epoch.offset`.
pub(super) fn position(offset: usize, fetched: &Fetched) -> usize {
    fetched.epoch + 1 + digits(offset)
}

/// The publication of the feed contract, whose time has 16 digits until the year 2286.
fn publication(offset: usize, data: usize) -> usize {
    let around = r#"{"offset":,"event":"message","from":null,"at_us":1732090000123456,"data":}"#;
    around.len() + digits(offset) + data
}

/// A frame of RFC 6455, section 5.2; a client's has a masking key.
fn frame(payload: usize, masked: bool) -> usize {
    let length = match payload {
        0..126 => 0,
        126..65_536 => 2,
        _ => 8,
    };
    2 + length + if masked { 4 } else { 0 } + payload
}

/// A chunk of RFC 9112, section 7.1.
fn chunk(data: usize) -> usize {
    format!("{data:x}").len() + 2 + data + 2
}

/// An event of the HTML standard, section 9.2: fields that end with a line feed, and an empty line.
fn event(name: Option<&str>, id: usize, data: usize) -> usize {
    let field = |field: &str, value: usize| field.len() + 2 + value + 1;
    name.map_or(0, |name| field("event", name.len())) + field("id", id) + field("data", data) + 1
}

/// An event of Socket.IO protocol 5 in a message of Engine.IO protocol 4.
fn packet(name: &str, item: usize) -> usize {
    "42/bench,".len() + r#"["","#.len() + name.len() + item + r#","r0"]"#.len()
}

/// What a pushed publication takes on the wire beside its JSON.
fn framing(lane: &str, delivered: Delivered, json: usize, fetched: &Fetched) -> Option<usize> {
    let whole = match lane {
        "raw" => 4 + json,
        "websocket" => frame(json, false),
        "sse" => chunk(event(None, position(delivered.offset, fetched), json)),
        "socketio" | "socketio+websocket" => frame(packet("message", json), false),
        _ => return None,
    };
    Some(whole - json)
}

/// Request, head of the answer and body of a poll that brought `items`, each its JSON's length.
fn exchange(lane: &str, first: usize, items: &[usize], fetched: &Fetched) -> (usize, usize, usize) {
    let last = position(first + items.len() - 1, fetched);
    let between = items.len() - 1;
    let json: usize = items.iter().sum();
    let batch = |retry_after: &str| {
        let wrapper = r#"{"position":"","items":[],"retry_after_ms":}"#.len() + last + retry_after.len();
        wrapper + json + between
    };
    let after = position(first - 1, fetched);
    if lane == "long-polling" {
        let path = format!("/v1/bench/r0/long-polling?after={}&wait=25s", "x".repeat(after));
        let body = batch("0");
        return (fetched.get(&path), fetched.long_poll.with_body(body), body);
    }
    if lane == "socketio+polling" {
        let body = items.iter().map(|json| packet("message", *json)).sum::<usize>() + between;
        return (fetched.poll(), fetched.payload.with_body(body), body);
    }
    let body = batch(&fetched.retry_after_ms);
    (short_poll(after, fetched), fetched.short_poll.with_body(body), body)
}

fn short_poll(after: usize, fetched: &Fetched) -> usize {
    fetched.get(&format!("/v1/bench/r0/short-polling?after={}", "x".repeat(after)))
}

/// The deliveries of each room in order; their publisher wrote them in the order of their numbers.
fn by_room(publications: &[Publication]) -> Vec<Vec<Delivered>> {
    let mut rooms = BTreeMap::<u32, Vec<Delivered>>::new();
    let mut written = BTreeMap::<u32, usize>::new();
    for publication in publications {
        let offset = written.entry(publication.room).or_default();
        *offset += 1;
        let delivered = publication.first_ns.map(|at_ns| Delivered { offset: *offset, at_ns });
        rooms.entry(publication.room).or_default().extend(delivered);
    }
    rooms.into_values().collect()
}

/// What arrived in the window, from the instants of the record.
pub(super) fn window(cell: &Cell, publications: &[Publication], data: usize, fetched: &Fetched) -> Window {
    let mut bytes = Bytes::default();
    let (mut deliveries, mut carrying, mut positions) = (0, 0, Vec::new());
    let end = i64::try_from(cell.window.length_ns).unwrap();
    for room in by_room(publications) {
        positions.push(room.iter().take_while(|delivered| delivered.at_ns < 0).count());
        for batch in room.chunk_by(|one, next| one.at_ns == next.at_ns) {
            if !(0..end).contains(&batch[0].at_ns) {
                continue;
            }
            deliveries += batch.len() as u64;
            let items: Vec<usize> = batch.iter().map(|one| publication(one.offset, data)).collect();
            let json: usize = items.iter().sum();
            bytes.down("payload", data * batch.len());
            bytes.down("envelope", json - data * batch.len());
            let pushed = batch.iter().zip(&items).map(|(one, json)| framing(&cell.lane, *one, *json, fetched));
            if let Some(framing) = pushed.sum::<Option<usize>>() {
                bytes.down("framing", framing);
                continue;
            }
            carrying += 1;
            positions.push(batch[batch.len() - 1].offset);
            let (request, head, body) = exchange(&cell.lane, batch[0].offset, &items, fetched);
            bytes.up("http_head", request);
            bytes.down("http_head", head);
            bytes.down("framing", body - json);
        }
    }
    assert_eq!(cell.window.responses_with_items, carrying, "{}: answers with items", cell.lane);
    let empty = usize::try_from(cell.window.requests - carrying).unwrap();
    if empty > 0 {
        let after = position(positions[0], fetched);
        let same = positions.iter().all(|offset| position(*offset, fetched) == after);
        assert!(same, "{}: nobody knows which of {positions:?} an empty poll asked after", cell.lane);
        bytes.up("empty_polls", empty * short_poll(after, fetched));
        bytes.down("empty_polls", empty * fetched.nothing_new(after));
    }
    Window { deliveries, bytes }
}

/// All handshakes of `subscribers` down and up, for those that took `up` bytes.
///
/// Where requests carry a session, how many there are depends on which packet is ready first: the surplus of `up` tells, and
/// must be a whole number of them.
pub(super) fn handshakes(lane: &str, subscribers: u64, up: u64, fetched: &Fetched) -> (u64, u64) {
    let hello = fetched.hello;
    let upgrade = |path: &str| fetched.upgrade("websocket", path);
    let (down, asked, more) = match lane {
        "raw" => (fetched.raw_upgraded + 4 + hello, fetched.raw_request(), None),
        "websocket" => (fetched.upgraded + frame(hello, false), upgrade("/v1/bench/r0/websocket"), None),
        "sse" => {
            // The line end that closes the chunk comes after the hello, and is framing.
            let first = chunk(event(Some("hello"), position(0, fetched), hello)) - 2;
            (fetched.events + first, fetched.stream("/v1/bench/r0/sse"), None)
        }
        "long-polling" => {
            let body = first_batch("0", fetched);
            let request = fetched.get("/v1/bench/r0/long-polling?wait=25s");
            (fetched.long_poll.with_body(body) + body, request, None)
        }
        "socketio+websocket" => {
            let open = fetched.open - r#""websocket""#.len();
            let packets = [open, fetched.connected, packet("hello", hello)].map(|packet| frame(packet, false));
            let request = upgrade("/socket.io/?EIO=4&transport=websocket");
            (fetched.upgraded + packets.iter().sum::<usize>(), request + frame(CONNECT.len(), true), None)
        }
        "socketio" | "socketio+polling" => {
            let answer = |body: usize| fetched.payload.with_body(body) + body;
            let (connected, greeted) = (fetched.connected, packet("hello", hello));
            let both = answer(connected + 1 + greeted);
            let down = answer(fetched.open) + answer("ok".len()) + both;
            let asked =
                fetched.get("/socket.io/?EIO=4&transport=polling&t=xxxxxxxx") + fetched.post(CONNECT) + fetched.poll();
            if lane == "socketio" {
                let socket = fetched.upgraded + frame("3probe".len(), false);
                let probe = upgrade(&format!("/socket.io/?EIO=4&transport=websocket&sid={}", fetched.sid))
                    + frame("2probe".len(), true)
                    + frame("5".len(), true);
                // Every further poll is let go with a noop.
                (down + socket, asked + probe, Some(answer("6".len())))
            } else {
                (down, asked, Some(answer(connected) + answer(greeted) - both))
            }
        }
        _ => {
            let body = first_batch(&fetched.retry_after_ms, fetched);
            let request = fetched.get("/v1/bench/r0/short-polling");
            (fetched.short_poll.with_body(body) + body, request, None)
        }
    };
    let (down, asked) = (subscribers * down as u64, subscribers * asked as u64);
    let Some(more) = more else { return (down, asked) };
    let further = up.saturating_sub(asked) / fetched.poll() as u64;
    (down + further * more as u64, asked + further * fetched.poll() as u64)
}

/// The packet that asks for namespace and room.
pub(super) const CONNECT: &str = r#"40/bench,{"room":"r0"}"#;

/// The answer to a poll that asks after nothing.
fn first_batch(retry_after: &str, fetched: &Fetched) -> usize {
    r#"{"position":"","items":[],"retry_after_ms":}"#.len() + position(0, fetched) + retry_after.len()
}
