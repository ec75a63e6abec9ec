//! The driver of Socket.IO while all goes well, on each carrier: what it writes, what it tells, and what bytes are for.

use std::time::Duration;

use measure::{Category, Direction};
use wire::{After, Gap, GapReason, websocket::Opcode};

use super::{
    START, Script,
    polling::requests,
    publishing::{acked, posts, refused},
    servers::{CLOSE, frame, gap, publication},
    socketio_servers::{
        BOTH, CONNECT, CONNECTED, POLLING, POLLS, POSTS, WEBSOCKET, accept, event, exchange, frames, hello_packet,
        item, ok, open, payload, ready, ready_event, since, text, texts,
    },
    target,
};
use crate::{DriverError, Event, Target};

/// How long a server may be silent that says nothing else.
const SILENCE: Duration = Duration::from_secs(45);

/// The first line of the request number `index` on `connection` without its mark, which must have eight characters.
fn line(script: &Script, connection: u32, index: usize) -> String {
    let line = requests(script, connection).remove(index);
    let Some((before, after)) = line.split_once("&t=") else { return line };
    let (mark, after) = after.split_at(8);
    assert!(mark.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()), "{line}");
    format!("{before}&t=..{after}")
}

#[test]
fn over_a_websocket_the_session_and_then_the_namespace_is_opened_and_the_hello_is_ready() {
    let mut script = Script::start(WEBSOCKET, target());
    assert_eq!(line(&script, 0, 0), "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1");
    accept(&mut script, 0);
    assert_eq!(frames(&script, 0), []);
    script.feed(0, &text(&open("")));
    assert_eq!(frames(&script, 0), texts(&[CONNECT]));
    script.feed(0, &text(CONNECTED));
    assert_eq!(script.take_events(), []);
    script.feed(0, &text(&hello_packet()));
    assert_eq!(script.take_events(), [ready_event()]);
    assert_eq!(script.opened, [0]);
    for direction in [Direction::Up, Direction::Down] {
        assert_eq!(
            script.charges(direction).iter().map(|(category, _)| *category).collect::<Vec<_>>(),
            [Category::Handshake]
        );
    }
    script.end(0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn over_polls_one_connection_asks_and_another_posts() {
    let mut script = Script::start(POLLING, target());
    assert_eq!(line(&script, POLLS, 0), "GET /socket.io/?EIO=4&transport=polling&t=.. HTTP/1.1");
    script.feed(POLLS, &payload(&[&open(r#""websocket""#)]));
    assert_eq!(line(&script, POLLS, 1), "GET /socket.io/?EIO=4&transport=polling&t=..&sid=abc HTTP/1.1");
    let (head, body) = posts(script.written_since(POSTS, 0)).remove(0);
    assert_eq!(body, CONNECT);
    assert!(head.contains("\r\nContent-type: text/plain;charset=UTF-8"), "{head}");
    assert_eq!(line(&script, POSTS, 0), "POST /socket.io/?EIO=4&transport=polling&t=..&sid=abc HTTP/1.1");
    script.feed(POSTS, &ok());
    script.feed(POLLS, &payload(&[CONNECTED, &hello_packet()]));
    assert_eq!(script.take_events(), [exchange(0), exchange(0), ready_event()]);
    assert_eq!((requests(&script, POLLS).len(), script.rearmed), (3, 2));
    assert_eq!(script.opened, [POLLS, POSTS], "an upgrade is on offer, and nobody wants it");
    // The third poll has no answer yet, so nobody knows what it is for.
    let written = (script.written_since(POLLS, 0).len() + script.written_since(POSTS, 0).len()) as u64;
    assert_eq!(script.charges(Direction::Up), [(Category::Handshake, written - asked(&script))]);
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn marks_and_masks_come_from_the_seed() {
    let run = |lane: &str, seed| {
        let mut script = Script::start(lane, Target { seed, ..target() });
        if lane == WEBSOCKET {
            accept(&mut script, 0);
            script.feed(0, &text(&open("")));
        } else {
            script.feed(POLLS, &payload(&[&open("")]));
        }
        script.written
    };
    for lane in [WEBSOCKET, POLLING] {
        assert_eq!(run(lane, 1), run(lane, 1));
        assert_ne!(run(lane, 1), run(lane, 2));
    }
    let marks: Vec<_> = requests(&ready(POLLING), POLLS);
    assert_ne!(marks[1], marks[2]);
}

#[test]
fn the_namespace_and_where_to_start_are_in_the_connect_packet() {
    let connect = |namespace: &str, after| {
        let room = wire::RoomName::new(namespace, "lobby").unwrap();
        let mut script = Script::start(POLLING, Target { room, after, ..target() });
        script.feed(POLLS, &payload(&[&open("")]));
        posts(script.written_since(POSTS, 0)).remove(0).1
    };
    assert_eq!(connect("chat", After::Head), CONNECT);
    assert_eq!(connect("default", After::Head), r#"40{"room":"lobby"}"#);
    assert_eq!(connect("chat", After::Earliest), r#"40/chat,{"room":"lobby","after":"earliest"}"#);
    let position = After::Position("e.41".parse().unwrap());
    assert_eq!(connect("default", position), r#"40{"room":"lobby","after":"e.41"}"#);
}

#[test]
fn publications_gaps_and_the_announced_end_are_told_in_order() {
    for lane in [WEBSOCKET, POLLING] {
        let mut script = ready(lane);
        let json = publication(42, "{\"n\":1e400}");
        let packets = [event("message", &json), event("gap", &gap(43, 90)), item(91, 9), event("close", CLOSE)];
        if lane == WEBSOCKET {
            script.feed(0, &packets.iter().flat_map(|packet| text(packet)).collect::<Vec<_>>());
        } else {
            script.feed(POLLS, &payload(&packets.each_ref().map(String::as_str)));
            assert_eq!(script.events.remove(0), exchange(2));
        }
        let events = script.take_events();
        let [Event::Delivery(first), Event::Gap(told), Event::Delivery(second), Event::Closed(close)] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((first.offset, &*first.json, first.data()), (42, json.as_str(), "{\"n\":1e400}"));
        let position = "e.90".parse().unwrap();
        let (from, to, missed) = (Some(43), Some(90), Some(48));
        assert_eq!(*told, Gap { from, to, missed, reason: GapReason::Trimmed, position });
        assert_eq!((second.offset, close.code), (91, 3001));
    }
}

#[test]
fn a_frame_with_a_publication_is_payload_envelope_and_framing() {
    let mut script = ready(WEBSOCKET);
    let before = script.charges(Direction::Down);
    let packet = text(&item(42, 300));
    script.feed(0, &packet);
    let envelope = publication(42, "").len() as u64;
    let framing = packet.len() as u64 - 300 - envelope;
    assert_eq!(framing, r#"42/chat,["message",,"lobby"]"#.len() as u64 + 4);
    let expected = [(Category::Payload, 300), (Category::Envelope, envelope), (Category::Framing, framing)];
    assert_eq!(since(&script, Direction::Down, &before), expected);

    let before = script.charges(Direction::Down);
    let told = [text(&event("gap", &gap(43, 44))), text("6"), text(r#"43/chat,7[{"position":"e.45"}]"#)].concat();
    script.feed(0, &told);
    assert_eq!(since(&script, Direction::Down, &before), [(Category::Framing, told.len() as u64)]);
    script.end(0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_ping_over_a_websocket_is_answered_and_both_are_heartbeats() {
    let mut script = ready(WEBSOCKET);
    let before = [Direction::Up, Direction::Down].map(|direction| script.charges(direction));
    script.feed(0, &[text("2"), frame(Opcode::Ping, b"x")].concat());
    assert_eq!(frames(&script, 0)[1..], [(Opcode::Text, "3".to_owned()), (Opcode::Pong, "x".to_owned())]);
    assert_eq!(since(&script, Direction::Down, &before[1]), [(Category::Heartbeat, 3 + 3)]);
    assert_eq!(since(&script, Direction::Up, &before[0]), [(Category::Heartbeat, 7 + 7)]);
}

/// The bytes of the poll that is waiting for its answer.
fn asked(script: &Script) -> u64 {
    let written = std::str::from_utf8(script.written_since(POLLS, 0)).unwrap();
    written.split_inclusive("\r\n\r\n").last().unwrap().len() as u64
}

#[test]
fn a_poll_with_publications_is_heads_payload_envelope_framing_and_its_pings() {
    let mut script = ready(POLLING);
    let (up, down, request) = (script.charges(Direction::Up), script.charges(Direction::Down), asked(&script));
    let (first, second) = (item(42, 20), item(43, 300));
    let bytes = payload(&[&first, "2", &second]);
    script.feed(POLLS, &bytes);
    assert!(matches!(
        script.take_events()[..],
        [Event::Exchange { carried: 2 }, Event::Delivery(_), Event::Delivery(_)]
    ));
    let body = (first.len() + 1 + 1 + 1 + second.len()) as u64;
    let envelope = 2 * publication(42, "").len() as u64;
    let expected = [
        (Category::Payload, 320),
        (Category::Envelope, envelope),
        (Category::Framing, body - 320 - envelope - 1),
        (Category::HttpHead, bytes.len() as u64 - body),
        (Category::Heartbeat, 1),
    ];
    assert_eq!(since(&script, Direction::Down, &down), expected);
    let pong = posts(script.written_since(POSTS, 0)).remove(1);
    assert_eq!(pong.1, "3");
    let pong = (pong.0.len() + 4 + 1) as u64;
    assert_eq!(since(&script, Direction::Up, &up), [(Category::HttpHead, request), (Category::Heartbeat, pong)]);
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_poll_without_publications_is_an_empty_one_and_with_pings_alone_a_heartbeat() {
    let gap = event("gap", &gap(42, 44));
    for (packets, category) in [
        (vec!["6"], Category::EmptyPolls),
        (vec![gap.as_str()], Category::EmptyPolls),
        (vec!["2", gap.as_str()], Category::EmptyPolls),
        (vec![r#"43/chat,7[{"position":"e.45"}]"#], Category::EmptyPolls),
        (vec!["2"], Category::Heartbeat),
    ] {
        let mut script = ready(POLLING);
        let (up, down, request) = (script.charges(Direction::Up), script.charges(Direction::Down), asked(&script));
        let bytes = payload(&packets);
        script.feed(POLLS, &bytes);
        assert_eq!(script.take_events()[0], exchange(0));
        assert_eq!(since(&script, Direction::Down, &down), [(category, bytes.len() as u64)], "{packets:?}");
        let written = since(&script, Direction::Up, &up);
        let pong: u64 = posts(script.written_since(POSTS, 0))[1..].iter().map(|(head, _)| head.len() as u64 + 5).sum();
        assert_eq!(written.iter().map(|(_, bytes)| bytes).sum::<u64>(), request + pong);
        assert!(written.contains(&(category, request + if category == Category::Heartbeat { pong } else { 0 })));

        // Also the answer to the pong.
        let down = script.charges(Direction::Down);
        if pong > 0 {
            script.feed(POSTS, &ok());
            assert_eq!(since(&script, Direction::Down, &down), [(Category::Heartbeat, ok().len() as u64)]);
        }
        script.end_all();
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn what_follows_the_hello_in_its_payload_is_charged_by_what_it_is() {
    let mut script = Script::start(POLLING, target());
    script.feed(POLLS, &payload(&[&open("")]));
    script.feed(POSTS, &ok());
    let before = script.charges(Direction::Down);
    let bytes = payload(&[CONNECTED, &hello_packet(), &item(42, 50)]);
    script.feed(POLLS, &bytes);
    let envelope = publication(42, "").len() as u64;
    let framing = (1 + item(42, 50).len()) as u64 - 50 - envelope;
    let expected = [
        (Category::Payload, 50),
        (Category::Envelope, envelope),
        (Category::Framing, framing),
        (Category::Handshake, bytes.len() as u64 - 50 - envelope - framing),
    ];
    assert_eq!(since(&script, Direction::Down, &before), expected);
}

const DATA: &str = r#"{"n":12345678901234567890,"pad":"é"}"#;

/// The packet of a publish, and the JSON in it that is the same on every carrier.
fn publish_packet(reference: u64) -> (String, String) {
    let json = format!(r#"{{"room":"lobby","event":"chat message","data":{DATA}}}"#);
    (format!(r#"42/chat,{reference}["publish",{json}]"#), json)
}

#[test]
fn a_publish_is_an_event_that_asks_for_an_ack_and_its_rest_is_envelope() {
    let (packet, json) = publish_packet(7);
    let (payload, envelope) = (DATA.len() as u64, (json.len() - DATA.len()) as u64);
    for lane in [WEBSOCKET, POLLING] {
        let mut script = ready(lane);
        let before = script.charges(Direction::Up);
        script.publish("chat message", DATA, 7);
        let mut expected = vec![(Category::Payload, payload), (Category::Envelope, envelope)];
        if lane == WEBSOCKET {
            assert_eq!(frames(&script, 0)[1..], texts(&[&packet]));
            expected.push((Category::Framing, (packet.len() - json.len() + 6) as u64));
        } else {
            let (head, body) = posts(script.written_since(POSTS, 0)).remove(1);
            assert_eq!(body, packet);
            expected.push((Category::Framing, (packet.len() - json.len()) as u64));
            expected.push((Category::HttpHead, head.len() as u64 + 4));
        }
        assert_eq!(since(&script, Direction::Up, &before), expected);
    }
    let mut script = ready(POLLING);
    script.publish("chat message", DATA, 7);
    let before = script.charges(Direction::Down);
    script.feed(POSTS, &ok());
    let expected = [(Category::Framing, 2), (Category::HttpHead, ok().len() as u64 - 2)];
    assert_eq!(since(&script, Direction::Down, &before), expected);
}

#[test]
fn acks_and_refusals_come_back_with_their_references() {
    let packets = [r#"43/chat,8[{"error":{"status":413,"detail":"too large"}}]"#, r#"43/chat,7[{"position":"e.42"}]"#];
    for lane in [WEBSOCKET, POLLING] {
        let mut script = ready(lane);
        script.publish("message", "1", 7);
        script.publish("message", "2", 8);
        if lane == WEBSOCKET {
            script.feed(0, &packets.iter().flat_map(|packet| text(packet)).collect::<Vec<_>>());
        } else {
            script.feed(POSTS, &[ok(), ok()].concat());
            script.feed(POLLS, &payload(&packets));
            assert_eq!(script.events.remove(0), exchange(0));
        }
        assert_eq!(script.take_events(), [refused(8, 413, "too large"), acked(7, "e.42")]);
        script.end_all();
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn silence_for_interval_and_timeout_of_the_handshake_is_a_failure() {
    for lane in [BOTH, WEBSOCKET, POLLING] {
        let mut script = Script::start(lane, target());
        assert_eq!(script.timer, Some(START + SILENCE), "the defaults, before the handshake");
        script.fire();
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
        script.end_all();

        let mut script = Script::start(lane, target());
        let open = open("").replace("25000", "300").replace("20000", "200");
        if lane == WEBSOCKET {
            accept(&mut script, 0);
            script.feed(0, &text(&open));
        } else {
            script.feed(POLLS, &payload(&[&open]));
            script.pass(Duration::from_millis(400));
            script.feed(POSTS, &ok());
        }
        script.take_events();
        assert_eq!(script.timer, Some(START + Duration::from_millis(500)), "{lane}");
        script.now = START + Duration::from_millis(400);
        let sign_of_life = if lane == WEBSOCKET { text("2") } else { payload(&["2"]) };
        script.feed(0, &sign_of_life);
        script.take_events();
        script.fire();
        assert_eq!(script.timer, Some(START + Duration::from_millis(900)), "something came 100 ms ago");
        script.fire();
        assert_eq!((script.take_events(), script.timer), (vec![Event::Failed(DriverError::Silent)], None));
        script.end_all();
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_connection_of_posts_that_ends_between_them_is_replaced() {
    let mut script = ready(POLLING);
    script.end(POSTS);
    script.publish("message", "1", 7);
    assert_eq!((script.take_events(), &script.opened[..]), (vec![], &[0, 1, 2][..]));
    script.feed(2, &ok());
    script.feed(POLLS, &payload(&[&item(42, 9)]));
    assert!(matches!(script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_poll_that_loses_its_connection_ends_the_session_because_its_answer_may_be_lost() {
    let mut script = ready(POLLING);
    script.end(POLLS);
    assert_eq!((script.take_events(), &script.opened[..]), (vec![Event::Failed(DriverError::Lost)], &[0, 1][..]));
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_client_that_stops_leaves_as_the_official_one_does() {
    let mut script = ready(WEBSOCKET);
    script.stop();
    script.stop();
    let goodbye = [(Opcode::Text, "41/chat,".to_owned()), (Opcode::Close, String::new())];
    assert_eq!(frames(&script, 0)[1..], goodbye);
    assert!(script.shut.contains(&0));
    script.feed(0, &[text(&item(42, 9)), text("2"), frame(Opcode::Close, b"")].concat());
    script.end(0);
    assert_eq!(frames(&script, 0)[1..], goodbye);
    assert!(matches!(script.take_events()[..], [Event::Delivery(_)]));
    script.assert_every_byte_is_charged_once();

    let mut script = ready(POLLING);
    let (up, polls) = (script.charges(Direction::Up), requests(&script, POLLS).len());
    script.stop();
    script.stop();
    assert_eq!(posts(script.written_since(POSTS, 0)).len(), 2, "one post at a time");
    script.feed(POSTS, &ok());
    let posted = posts(script.written_since(POSTS, 0));
    assert_eq!(posted.iter().map(|(_, body)| body.as_str()).collect::<Vec<_>>(), [CONNECT, "41/chat,", "1"]);
    let bytes: usize = posted[1..].iter().map(|(head, body)| head.len() + 4 + body.len()).sum();
    assert_eq!(since(&script, Direction::Up, &up), [(Category::EmptyPolls, bytes as u64)]);
    script.feed(POLLS, &payload(&[&item(42, 9), "6"]));
    assert!(script.shut.is_empty(), "what it posted is not answered");
    script.feed(POSTS, &ok());
    assert_eq!(script.shut.len(), 2);
    assert_eq!(requests(&script, POLLS).len(), polls);
    assert!(matches!(script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.end_all();
    script.fire();
    assert_eq!(script.take_events(), []);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_goodbye_that_is_not_answered_ends_the_connections_all_the_same() {
    let mut script = ready(POLLING);
    script.stop();
    script.end(POLLS);
    assert_eq!(script.shut.len(), 0);
    script.fire();
    assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&POSTS]);
    script.end(POSTS);
    assert_eq!((script.take_events(), script.timer), (vec![], None));
    script.assert_every_byte_is_charged_once();
}
