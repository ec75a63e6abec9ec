//! Both drivers that ask for batches: what answers mean, what they are charged as, and how a subscription ends.

use measure::{Category, Direction};
use wire::After;

use super::{
    Script,
    servers::{answer, batch, chunked, gap, hello, nothing_new, problem, publication, sized},
    target,
};
use crate::{DriverError, Event, Target};

const LANES: [&str; 2] = ["short-polling", "long-polling"];

/// The first lines of all requests on `connection`.
pub(super) fn requests(script: &Script, connection: u32) -> Vec<String> {
    let text = String::from_utf8(script.written_since(connection, 0).to_vec()).unwrap();
    let heads = text.split_terminator("\r\n\r\n");
    heads.map(|head| head.lines().next().unwrap().to_owned()).collect()
}

/// The first line of a request.
pub(super) fn asks(lane: &str, after: Option<&str>) -> String {
    let after = after.map(|after| format!("after={after}"));
    let hold = (lane == "long-polling").then(|| "wait=25s".to_owned());
    let query = after.into_iter().chain(hold).collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("GET /v1/chat/lobby/{lane}{mark}{query} HTTP/1.1")
}

/// How many bytes the request of this number on connection 0 has.
fn request_bytes(script: &Script, index: usize) -> u64 {
    let text = std::str::from_utf8(script.written_since(0, 0)).unwrap();
    text.split_inclusive("\r\n\r\n").nth(index).unwrap().len() as u64
}

fn exchange(carried: u32) -> Event {
    Event::Exchange { carried }
}

/// A subscription that knows its position, e.41, at [`super::START`].
pub(super) fn ready(lane: &str, target: Target) -> Script {
    let mut script = Script::start(lane, target);
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    assert_eq!(script.take_events(), [exchange(0), Event::Ready("e.41".parse().unwrap())]);
    script
}

/// Lets the next request go out, where it waits for its instant.
fn ask(lane: &str, script: &mut Script) {
    if lane == "short-polling" {
        script.fire();
    }
}

/// A subscription that knows its position and has asked after it.
fn asked(lane: &str) -> Script {
    let mut script = ready(lane, target());
    ask(lane, &mut script);
    assert_eq!(requests(&script, 0), [asks(lane, None), asks(lane, Some("e.41"))]);
    script
}

#[test]
fn every_answer_moves_the_position_that_the_next_request_asks_after() {
    for lane in LANES {
        let mut script = asked(lane);
        for bytes in [
            answer(200, "", &batch("e.43", &[sized(42, 9), sized(43, 9)])),
            nothing_new(204, "e.50"),
            nothing_new(304, "ignored"),
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            chunked(200, &batch("f.7", &[])),
        ] {
            script.feed(0, &bytes);
            ask(lane, &mut script);
        }
        let after = ["e.41", "e.43", "e.50", "e.50", "e.50", "f.7"];
        let expected = [None].into_iter().chain(after.map(Some)).map(|after| asks(lane, after));
        assert_eq!(requests(&script, 0), expected.collect::<Vec<_>>());
        assert_eq!(script.opened, [0]);
    }
}

#[test]
fn a_batch_tells_the_exchange_first_and_then_what_it_carried_in_order() {
    for lane in LANES {
        let mut script = asked(lane);
        let items = [gap(42, 90), publication(91, "{\"n\": 1}"), publication(95, "\"x\"")];
        script.feed(0, &answer(200, "", &batch("e.99", &items)));
        let events = script.take_events();
        let [Event::Exchange { carried: 2 }, Event::Gap(gap), Event::Delivery(first), Event::Delivery(second)] =
            &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((gap.missed, first.offset, second.offset), (Some(49), 91, 95));
        assert_eq!((&*first.json, first.data()), (items[1].as_str(), "{\"n\": 1}"));
    }
}

#[test]
fn a_subscription_is_ready_where_it_asked_to_start() {
    let items = answer(200, "", &batch("e.43", &[sized(42, 9), sized(43, 9)]));
    let missed = answer(200, "", &batch("e.43", &[gap(40, 42), sized(43, 9)]));
    for lane in LANES {
        let ready_at = |after: After, bytes: &[u8]| {
            let mut script = Script::start(lane, Target { after, ..target() });
            script.feed(0, bytes);
            let events = script.take_events();
            let Some([Event::Exchange { .. }, Event::Ready(position)]) = events.first_chunk() else {
                panic!("{events:?}")
            };
            (requests(&script, 0).remove(0), position.to_string())
        };
        let position = After::Position("e.40".parse().unwrap());
        let after_position = asks(lane, Some("e.40"));
        assert_eq!(ready_at(position.clone(), &items), (after_position.clone(), "e.40".to_owned()));
        assert_eq!(ready_at(position, &nothing_new(204, "e.40")), (after_position, "e.40".to_owned()));
        // Everything after the position is delivered or told as a gap: it lies before the first of them.
        let earliest = || asks(lane, Some("earliest"));
        assert_eq!(ready_at(After::Earliest, &items), (earliest(), "e.41".to_owned()));
        assert_eq!(ready_at(After::Earliest, &missed), (earliest(), "e.39".to_owned()));
        assert_eq!(ready_at(After::Earliest, &nothing_new(204, "e.0")), (earliest(), "e.0".to_owned()));
    }
}

#[test]
fn the_first_exchange_is_the_handshake() {
    for lane in LANES {
        let script = ready(lane, target());
        let down = answer(200, "", &batch("e.41", &[])).len() as u64;
        assert_eq!(script.charges(Direction::Up), [(Category::Handshake, request_bytes(&script, 0))]);
        assert_eq!(script.charges(Direction::Down), [(Category::Handshake, down)]);
    }
}

#[test]
fn an_exchange_without_publications_is_an_empty_poll() {
    for lane in LANES {
        for bytes in [
            nothing_new(204, "e.41"),
            nothing_new(304, "e.41"),
            answer(200, "", &batch("e.44", &[])),
            chunked(200, &batch("e.44", &[gap(42, 44)])),
        ] {
            let mut script = asked(lane);
            let (up, down) = (script.charges(Direction::Up)[0], script.charges(Direction::Down)[0]);
            script.feed(0, &bytes);
            let request = request_bytes(&script, 1);
            assert_eq!(script.charges(Direction::Up), [(Category::EmptyPolls, request), up]);
            assert_eq!(script.charges(Direction::Down), [(Category::EmptyPolls, bytes.len() as u64), down]);
            assert_eq!(script.take_events()[0], exchange(0));
        }
    }
}

#[test]
fn an_exchange_with_publications_is_heads_payload_envelope_and_framing() {
    let items = [sized(42, 20), gap(43, 44), sized(45, 300)];
    let body = batch("e.45", &items);
    let envelope = (publication(42, "").len() + publication(45, "").len()) as u64;
    let wrapper = body.len() as u64 - 320 - envelope;
    let plain = answer(200, "", &body);
    let in_chunks = chunked(200, &body);
    let lines =
        (in_chunks.len() - body.len() - b"HTTP/1.1 200 Status\r\ntransfer-encoding: chunked\r\n\r\n".len()) as u64;
    for lane in LANES {
        for (bytes, framing) in [(&plain, wrapper), (&in_chunks, wrapper + lines)] {
            let mut script = asked(lane);
            let (up, down) = (script.charges(Direction::Up)[0], script.charges(Direction::Down)[0]);
            script.feed(0, bytes);
            assert_eq!(script.charges(Direction::Up), [(Category::HttpHead, request_bytes(&script, 1)), up]);
            let head = bytes.len() as u64 - 320 - envelope - framing;
            let expected = [
                (Category::Payload, 320),
                (Category::Envelope, envelope),
                (Category::Framing, framing),
                (Category::HttpHead, head),
                down,
            ];
            assert_eq!(script.charges(Direction::Down), expected);
            assert!(bytes[..usize::try_from(head).unwrap()].ends_with(b"\r\n\r\n"));
        }
    }
}

#[test]
fn a_kept_connection_that_ends_before_the_first_byte_of_an_answer_is_replaced_and_asked_once_more() {
    for lane in LANES {
        let mut script = asked(lane);
        for connection in [0, 1, 2] {
            script.end(connection);
            assert_eq!(script.take_events(), []);
            assert_eq!(requests(&script, connection + 1), [asks(lane, Some("e.41"))]);
            // The lost request carried nothing.
            let (category, bytes) = script.charges_on(connection, Direction::Up)[0];
            assert_eq!(category, Category::EmptyPolls);
            assert!(bytes >= request_bytes(&script, 1));
            // An answer makes the new connection a proven one.
            script.feed(connection + 1, &nothing_new(204, "e.41"));
            assert_eq!(script.take_events(), [exchange(0)]);
            ask(lane, &mut script);
        }
        assert_eq!(script.opened, [0, 1, 2, 3]);
        script.feed(3, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
        assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
        script.stop();
        assert!(script.shut.contains(&3));
        script.end(3);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_request_that_was_made_again_and_gets_no_answer_either_is_a_loss() {
    for lane in LANES {
        let answered = nothing_new(204, "e.41");
        for cut in 0..answered.len() {
            let mut script = asked(lane);
            script.end(0);
            script.feed(1, &answered[..cut]);
            script.end(1);
            assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
            script.fire();
            assert_eq!(script.opened, [0, 1]);
            script.assert_every_byte_is_charged_once();
        }
    }
}

#[test]
fn a_kept_connection_that_ends_inside_an_answer_is_a_loss() {
    for lane in LANES {
        for bytes in [nothing_new(204, "e.41"), chunked(200, &batch("e.42", &[sized(42, 20)]))] {
            for cut in 1..bytes.len() {
                let mut script = asked(lane);
                script.feed(0, &bytes[..cut]);
                script.end(0);
                assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)], "{lane} cut after {cut}");
                assert_eq!(script.charged(Direction::Down, Category::EmptyPolls), cut as u64);
                script.fire();
                assert_eq!(script.opened, [0]);
                script.assert_every_byte_is_charged_once();
            }
        }
    }
}

#[test]
fn an_answer_that_cannot_be_used_ends_the_subscription() {
    let code = |events: &[Event]| match events.last() {
        Some(Event::Failed(error)) => error.code(),
        Some(Event::Closed(close)) if (close.code, close.retry_after_ms) == (3001, 2000) => "closed",
        other => panic!("{other:?}"),
    };
    for lane in LANES {
        for (bytes, expected) in [
            (problem(429, None), "status"),
            (problem(503, None), "status"),
            (problem(503, Some(3001)), "closed"),
            (answer(200, "", "no batch"), "protocol"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff".to_vec(), "protocol"),
            (answer(200, "", &batch("e.42", &[hello(42)])), "protocol"),
            (answer(200, "", &batch("e.43", &[sized(42, 9), "{}".to_owned()])), "protocol"),
        ] {
            let mut script = asked(lane);
            script.feed(0, &bytes);
            assert_eq!(code(&script.take_events()), expected);
            assert!(script.shut.contains(&0));
            script.timer = None;
            script.feed(0, &nothing_new(204, "e.41"));
            script.end(0);
            assert_eq!((script.take_events(), script.timer), (Vec::new(), None), "it asks for nothing more");
            assert_eq!((requests(&script, 0).len(), &script.opened[..]), (2, &[0][..]));
            script.assert_every_byte_is_charged_once();
        }
        let mut script = Script::start(lane, target());
        script.feed(0, b"HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(code(&script.take_events()), "protocol", "the first answer has to have a position");
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_client_that_stops_asks_no_more_and_hears_no_failure() {
    for lane in LANES {
        let mut script = asked(lane);
        script.stop();
        script.stop();
        assert!(script.shut.contains(&0));
        script.feed(0, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
        assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
        script.fire();
        script.end(0);
        assert_eq!((script.take_events(), requests(&script, 0).len()), (Vec::new(), 2));
        assert_eq!(script.opened, [0]);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_request_that_is_outstanding_when_the_client_stops_is_charged_and_no_failure() {
    let late = answer(200, "", &batch("e.42", &[sized(42, 9)]));
    for lane in LANES {
        for cut in 0..late.len() {
            let mut script = asked(lane);
            let (up, down) = (script.charges(Direction::Up)[0], script.charges(Direction::Down)[0]);
            script.stop();
            script.feed(0, &late[..cut]);
            script.end(0);
            script.fire();
            assert_eq!((script.take_events(), &script.opened[..]), (Vec::new(), &[0][..]));
            assert_eq!(script.charges(Direction::Up), [(Category::EmptyPolls, request_bytes(&script, 1)), up]);
            let part = (Category::EmptyPolls, cut as u64);
            let expected: Vec<_> = [part, down].into_iter().filter(|(_, bytes)| *bytes > 0).collect();
            assert_eq!(script.charges(Direction::Down), expected);
            script.assert_every_byte_is_charged_once();
        }
    }
}
