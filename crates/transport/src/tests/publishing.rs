//! The uplinks: what a publish is as bytes, what its bytes are for, and what becomes of it.

use measure::{Category, Direction};
use wire::{Ack, Refusal, websocket::Opcode};

use super::{
    POSTS, Script,
    servers::{TwoWay, ack, answer, problem, refusal},
    target,
    two_way::{client_frames, ready},
};
use crate::{ALL, DriverError, Event};

const DATA: &str = r#"{"n":12345678901234567890,"pad":"é"}"#;

pub(super) fn acked(reference: u64, position: &str) -> Event {
    Event::Acked(Ack { reference: Some(reference), position: position.parse().unwrap() })
}

pub(super) fn refused(reference: u64, status: u16, detail: &str) -> Event {
    Event::Refused(Refusal { reference: Some(reference), status, detail: detail.to_owned() })
}

fn uplink_item(reference: u64) -> String {
    format!(r#"{{"publish":{{"event":"chat message","data":{DATA}}},"ref":{reference}}}"#)
}

/// The heads and bodies of what was written, by their lengths.
pub(super) fn posts(written: &[u8]) -> Vec<(String, String)> {
    let mut rest = std::str::from_utf8(written).unwrap();
    let mut posts = Vec::new();
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let (body, next) = after.split_at(length.parse().unwrap());
        posts.push((head.to_owned(), body.to_owned()));
        rest = next;
    }
    assert_eq!(rest, "");
    posts
}

#[test]
fn a_two_way_lane_writes_one_item_a_publish() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let before = script.written_since(0, 0).len();
        script.publish("chat message", DATA, 1);
        script.publish("chat message", DATA, 2);
        let written = script.written_since(0, before);
        let expected = [uplink_item(1), uplink_item(2)];
        match lane {
            TwoWay::Raw => assert_eq!(written, expected.map(|text| lane.item(&text)).concat()),
            TwoWay::WebSocket => {
                assert_eq!(client_frames(written), expected.map(|text| (Opcode::Text, text.into_bytes())));
                let masks = [&written[2..6], &written[written.len() / 2 + 2..][..4]];
                assert_ne!(masks[0], masks[1], "every frame has a mask of its own");
            }
        }
    }
}

#[test]
fn the_masks_of_a_seed_are_the_same_every_time() {
    let written = |seed| {
        let mut script = Script::start("websocket", crate::Target { seed, ..target() });
        script.publish("message", "1", 1);
        script.written_since(0, 0).to_vec()
    };
    assert_eq!(written(7), written(7));
    assert_ne!(written(7), written(8));
}

#[test]
fn a_publish_on_a_two_way_lane_is_payload_envelope_and_framing() {
    for (lane, header) in [(TwoWay::Raw, 4), (TwoWay::WebSocket, 2 + 4)] {
        let mut script = ready(lane);
        script.publish("chat message", DATA, 1);
        let payload = DATA.len() as u64;
        let expected = [
            (Category::Payload, payload),
            (Category::Envelope, uplink_item(1).len() as u64 - payload),
            (Category::Framing, header),
            (Category::Handshake, script.charged(Direction::Up, Category::Handshake)),
        ];
        assert_eq!(script.charges(Direction::Up), expected);
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn acks_and_errors_come_back_with_their_references() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        script.feed(0, &[lane.item(&refusal(2)), lane.item(&ack(1, "e.42"))].concat());
        assert_eq!(script.take_events(), [refused(2, 413, "too large"), acked(1, "e.42")]);
    }
}

#[test]
fn a_lane_without_an_uplink_posts_on_a_connection_of_its_own() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        script.publish("chat message", DATA, 1);
        script.publish("chat message", DATA, 2);
        assert_eq!(script.opened, [0, 1]);
        let posts = posts(script.written_since(1, 0));
        assert_eq!(posts.len(), 2);
        for (head, body) in posts {
            assert!(head.starts_with("POST /v1/chat/lobby/messages HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{head}");
            assert!(head.contains("content-type: application/json"), "{head}");
            assert_eq!(body, format!(r#"{{"event":"chat message","data":{DATA}}}"#));
        }
    }
}

#[test]
fn answers_to_posts_are_acks_and_refusals_in_the_order_of_the_posts() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        for reference in [11, 12, 13, 14] {
            script.publish("message", "1", reference);
        }
        let taken = |position: &str| format!(r#"{{"position":"{position}"}}"#);
        script.feed(1, &[answer(201, "", &taken("e.42")), problem(413, None)].concat());
        script.feed(1, &[answer(200, "", &taken("e.43")), answer(201, "", "?")].concat());
        let expected = [
            acked(11, "e.42"),
            refused(12, 413, "what to do"),
            refused(13, 200, &taken("e.43")),
            refused(14, 201, "?"),
        ];
        assert_eq!(script.take_events(), expected);
    }
}

#[test]
fn a_post_is_head_payload_and_envelope_and_its_answer_head_and_framing() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        script.publish("chat message", DATA, 1);
        let (head, body) = posts(script.written_since(1, 0)).remove(0);
        let taken = answer(201, "", r#"{"position":"e.42"}"#);
        script.feed(1, &taken);
        let payload = DATA.len() as u64;
        let up = [
            (Category::Payload, payload),
            (Category::Envelope, body.len() as u64 - payload),
            (Category::HttpHead, head.len() as u64 + 4),
        ];
        assert_eq!(script.charges_on(1, Direction::Up), up);
        let down = [(Category::Framing, 19), (Category::HttpHead, taken.len() as u64 - 19)];
        assert_eq!(script.charges_on(1, Direction::Down), down);
        assert_eq!(script.charged(Direction::Down, Category::HttpHead), taken.len() as u64 - 19);
        script.end(1);
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn posts_whose_connection_ends_are_refused_and_the_next_opens_another() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        script.publish("message", "1", 1);
        script.publish("message", "2", 2);
        script.feed(1, &answer(201, "", r#"{"position":"e.42"}"#));
        script.feed(1, b"HTTP/1.1 201");
        script.end(1);
        let lost = refused(2, 0, "the connection ended before the answer");
        assert_eq!(script.take_events(), [acked(1, "e.42"), lost]);
        script.publish("message", "3", 3);
        assert_eq!(script.opened, [0, 1, 2]);
        script.feed(2, &answer(201, "", r#"{"position":"e.43"}"#));
        assert_eq!(script.take_events(), [acked(3, "e.43")]);
        script.stop();
        assert!(script.shut.contains(&0) && script.shut.contains(&2));
        script.end(0);
        script.end(2);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn an_answer_to_a_post_that_is_not_http_ends_the_subscription() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        script.publish("message", "1", 1);
        script.feed(1, b"SSH-2.0-x\r\n\r\nmore");
        assert!(matches!(&script.take_events()[..], [Event::Failed(DriverError::Protocol(_))]), "{lane}");
        script.feed(1, b"and more");
        assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&0, &1]);
        script.end(1);
        script.end(0);
        assert_eq!(script.take_events(), [refused(1, 0, "the connection ended before the answer")]);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn the_end_of_the_feed_ends_the_connection_of_its_posts_and_what_they_still_bring_is_told() {
    for lane in POSTS {
        let mut script = Script::start(lane, target());
        script.publish("message", "1", 1);
        script.publish("message", "2", 2);
        script.end(0);
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
        assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&1]);
        script.feed(1, &answer(201, "", r#"{"position":"e.42"}"#));
        script.end(1);
        let lost = refused(2, 0, "the connection ended before the answer");
        assert_eq!(script.take_events(), [acked(1, "e.42"), lost]);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_publish_after_the_end_is_refused_and_nothing_is_written() {
    for lane in ALL.iter().map(|spec| spec.id) {
        let mut script = Script::start(lane, target());
        script.stop();
        script.publish("message", "1", 1);
        assert_eq!(script.take_events(), [refused(1, 0, "the subscription is over")], "{lane}");
        script.end(0);
        script.publish("message", "1", 2);
        assert_eq!(script.take_events(), [refused(2, 0, "the subscription is over")], "{lane}");
        assert_eq!(script.opened, [0]);
        script.assert_every_byte_is_charged_once();
    }
}
