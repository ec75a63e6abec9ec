//! What servers of Socket.IO write, and the subscriptions that tests begin with.

use measure::{Category, Direction};
use wire::websocket::Opcode;

use super::{
    Script,
    servers::{TwoWay, answer, frame, hello, sized},
    target,
    two_way::client_frames,
};
use crate::Event;

/// The lane of each set of carriers.
pub(super) const BOTH: &str = "socketio";
pub(super) const WEBSOCKET: &str = "socketio+websocket";
pub(super) const POLLING: &str = "socketio+polling";

/// The connections of a driver that begins with polls, in the order of opening.
pub(super) const POLLS: u32 = 0;
pub(super) const POSTS: u32 = 1;
pub(super) const TRIED: u32 = 2;

pub(super) const CONNECT: &str = r#"40/chat,{"room":"lobby"}"#;
pub(super) const CONNECTED: &str = r#"40/chat,{"sid":"n"}"#;

/// The first packet of a server.
pub(super) fn open(upgrades: &str) -> String {
    format!(r#"0{{"sid":"abc","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#)
}

pub(super) fn event(name: &str, json: &str) -> String {
    format!(r#"42/chat,["{name}",{json},"lobby"]"#)
}

pub(super) fn hello_packet() -> String {
    event("hello", &hello(41))
}

pub(super) fn item(offset: u64, size: usize) -> String {
    event("message", &sized(offset, size))
}

/// An answer to a poll.
pub(super) fn payload(packets: &[&str]) -> Vec<u8> {
    answer(200, "Content-Type: text/plain; charset=UTF-8\r\n", &packets.join("\u{1e}"))
}

/// The answer to a post.
pub(super) fn ok() -> Vec<u8> {
    answer(200, "Content-Type: text/html\r\n", "ok")
}

pub(super) fn text(packet: &str) -> Vec<u8> {
    frame(Opcode::Text, packet.as_bytes())
}

/// The frames that a client wrote behind the head of its request.
pub(super) fn frames(script: &Script, connection: u32) -> Vec<(Opcode, String)> {
    let written = script.written_since(connection, 0);
    let head = written.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    // A close frame without a code is not one of those that other lanes write.
    let bare_close = written.len() - head >= 6 && written[written.len() - 6..][..2] == [0x88, 0x80];
    let end = if bare_close { written.len() - 6 } else { written.len() };
    let frames = client_frames(&written[head..end]).into_iter();
    let mut frames: Vec<_> =
        frames.map(|(opcode, payload)| (opcode, String::from_utf8_lossy(&payload).into_owned())).collect();
    frames.extend(bare_close.then(|| (Opcode::Close, String::new())));
    frames
}

pub(super) fn texts(packets: &[&str]) -> Vec<(Opcode, String)> {
    packets.iter().map(|packet| (Opcode::Text, (*packet).to_owned())).collect()
}

pub(super) fn exchange(carried: u32) -> Event {
    Event::Exchange { carried }
}

pub(super) fn ready_event() -> Event {
    Event::Ready("e.41".parse().unwrap())
}

/// Accepts the upgrade that was asked for on `connection`.
pub(super) fn accept(script: &mut Script, connection: u32) {
    let accepted = TwoWay::WebSocket.accept(script.written_since(connection, 0));
    script.feed(connection, &accepted);
}

/// A session over polls, from whose first answer on `upgrades` may be tried; the namespace is open, the hello is there.
pub(super) fn greeted(lane: &str, upgrades: &str) -> Script {
    let mut script = Script::start(lane, target());
    script.feed(POLLS, &payload(&[&open(upgrades)]));
    script.feed(POSTS, &ok());
    script.feed(POLLS, &payload(&[CONNECTED, &hello_packet()]));
    script
}

/// A subscription that has told that it is ready, on the carrier of the lane.
pub(super) fn ready(lane: &str) -> Script {
    let mut script = if lane == WEBSOCKET {
        let mut script = Script::start(lane, target());
        accept(&mut script, 0);
        for packet in [open("").as_str(), CONNECTED, &hello_packet()] {
            script.feed(0, &text(packet));
        }
        script
    } else {
        greeted(lane, "")
    };
    assert_eq!(script.take_events().last(), Some(&ready_event()));
    script
}

/// What was charged since `before`, by category.
pub(super) fn since(script: &Script, direction: Direction, before: &[(Category, u64)]) -> Vec<(Category, u64)> {
    let earlier = |category| before.iter().find(|(other, _)| *other == category).map_or(0, |(_, bytes)| *bytes);
    let now = script.charges(direction).into_iter().map(|(category, bytes)| (category, bytes - earlier(category)));
    now.filter(|(_, bytes)| *bytes > 0).collect()
}
