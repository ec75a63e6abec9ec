//! How a subscription to events ends: announced or not, by what the lane does not allow, by the client.

use measure::{Category, Direction};
use wire::Close;

use super::{
    super::{
        Script,
        servers::{
            CLOSE, EVENT_STREAM, LAST_CHUNK, answer, chunk, close_event, control_event, hello_event, publication_event,
            sized,
        },
        target,
    },
    ready, started,
};
use crate::{DriverError, Event};

fn lost() -> Event {
    Event::Failed(DriverError::Lost)
}

fn is_protocol(events: &[Event]) -> bool {
    matches!(events, [Event::Failed(DriverError::Protocol(_))])
}

#[test]
fn an_announced_end_is_told_once_and_the_end_itself_is_silent() {
    let drain = Event::Closed(Close { code: 3001, reason: "drain".to_owned(), reconnect: true, retry_after_ms: 2000 });
    for last in [&b""[..], LAST_CHUNK, b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let mut script = ready();
        script.publish("message", "1", 7);
        script.feed(0, &chunk(&close_event()));
        assert_eq!(script.take_events(), std::slice::from_ref(&drain));
        script.feed(0, last);
        script.fire();
        script.end(0);
        assert_eq!(script.take_events(), []);
        assert!(script.shut.contains(&1), "the connection of the posts ends with the events");
        script.feed(1, &answer(201, "", r#"{"position":"e.42"}"#));
        script.end(1);
        assert!(matches!(&script.take_events()[..], [Event::Acked(_)]));
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn an_end_that_was_not_announced_is_a_loss() {
    for (is_ready, last) in [(true, &b""[..]), (true, LAST_CHUNK), (false, b""), (false, LAST_CHUNK)] {
        let mut script = if is_ready { ready() } else { started() };
        script.feed(0, last);
        if last.is_empty() {
            script.end(0);
            assert_eq!(script.take_events(), [lost()]);
        } else {
            assert_eq!(script.take_events(), [lost()], "the answer is over, and with it the subscription");
            assert!(script.shut.contains(&0));
            script.end(0);
            assert_eq!(script.take_events(), []);
        }
        script.assert_every_byte_is_charged_once();
    }
    // Without a length or chunks the body is as long as the connection.
    let mut script = Script::start("sse", target());
    script.feed(0, &[b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", &hello_event()[..]].concat());
    script.end(0);
    assert_eq!(script.take_events(), [Event::Ready("e.41".parse().unwrap()), lost()]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn what_follows_the_end_of_the_answer_is_carried_and_not_understood() {
    let mut script = ready();
    let again = [EVENT_STREAM.as_bytes(), &chunk(&publication_event(42, &sized(42, 9)))].concat();
    script.feed(0, &[LAST_CHUNK, &again].concat());
    script.feed(0, &again);
    assert_eq!(script.take_events(), [lost()]);
    script.end(0);
    assert_eq!(script.charged(Direction::Down, Category::Payload), 0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_answer_that_is_no_stream_of_events_is_its_status() {
    for bytes in [&b"HTTP/1.1 204 No Content\r\n\r\n"[..], b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"] {
        let mut script = Script::start("sse", target());
        script.feed(0, bytes);
        let events = script.take_events();
        assert!(matches!(&events[..], [Event::Failed(DriverError::Status { status: 204 | 101, .. })]), "{events:?}");
        assert!(script.shut.contains(&0));
        script.feed(0, b"and frames");
        script.end(0);
        assert_eq!(script.charges(Direction::Down), [(Category::Handshake, bytes.len() as u64 + 10)]);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn what_the_lane_does_not_allow_is_a_failure_and_all_its_bytes_are_charged() {
    let ack = r#"{"ack":{"ref":1,"position":"e.42"}}"#;
    for bad in [
        chunk(b"data: nonsense\n\n"),
        chunk(b"data: {\"offset\":-1}\n\n"),
        chunk(&control_event("gap", None, "nonsense")),
        chunk(&control_event("gap", None, ack)),
        chunk(&control_event("close", None, "{\"later\":{}}")),
        // Control items have names, and only they.
        chunk(format!("data: {CLOSE}\n\n").as_bytes()),
        chunk(&control_event("hello", None, &sized(42, 20))),
        b"x\r\n".to_vec(),
        b"1\r\n:::".to_vec(),
    ] {
        let mut script = ready();
        script.feed(0, &[bad.clone(), chunk(&publication_event(42, &sized(42, 20)))].concat());
        script.feed(0, b"more");
        let events = script.take_events();
        assert!(is_protocol(&events), "{bad:?}: {events:?}");
        assert!(script.shut.contains(&0));
        script.end(0);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_publication_before_the_hello_is_a_failure() {
    let mut script = started();
    let bytes = chunk(&[publication_event(42, &sized(42, 20)), hello_event()].concat());
    script.feed(0, &bytes);
    assert!(is_protocol(&script.take_events()));
    script.end(0);
    let down = (EVENT_STREAM.len() + bytes.len()) as u64;
    assert_eq!(script.charges(Direction::Down), [(Category::Handshake, down)]);
}

#[test]
fn a_publication_that_got_longer_because_it_was_not_utf_8_is_a_failure() {
    let mut script = ready();
    let broken: Vec<u8> =
        publication_event(42, &sized(42, 60)).iter().map(|byte| if *byte == b'x' { 0xFF } else { *byte }).collect();
    script.feed(0, &chunk(&broken));
    assert!(is_protocol(&script.take_events()));
    script.end(0);
    assert_eq!(script.charged(Direction::Down, Category::Payload), 0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_event_that_does_not_end_within_a_mebibyte_is_a_failure() {
    let mut script = ready();
    let piece = chunk(&vec![b'x'; 100_000]);
    for _piece in 0..10 {
        script.feed(0, &piece);
        assert_eq!(script.take_events(), []);
    }
    script.feed(0, &piece);
    assert!(is_protocol(&script.take_events()));
    script.feed(0, &piece);
    script.end(0);
    assert_eq!(script.charged(Direction::Down, Category::Payload), 0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_client_that_stops_ends_both_connections_and_hears_no_failure() {
    for is_ready in [false, true] {
        let mut script = if is_ready { ready() } else { started() };
        script.publish("message", "1", 7);
        let written = script.written.clone();
        script.stop();
        script.stop();
        assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&0, &1]);
        // What was under way: it is counted, and nothing is answered any more.
        if is_ready {
            script.feed(0, &chunk(&publication_event(42, &sized(42, 20))));
            assert!(matches!(&script.take_events()[..], [Event::Delivery(_)]));
        }
        script.feed(0, LAST_CHUNK);
        script.fire();
        script.end(0);
        assert_eq!(script.take_events(), []);
        script.end(1);
        assert!(matches!(&script.take_events()[..], [Event::Refused(refusal)] if refusal.reference == Some(7)));
        assert_eq!(script.written, written);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn an_event_that_no_page_could_use_or_resume_after_is_a_failure() {
    let named = |name: &str| control_event(name, Some("e.42"), &sized(42, 9));
    let without_id = control_event("message", None, &sized(42, 9));
    let of_another = control_event("message", Some("e.41"), &sized(42, 9));
    let gap_as_close = control_event("close", Some("e.44"), &super::super::servers::gap(42, 44));
    let gap_elsewhere = control_event("gap", Some("e.43"), &super::super::servers::gap(42, 44));
    for event in [named("chat"), without_id, of_another, gap_as_close, gap_elsewhere] {
        let mut script = ready();
        script.feed(0, &chunk(&event));
        assert!(is_protocol(&script.take_events()), "{}", String::from_utf8_lossy(&event));
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
    let mut script = Script::start("sse", target());
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    script.feed(0, &[json.as_bytes(), &hello_event()].concat());
    assert!(is_protocol(&script.take_events()), "not a stream of events");
    script.end(0);
    script.assert_every_byte_is_charged_once();
}
