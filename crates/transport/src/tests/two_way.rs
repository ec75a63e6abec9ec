//! The drivers of two-way streams while all goes well: what is told in which order, what bytes are for, and liveness.

use std::time::Duration;

use measure::{Category, Direction};
use wire::{
    Gap, GapReason,
    websocket::{self, Content, Limits, Opcode, Role},
};

use super::{
    START, Script,
    servers::{TwoWay, frame, gap, hello, publication, sized},
    target,
};
use crate::{Command, DriverError, Event, Out};

const HEARTBEAT: Duration = Duration::from_secs(25);
const GRACE: Duration = Duration::from_secs(20);

/// A subscription that was accepted and has told so.
pub(super) fn ready(lane: TwoWay) -> Script {
    let mut script = Script::start(lane.id(), target());
    let accepted = lane.accept(script.written_since(0, 0));
    script.feed(0, &accepted);
    assert_eq!(script.take_events(), []);
    script.feed(0, &lane.item(&hello(41)));
    assert_eq!(script.take_events(), [Event::Ready("e.41".parse().unwrap())]);
    script
}

/// The frames that a client wrote, unmasked.
pub(super) fn client_frames(mut bytes: &[u8]) -> Vec<(Opcode, Vec<u8>)> {
    let limits = Limits { max_frame_bytes: 1 << 20, max_message_bytes: 1 << 20 };
    let mut reader = websocket::Reader::new(Role::Client, limits);
    let mut frames = Vec::new();
    while let Some(event) = reader.next_event(&mut bytes).unwrap() {
        frames.push(match event.content {
            Content::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
            Content::Pong(payload) => (Opcode::Pong, payload.to_vec()),
            Content::Close(close) => (Opcode::Close, close.unwrap().code.to_be_bytes().to_vec()),
            other => panic!("a client has no reason for {other:?}"),
        });
    }
    assert_eq!(reader.pending(), 0);
    frames
}

#[test]
fn a_subscription_opens_one_connection_and_asks_for_the_upgrade() {
    for lane in TwoWay::ALL {
        let mut out = Out::default();
        super::lane(lane.id()).build().driver(target()).start(START, &mut out);
        let [Command::Open(0), Command::Write(0, request)] = &out.commands[..] else { panic!("{:?}", out.commands) };
        assert!(request.starts_with(format!("GET /v1/chat/lobby/{} HTTP/1.1\r\n", lane.id()).as_bytes()));
        assert!(request.ends_with(b"\r\n\r\n"));
    }
}

#[test]
fn publications_are_delivered_in_order_with_their_text_and_their_data() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let texts = [publication(42, "{\"n\":1e400}"), publication(44, "[]"), publication(45, "\"é\\u0041\"")];
        for text in &texts {
            script.feed(0, &lane.item(text));
        }
        let deliveries: Vec<_> = script
            .take_events()
            .into_iter()
            .map(|event| match event {
                Event::Delivery(delivery) => (delivery.offset, delivery.json.to_string(), delivery.data().to_owned()),
                other => panic!("{other:?} was not expected"),
            })
            .collect();
        let data = ["{\"n\":1e400}", "[]", "\"é\\u0041\""];
        let expected = [42, 44, 45].into_iter().zip(texts).zip(data);
        assert_eq!(deliveries, expected.map(|((o, text), data)| (o, text, data.to_owned())).collect::<Vec<_>>());
    }
}

#[test]
fn a_gap_is_told_where_it_is() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        script.feed(0, &[lane.item(&gap(42, 90)), lane.item(&sized(91, 2))].concat());
        let events = script.take_events();
        let (from, to, missed) = (Some(42), Some(90), Some(49));
        let position = "e.90".parse().unwrap();
        assert_eq!(events[0], Event::Gap(Gap { from, to, missed, reason: GapReason::Trimmed, position }));
        assert!(matches!(&events[1..], [Event::Delivery(delivery)] if delivery.offset == 91), "{events:?}");
    }
}

#[test]
fn until_the_hello_every_byte_is_the_handshakes() {
    for lane in TwoWay::ALL {
        let script = ready(lane);
        let request = script.written_since(0, 0);
        let down = lane.accept(request).len() + lane.item(&hello(41)).len();
        assert_eq!(script.charges(Direction::Up), [(Category::Handshake, request.len() as u64)]);
        assert_eq!(script.charges(Direction::Down), [(Category::Handshake, down as u64)]);
    }
}

#[test]
fn a_publication_is_payload_and_envelope_and_its_frame_is_framing() {
    // Lengths of the whole JSON on both sides of where the length of a frame gets longer.
    let envelope = publication(42, "").len();
    for (data, in_a_frame) in
        [(2, 2), (125 - envelope, 2), (126 - envelope, 4), (300, 4), (65_535 - envelope, 4), (65_536, 10)]
    {
        for lane in TwoWay::ALL {
            let mut script = ready(lane);
            let before = script.charged(Direction::Down, Category::Handshake);
            script.feed(0, &lane.item(&sized(42, data)));
            let framing = if lane == TwoWay::Raw { 4 } else { in_a_frame };
            let expected = [
                (Category::Payload, data as u64),
                (Category::Envelope, envelope as u64),
                (Category::Framing, framing),
                (Category::Handshake, before),
            ];
            assert_eq!(script.charges(Direction::Down), expected, "{lane:?} with {data} bytes");
        }
    }
}

#[test]
fn a_control_item_after_the_hello_is_framing() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let item = lane.item(&gap(42, 90));
        script.feed(0, &item);
        assert_eq!(script.charged(Direction::Down, Category::Framing), item.len() as u64);
    }
}

#[test]
fn a_heartbeat_is_answered_in_kind_and_counted_as_one() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let asked = script.written_since(0, 0).len();
        script.feed(0, &lane.heartbeat());
        let reply = script.written_since(0, asked);
        match lane {
            TwoWay::Raw => assert_eq!(reply, [0; 4]),
            TwoWay::WebSocket => {
                assert_eq!(client_frames(reply), [(Opcode::Pong, b"beat".to_vec())]);
                assert_eq!(reply.len(), 2 + 4 + 4, "header, mask, payload");
            }
        }
        let (down, up) = (lane.heartbeat().len() as u64, reply.len() as u64);
        assert_eq!(script.charged(Direction::Down, Category::Heartbeat), down);
        assert_eq!(script.charged(Direction::Up, Category::Heartbeat), up);
        assert_eq!(script.take_events(), []);
    }
}

#[test]
fn a_pong_that_nobody_asked_for_is_a_heartbeat_without_an_answer() {
    let mut script = ready(TwoWay::WebSocket);
    let asked = script.written_since(0, 0).len();
    script.feed(0, &frame(Opcode::Pong, b"x"));
    assert_eq!(script.written_since(0, asked), b"");
    assert_eq!(script.charged(Direction::Down, Category::Heartbeat), 3);
}

#[test]
fn silence_for_heartbeat_and_grace_is_a_failure() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        assert_eq!(script.timer, Some(START + HEARTBEAT + GRACE));

        script.pass(Duration::from_secs(30));
        script.feed(0, &lane.heartbeat());
        script.fire();
        assert_eq!(script.take_events(), [], "something came 15 s ago");
        assert_eq!(script.timer, Some(START + Duration::from_secs(30) + HEARTBEAT + GRACE));

        script.fire();
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
        assert!(script.shut.contains(&0));
        assert_eq!(script.timer, None);
        script.end(0);
        assert_eq!(script.take_events(), [], "a failure is told once");
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn an_upgrade_without_an_answer_is_a_failure_after_the_default_heartbeat_and_grace() {
    for lane in TwoWay::ALL {
        let mut script = Script::start(lane.id(), target());
        assert_eq!(script.timer, Some(START + HEARTBEAT + GRACE));
        script.fire();
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn the_grace_is_four_fifths_of_the_heartbeat_that_the_hello_tells_and_a_second_at_least() {
    for lane in TwoWay::ALL {
        for (heartbeat_ms, silence_ms) in [(10_000, 18_000), (1250, 2250), (1000, 2000), (100, 1100), (0, 1000)] {
            let mut script = Script::start(lane.id(), target());
            let accepted = lane.accept(script.written_since(0, 0));
            let hello = hello(41).replace("25000", &heartbeat_ms.to_string());
            script.feed(0, &[accepted, lane.item(&hello)].concat());
            assert_eq!(script.timer, Some(START + Duration::from_millis(silence_ms)), "{heartbeat_ms}");
            script.fire();
            assert!(script.take_events().ends_with(&[Event::Failed(DriverError::Silent)]));
        }
    }
}
