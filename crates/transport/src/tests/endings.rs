//! How subscriptions end: announced, cut at every byte, refused, by what a lane does not allow, by the client; and that no
//! byte is lost in any of them.

use measure::{Category, Direction};
use wire::{Close, websocket::Opcode};

use super::{
    Script,
    servers::{
        CLOSE, EVENT_STREAM, LAST_CHUNK, TwoWay, ack, answer, batch, chunk, chunked, close_event, frame, gap,
        gap_event, heartbeat_event, hello, hello_event, nothing_new, problem, publication, publication_event, refusal,
        sized,
    },
    target,
    two_way::{client_frames, ready},
};
use crate::{ALL, DriverError, Event};

fn drain(reason: &str) -> Event {
    Event::Closed(Close { code: 3001, reason: reason.to_owned(), reconnect: true, retry_after_ms: 2000 })
}

fn is_failure(event: &Event) -> bool {
    matches!(event, Event::Failed(_))
}

#[test]
fn an_announced_end_is_told_once_and_the_end_itself_is_silent() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let written = script.written_since(0, 0).len();
        script.feed(0, &lane.item(CLOSE));
        assert_eq!(script.take_events(), [drain("drain")]);
        script.feed(0, &lane.goodbye(3001));
        if lane == TwoWay::WebSocket {
            let reply = client_frames(script.written_since(0, written));
            assert_eq!(reply, [(Opcode::Close, 3001_u16.to_be_bytes().to_vec())]);
            assert!(script.shut.contains(&0));
        }
        script.stop();
        script.fire();
        script.end(0);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_goodbye_without_an_announcement_is_a_loss() {
    let mut script = ready(TwoWay::WebSocket);
    script.feed(0, &TwoWay::WebSocket.goodbye(1009));
    script.end(0);
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_end_without_an_announcement_is_a_loss() {
    for lane in ALL.iter().map(|spec| spec.id) {
        let mut script = Script::start(lane, target());
        script.end(0);
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
        script.assert_every_byte_is_charged_once();
    }
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        script.end(0);
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    }
}

#[test]
fn a_refused_subscription_is_a_status_or_an_announced_end() {
    for lane in ALL.iter().map(|spec| spec.id) {
        for (bytes, expected) in [
            (problem(400, None), Event::Failed(DriverError::Status { status: 400, detail: "what to do".to_owned() })),
            (
                chunked(404, "no such page"),
                Event::Failed(DriverError::Status { status: 404, detail: "no such page".to_owned() }),
            ),
            (problem(503, None), Event::Failed(DriverError::Status { status: 503, detail: "what to do".to_owned() })),
            (problem(503, Some(3001)), drain("what to do")),
        ] {
            let mut script = Script::start(lane, target());
            script.feed(0, &bytes);
            assert_eq!(script.take_events(), [expected]);
            assert!(script.shut.contains(&0));
            script.end(0);
            assert_eq!(script.take_events(), []);
            assert_eq!(script.charges(Direction::Down), [(Category::Handshake, bytes.len() as u64)]);
            script.assert_every_byte_is_charged_once();
        }
    }
}

#[test]
fn a_code_that_stays_away_says_so_in_a_refusal_too() {
    for lane in ALL.iter().map(|spec| spec.id) {
        let mut script = Script::start(lane, target());
        script.feed(0, &problem(403, Some(3501)));
        assert!(matches!(&script.take_events()[..], [Event::Closed(close)] if close.code == 3501 && !close.reconnect));
    }
}

#[test]
fn a_refusal_that_asks_to_come_back_after_an_age_is_understood() {
    for lane in ALL.iter().map(|spec| spec.id) {
        let mut script = Script::start(lane, target());
        let text = String::from_utf8(problem(503, Some(3001))).unwrap();
        script.feed(0, text.replace("Retry-After: 2", &format!("Retry-After: {}", u64::MAX)).as_bytes());
        assert!(matches!(&script.take_events()[..], [Event::Closed(close)] if close.retry_after_ms == u64::MAX));
    }
}

#[test]
fn an_upgrade_to_something_else_is_a_failure() {
    let wrong_key =
        b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    let no_key = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n";
    let accepted = TwoWay::WebSocket.accept(Script::start("websocket", target()).written_since(0, 0));
    let extended = String::from_utf8(accepted).unwrap().replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n");
    for (lane, head) in [
        ("raw", &b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"[..]),
        ("raw", b"HTTP/1.1 101 S\r\n\r\n"),
        ("websocket", wrong_key),
        ("websocket", no_key),
        ("websocket", extended.as_bytes()),
    ] {
        let mut script = Script::start(lane, target());
        script.feed(0, head);
        assert!(matches!(&script.take_events()[..], [Event::Failed(DriverError::Protocol(_))]), "{lane}");
        script.feed(0, b"and frames");
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn what_a_lane_does_not_allow_is_a_failure_and_all_its_bytes_are_charged() {
    for lane in TwoWay::ALL {
        for bad in lane.forbidden() {
            let mut script = ready(lane);
            script.feed(0, &[bad.clone(), lane.item(&sized(42, 20))].concat());
            script.feed(0, b"more");
            let events = script.take_events();
            assert!(matches!(&events[..], [Event::Failed(DriverError::Protocol(_))]), "{lane:?} {bad:?}: {events:?}");
            assert!(script.shut.contains(&0));
            script.end(0);
            assert_eq!(script.take_events(), []);
            script.assert_every_byte_is_charged_once();
        }
        let mut script = Script::start(lane.id(), target());
        let accepted = lane.accept(script.written_since(0, 0));
        script.feed(0, &[accepted, lane.item(&sized(42, 20))].concat());
        assert!(matches!(&script.take_events()[..], [Event::Failed(DriverError::Protocol(_))]), "before the hello");
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn something_that_is_not_http_is_a_failure_and_all_its_bytes_are_charged() {
    for lane in ALL.iter().map(|spec| spec.id) {
        for garbage in [
            "SSH-2.0-x\r\n\r\n",
            "\n",
            "HTTP/1.1 200 OK\nbare: lf\n\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n12",
        ] {
            let mut script = Script::start(lane, target());
            script.feed(0, garbage.as_bytes());
            script.feed(0, b"more\r\n");
            assert!(
                matches!(&script.take_events()[..], [Event::Failed(DriverError::Protocol(_))]),
                "{lane} {garbage:?}"
            );
            script.end(0);
            assert_eq!(script.charges(Direction::Down), [(Category::Handshake, garbage.len() as u64 + 6)]);
            script.assert_every_byte_is_charged_once();
        }
    }
}

/// Runs a stream that is cut after each of its bytes, with the client stopping it before the end or not. `before`: how many
/// bytes there have to be for the end to be no loss; none where every end is one.
fn cut_everywhere(lane: &str, before: Option<usize>, bytes: &[u8]) {
    let whole = {
        let mut script = Script::start(lane, target());
        script.feed(0, bytes);
        script.events
    };
    for cut in 0..=bytes.len() {
        for stops in [false, true] {
            let mut script = Script::start(lane, target());
            script.feed(0, &bytes[..cut]);
            if stops {
                script.stop();
            }
            script.end_all();
            script.assert_every_byte_is_charged_once();
            let events = script.take_events();
            let told = events.iter().filter(|event| !is_failure(event)).count();
            assert_eq!(events[..told], whole[..told], "cut after {cut}: a beginning of the whole");
            let is_loss = !stops && before.is_none_or(|before| cut < before);
            let expected = if is_loss { &[Event::Failed(DriverError::Lost)][..] } else { &[] };
            assert_eq!(&events[told..], expected, "{lane} cut after {cut}, stopped: {stops}");
        }
    }
}

#[test]
fn a_two_way_stream_may_be_cut_at_every_byte() {
    for lane in TwoWay::ALL {
        let request = Script::start(lane.id(), target()).written_since(0, 0).to_vec();
        let items =
            [hello(41), sized(42, 20), sized(43, 200), gap(44, 44), ack(1, "e.9"), refusal(2), CLOSE.to_owned()];
        let mut bytes = lane.accept(&request);
        for item in &items {
            bytes.extend(lane.heartbeat());
            bytes.extend(lane.item(item));
        }
        let announced = bytes.len();
        bytes.extend(lane.goodbye(3001));
        cut_everywhere(lane.id(), Some(announced), &bytes);
    }
}

#[test]
fn a_stream_of_events_may_be_cut_at_every_byte() {
    let mut events = [&b": before\n\n"[..], &hello_event()].concat();
    events.extend(publication_event(42, &publication(42, "\"\u{e9} \u{20ac} \u{1f600}\"")));
    for event in [b":\n\n".to_vec(), heartbeat_event(), gap_event(43, 44), publication_event(45, &sized(45, 200))] {
        events.extend(event);
    }
    let before_close = events.len();
    events.extend(close_event());
    // Chunks of 7 bytes end inside fields and inside characters.
    for size in [7, events.len()] {
        let chunks = events.chunks(size).map(chunk).collect::<Vec<_>>();
        let bytes = [EVENT_STREAM.as_bytes(), &chunks.concat(), LAST_CHUNK].concat();
        // The blank line ends the event, wherever in its chunk it is.
        let announced = bytes.len() - LAST_CHUNK.len() - 2;
        cut_everywhere("sse", Some(announced), &bytes);
        // Nothing was announced: also all but the last byte of the body is a loss.
        let chunks = events[..before_close].chunks(size).map(chunk).collect::<Vec<_>>();
        cut_everywhere("sse", None, &[EVENT_STREAM.as_bytes(), &chunks.concat(), &LAST_CHUNK[..4]].concat());
    }
}

#[test]
fn an_answer_to_a_poll_may_be_cut_at_every_byte() {
    let body = batch("e.43", &[gap(40, 41), sized(42, 20), sized(43, 200)]);
    for bytes in [answer(200, "", &body), chunked(200, &body), nothing_new(204, "e.41")] {
        cut_everywhere("short-polling", Some(bytes.len()), &bytes);
        // After an answer there is the next question, whose answer does not come.
        cut_everywhere("long-polling", None, &bytes);
    }
}

#[test]
fn a_refusal_may_be_cut_at_every_byte() {
    for lane in ALL.iter().map(|spec| spec.id) {
        for bytes in [
            problem(503, Some(3001)),
            chunked(503, r#"{"type":"k","title":"t","status":503,"detail":"d","code":3001}"#),
        ] {
            cut_everywhere(lane, Some(bytes.len()), &bytes);
        }
    }
}

#[test]
fn a_client_that_stops_says_goodbye_once_and_hears_no_failure() {
    for lane in TwoWay::ALL {
        let mut script = ready(lane);
        let written = script.written_since(0, 0).len();
        script.stop();
        script.stop();
        let goodbye = script.written_since(0, written).to_vec();
        match lane {
            TwoWay::Raw => assert_eq!(goodbye, b""),
            TwoWay::WebSocket => {
                assert_eq!(client_frames(&goodbye), [(Opcode::Close, 1000_u16.to_be_bytes().to_vec())]);
            }
        }
        assert!(script.shut.contains(&0));
        // What was under way: it is counted, and nothing is answered any more.
        script.feed(0, &[lane.item(&sized(42, 20)), lane.heartbeat(), lane.goodbye(1000)].concat());
        assert_eq!(script.written_since(0, written), goodbye);
        script.fire();
        script.end(0);
        assert!(matches!(&script.take_events()[..], [Event::Delivery(_)]));
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_client_that_stops_before_the_upgrade_just_ends() {
    for lane in TwoWay::ALL {
        let mut script = Script::start(lane.id(), target());
        let request = script.written_since(0, 0).to_vec();
        script.stop();
        assert!(script.shut.contains(&0));
        script.feed(0, &[lane.accept(&request), lane.heartbeat()].concat());
        script.end(0);
        assert_eq!(script.written_since(0, 0), request);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn frames_behind_a_clients_goodbye_that_break_the_rules_are_charged_in_silence() {
    let mut script = ready(TwoWay::WebSocket);
    script.stop();
    script.feed(0, &[frame(Opcode::Close, b""), frame(Opcode::Ping, b"late")].concat());
    script.end(0);
    assert_eq!(script.take_events(), []);
    script.assert_every_byte_is_charged_once();
}
