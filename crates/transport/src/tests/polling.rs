//! The driver that asks by the clock: when it asks, what for, what its answers are charged as, and how it ends.

use std::time::Duration;

use measure::{Category, Direction, Mono};
use wire::After;

use super::{
    START, Script,
    servers::{answer, batch, chunked, gap, hello, nothing_new, problem, publication, sized},
    target,
};
use crate::{DriverError, Event, Target};

const LANE: &str = "short-polling";
const SECOND: Duration = Duration::from_secs(1);

/// The first lines of all requests on `connection`.
fn requests(script: &Script, connection: u32) -> Vec<String> {
    let text = String::from_utf8(script.written_since(connection, 0).to_vec()).unwrap();
    let heads = text.split_terminator("\r\n\r\n");
    heads.map(|head| head.lines().next().unwrap().to_owned()).collect()
}

fn asks(after: &str) -> String {
    format!("GET /v1/chat/lobby/short-polling{after} HTTP/1.1")
}

fn exchange(carried: u32) -> Event {
    Event::Exchange { carried }
}

/// A subscription that knows its position, e.41, at [`START`].
fn ready(lane: &str, target: Target) -> Script {
    let mut script = Script::start(lane, target);
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    assert_eq!(script.take_events(), [exchange(0), Event::Ready("e.41".parse().unwrap())]);
    script
}

#[test]
fn the_first_request_goes_out_at_once_and_the_others_on_the_grid_of_the_phase() {
    let phase = START + Duration::from_millis(300);
    let mut script = Script::start(LANE, Target { phase: Some(phase), ..target() });
    assert_eq!(requests(&script, 0), [asks("")]);
    script.pass(Duration::from_millis(20));
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    for k in 0..5 {
        assert_eq!(script.timer, Some(phase + SECOND * k), "instant {k}");
        script.fire();
        assert_eq!(requests(&script, 0).len(), 2 + k as usize);
        // However late the answer is, the grid stays.
        script.pass(Duration::from_millis(7 * u64::from(k)));
        script.feed(0, &nothing_new(204, "e.41"));
    }
}

#[test]
fn a_phase_that_has_passed_is_the_grid_all_the_same() {
    let phase = Mono::from_nanos(START.as_nanos() - 2_250_000_000);
    let script = ready(LANE, Target { phase: Some(phase), ..target() });
    assert_eq!(script.timer, Some(START + Duration::from_millis(750)));
}

#[test]
fn without_a_phase_the_grid_begins_with_the_first_answer() {
    let mut script = Script::start("short-polling+interval=250ms", target());
    script.pass(Duration::from_millis(40));
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    assert_eq!(script.timer, Some(START + Duration::from_millis(290)));
}

#[test]
fn a_wake_up_that_comes_late_does_not_move_the_grid() {
    let mut script = ready(LANE, target());
    script.pass(Duration::from_millis(2600));
    script.timer = None;
    script.ask(|driver, now, out| driver.on_timer(now, out));
    assert_eq!(requests(&script, 0).len(), 2, "what was missed is not caught up");
    assert_eq!(script.timer, Some(START + SECOND * 3));
}

#[test]
fn an_instant_is_skipped_while_an_answer_is_due() {
    let mut script = ready(LANE, target());
    script.fire();
    assert_eq!(requests(&script, 0).len(), 2);
    for k in 2..6 {
        assert_eq!(script.timer, Some(START + SECOND * k));
        script.fire();
        assert_eq!(requests(&script, 0).len(), 2, "never two in flight");
    }
    let late = nothing_new(204, "e.41");
    script.feed(0, &late[..10]);
    script.fire();
    assert_eq!(requests(&script, 0).len(), 2, "half an answer is none");
    script.feed(0, &late[10..]);
    assert_eq!(requests(&script, 0).len(), 2, "an answer is not an instant");
    assert_eq!(script.timer, Some(START + SECOND * 7));
    script.fire();
    assert_eq!(requests(&script, 0).len(), 3);
    assert_eq!(script.opened, [0]);
}

#[test]
fn every_answer_moves_the_position_that_the_next_request_asks_after() {
    let mut script = ready(LANE, target());
    script.fire();
    script.feed(0, &answer(200, "", &batch("e.43", &[sized(42, 9), sized(43, 9)])));
    script.fire();
    script.feed(0, &nothing_new(204, "e.50"));
    script.fire();
    script.feed(0, &nothing_new(304, "ignored"));
    script.fire();
    script.feed(0, b"HTTP/1.1 204 No Content\r\n\r\n");
    script.fire();
    script.feed(0, &chunked(200, &batch("f.7", &[])));
    script.fire();
    let after = ["", "?after=e.41", "?after=e.43", "?after=e.50", "?after=e.50", "?after=e.50", "?after=f.7"];
    assert_eq!(requests(&script, 0), after.map(asks));
}

#[test]
fn a_batch_tells_the_exchange_first_and_then_what_it_carried_in_order() {
    let mut script = ready(LANE, target());
    script.fire();
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

#[test]
fn a_subscription_is_ready_where_it_asked_to_start() {
    let ready_at = |after: After, bytes: &[u8]| {
        let mut script = Script::start(LANE, Target { after, ..target() });
        script.feed(0, bytes);
        let events = script.take_events();
        let Some([Event::Exchange { .. }, Event::Ready(position)]) = events.first_chunk() else { panic!("{events:?}") };
        (requests(&script, 0).remove(0), position.to_string())
    };
    let items = answer(200, "", &batch("e.43", &[sized(42, 9), sized(43, 9)]));
    let missed = answer(200, "", &batch("e.43", &[gap(40, 42), sized(43, 9)]));
    let position = After::Position("e.40".parse().unwrap());
    assert_eq!(ready_at(position.clone(), &items), (asks("?after=e.40"), "e.40".to_owned()));
    assert_eq!(ready_at(position, &nothing_new(204, "e.40")), (asks("?after=e.40"), "e.40".to_owned()));
    // Everything after the position is delivered or told as a gap: it lies before the first of them.
    assert_eq!(ready_at(After::Earliest, &items), (asks("?after=earliest"), "e.41".to_owned()));
    assert_eq!(ready_at(After::Earliest, &missed), (asks("?after=earliest"), "e.39".to_owned()));
    assert_eq!(ready_at(After::Earliest, &nothing_new(204, "e.0")), (asks("?after=earliest"), "e.0".to_owned()));
}

#[test]
fn the_first_exchange_is_the_handshake() {
    let script = ready(LANE, target());
    let (up, down) = (script.written_since(0, 0).len() as u64, answer(200, "", &batch("e.41", &[])).len() as u64);
    assert_eq!(script.charges(Direction::Up), [(Category::Handshake, up)]);
    assert_eq!(script.charges(Direction::Down), [(Category::Handshake, down)]);
}

#[test]
fn an_exchange_without_publications_is_an_empty_poll() {
    for bytes in [
        nothing_new(204, "e.41"),
        nothing_new(304, "e.41"),
        answer(200, "", &batch("e.44", &[])),
        chunked(200, &batch("e.44", &[gap(42, 44)])),
    ] {
        let mut script = ready(LANE, target());
        let (before, handshake) = (script.written_since(0, 0).len(), script.charges(Direction::Down));
        script.fire();
        script.feed(0, &bytes);
        let request = script.written_since(0, before).len() as u64;
        assert_eq!(script.charged(Direction::Up, Category::EmptyPolls), request);
        let down = [(Category::EmptyPolls, bytes.len() as u64), handshake[0]];
        assert_eq!(script.charges(Direction::Down), down);
        assert_eq!(script.take_events()[0], exchange(0));
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
    for (bytes, framing) in [(&plain, wrapper), (&in_chunks, wrapper + lines)] {
        let mut script = ready(LANE, target());
        let (before, handshake) = (script.written_since(0, 0).len(), script.charges(Direction::Down));
        script.fire();
        script.feed(0, bytes);
        assert_eq!(script.charged(Direction::Up, Category::HttpHead), script.written_since(0, before).len() as u64);
        let head = bytes.len() as u64 - 320 - envelope - framing;
        let expected = [
            (Category::Payload, 320),
            (Category::Envelope, envelope),
            (Category::Framing, framing),
            (Category::HttpHead, head),
            handshake[0],
        ];
        assert_eq!(script.charges(Direction::Down), expected);
        assert!(bytes[..usize::try_from(head).unwrap()].ends_with(b"\r\n\r\n"));
    }
}

#[test]
fn a_connection_that_the_server_ended_between_polls_is_replaced_by_the_next_poll() {
    let mut script = ready(LANE, target());
    script.end(0);
    assert_eq!(script.opened, [0], "not before there is something to ask");
    assert_eq!(script.timer, Some(START + SECOND));
    script.fire();
    assert_eq!(script.opened, [0, 1]);
    assert_eq!(requests(&script, 1), [asks("?after=e.41")]);
    script.feed(1, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
    assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.end(1);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_connection_that_ends_with_an_answer_due_is_a_loss() {
    let mut script = ready(LANE, target());
    script.fire();
    script.end(0);
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    script.fire();
    assert_eq!(script.opened, [0]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_answer_that_does_not_come_is_a_failure_after_30_seconds_whatever_the_interval() {
    for lane in [LANE, "short-polling+interval=7s", "short-polling+interval=60s"] {
        let mut script = ready(lane, target());
        script.fire();
        let asked = script.now;
        // As many instants as the shortest interval here has in that time, and some more.
        for _instant in 0..40 {
            if script.events.is_empty() {
                script.fire();
            }
        }
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
        assert_eq!(script.now, asked + SECOND * 30, "{lane}");
        assert!(script.shut.contains(&0));
        assert_eq!(script.timer, None);
        script.end(0);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
    let mut script = Script::start(LANE, target());
    script.fire();
    assert_eq!((script.now, script.take_events()), (START + SECOND * 30, vec![Event::Failed(DriverError::Silent)]));
}

#[test]
fn an_answer_that_cannot_be_used_ends_the_subscription() {
    let code = |events: &[Event]| match events.last() {
        Some(Event::Failed(error)) => error.code(),
        Some(Event::Closed(close)) if (close.code, close.retry_after_ms) == (3001, 2000) => "closed",
        other => panic!("{other:?}"),
    };
    for (bytes, expected) in [
        (problem(429, None), "status"),
        (problem(503, Some(3001)), "closed"),
        (answer(200, "", "no batch"), "protocol"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff".to_vec(), "protocol"),
        (answer(200, "", &batch("e.42", &[hello(42)])), "protocol"),
        (answer(200, "", &batch("e.43", &[sized(42, 9), "{}".to_owned()])), "protocol"),
        ([nothing_new(204, "e.41"), nothing_new(204, "e.41")].concat(), "protocol"),
    ] {
        let mut script = ready(LANE, target());
        script.fire();
        script.feed(0, &bytes);
        assert_eq!(code(&script.take_events()), expected);
        assert!(script.shut.contains(&0));
        script.timer = None;
        script.feed(0, &nothing_new(204, "e.41"));
        script.end(0);
        assert_eq!((script.take_events(), script.timer), (Vec::new(), None), "it asks for nothing more");
        script.assert_every_byte_is_charged_once();
    }
    let mut script = Script::start(LANE, target());
    script.feed(0, b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(code(&script.take_events()), "protocol", "the first answer has to have a position");
}

#[test]
fn a_client_that_stops_asks_no_more_and_hears_no_failure() {
    let mut script = ready(LANE, target());
    script.fire();
    script.stop();
    script.stop();
    assert!(script.shut.contains(&0));
    script.feed(0, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
    assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.fire();
    script.end(0);
    assert_eq!((script.take_events(), requests(&script, 0).len()), (Vec::new(), 2));
    script.assert_every_byte_is_charged_once();
}
