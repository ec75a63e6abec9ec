//! The driver of event streams: what is told in which order, what bytes are for, liveness, and its uplink beside it.

mod endings;
mod properties;

use std::time::Duration;

use measure::{Category, Direction};
use wire::{Ack, After, Gap, GapReason};

use super::{
    START, Script,
    servers::{
        EVENT_STREAM, answer, chunk, close_event, control_event, gap_event, heartbeat_event, hello, hello_event,
        publication, publication_event, sized,
    },
    target,
};
use crate::{Command, DriverError, Event, Out, Target};

const HEARTBEAT: Duration = Duration::from_secs(25);
const GRACE: Duration = Duration::from_secs(20);

fn started() -> Script {
    let mut script = Script::start("sse", target());
    script.feed(0, EVENT_STREAM.as_bytes());
    assert_eq!(script.take_events(), []);
    script
}

/// A subscription that was accepted and has told so.
fn ready() -> Script {
    let mut script = started();
    script.feed(0, &chunk(&hello_event()));
    assert_eq!(script.take_events(), [Event::Ready("e.41".parse().unwrap())]);
    script
}

#[test]
fn a_subscription_opens_one_connection_and_asks_after_its_position() {
    for (after, query) in [
        (After::Head, ""),
        (After::Earliest, "?after=earliest"),
        (After::Position("e.41".parse().unwrap()), "?after=e.41"),
    ] {
        let mut out = Out::default();
        super::lane("sse").build().driver(Target { after, ..target() }).start(START, &mut out);
        let [Command::Open(0), Command::Write(0, request)] = &out.commands[..] else { panic!("{:?}", out.commands) };
        assert!(request.starts_with(format!("GET /v1/chat/lobby/sse{query} HTTP/1.1\r\n").as_bytes()));
        assert!(request.ends_with(b"\r\n\r\n"));
    }
}

#[test]
fn publications_are_delivered_in_order_with_their_text_and_their_data() {
    let mut script = ready();
    let data = ["{\"n\":1e400}", "[]", "\"é\\u0041\u{1f600}\""];
    let texts: Vec<_> = [42, 44, 45].into_iter().zip(data).map(|(offset, data)| publication(offset, data)).collect();
    for (offset, text) in [42, 44, 45].into_iter().zip(&texts) {
        script.feed(0, &chunk(&publication_event(offset, text)));
    }
    for ((event, text), data) in script.take_events().into_iter().zip(&texts).zip(data) {
        let Event::Delivery(delivery) = event else { panic!("{event:?} was not expected") };
        assert_eq!((&*delivery.json, delivery.data()), (text.as_str(), data));
    }
    assert_eq!(script.charged(Direction::Down, Category::Payload), data.map(str::len).iter().sum::<usize>() as u64);
}

#[test]
fn a_gap_is_told_where_it_is() {
    let mut script = ready();
    script.feed(0, &chunk(&[gap_event(42, 90), publication_event(91, &sized(91, 2))].concat()));
    let events = script.take_events();
    let (from, to, missed) = (Some(42), Some(90), Some(49));
    let position = "e.90".parse().unwrap();
    assert_eq!(events[0], Event::Gap(Gap { from, to, missed, reason: GapReason::Trimmed, position }));
    assert!(matches!(&events[1..], [Event::Delivery(delivery)] if delivery.offset == 91), "{events:?}");
}

#[test]
fn until_and_with_the_hello_every_byte_is_the_handshakes() {
    let mut script = started();
    let early = [chunk(b": early\n\n"), chunk(&heartbeat_event()), chunk(b"retry: 9\n\n")].concat();
    script.feed(0, &early);
    script.feed(0, &chunk(&hello_event()));
    let request = script.written_since(0, 0).len() as u64;
    assert_eq!(script.charges(Direction::Up), [(Category::Handshake, request)]);
    let until = EVENT_STREAM.len() + early.len() + chunk(&hello_event()).len() - 2;
    // The chunk that had the hello ends after it.
    let expected = [(Category::Framing, 2), (Category::Handshake, until as u64)];
    assert_eq!(script.charges(Direction::Down), expected);
}

#[test]
fn a_publication_is_payload_and_envelope_and_its_fields_and_chunk_lines_are_framing() {
    for size in [2, 20, 300, 5000] {
        let mut script = ready();
        let before = script.charges(Direction::Down);
        let bytes = chunk(&publication_event(42, &sized(42, size)));
        script.feed(0, &bytes);
        let (payload, envelope) = (size as u64, publication(42, "").len() as u64);
        let fields = "id: e.42\n".len() + "data: ".len() + "\n\n".len();
        let lines = format!("{:x}\r\n", fields + sized(42, size).len()).len() + "\r\n".len();
        let expected = [
            (Category::Payload, payload),
            (Category::Envelope, envelope),
            (Category::Framing, 2 + (fields + lines) as u64),
            before[1],
        ];
        assert_eq!(script.charges(Direction::Down), expected);
        assert_eq!(payload + envelope + (fields + lines) as u64, bytes.len() as u64);
    }
}

#[test]
fn a_control_event_after_the_hello_is_framing() {
    for event in [gap_event(42, 90), close_event()] {
        let mut script = ready();
        let before = script.charged(Direction::Down, Category::Framing);
        let bytes = chunk(&event);
        script.feed(0, &bytes);
        assert_eq!(script.charged(Direction::Down, Category::Framing) - before, bytes.len() as u64);
    }
}

#[test]
fn heartbeat_events_and_comments_are_heartbeats_and_nothing_is_told_or_answered() {
    for beat in [heartbeat_event(), b":\n\n".to_vec(), b": keep-alive\r\n".to_vec(), b":\n:\n:\n".to_vec()] {
        let mut script = ready();
        let (asked, framing) = (script.written_since(0, 0).len(), script.charged(Direction::Down, Category::Framing));
        let bytes = chunk(&beat);
        script.feed(0, &bytes);
        // An LF behind a CR counts with the line after it.
        let open = u64::from(beat.ends_with(b"\r\n"));
        assert_eq!(script.charged(Direction::Down, Category::Heartbeat), beat.len() as u64 - open);
        let lines = (bytes.len() - beat.len()) as u64;
        assert_eq!(script.charged(Direction::Down, Category::Framing), framing + lines);
        assert_eq!((script.take_events(), script.written_since(0, asked)), (Vec::new(), &b""[..]));
        script.feed(0, &chunk(&publication_event(42, &sized(42, 2))));
        assert!(matches!(&script.take_events()[..], [Event::Delivery(_)]));
        script.stop();
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_comment_inside_an_event_is_a_heartbeat_and_the_event_is_whole() {
    let mut script = ready();
    let text = sized(42, 20);
    script.feed(0, &chunk(format!("id: e.42\n:beat\ndata: {text}\n\n").as_bytes()));
    assert_eq!(script.charged(Direction::Down, Category::Heartbeat), 6);
    assert_eq!(script.charged(Direction::Down, Category::Payload), 20);
    assert!(matches!(&script.take_events()[..], [Event::Delivery(delivery)] if *delivery.json == *text));
}

#[test]
fn silence_for_heartbeat_and_grace_is_a_failure() {
    let mut script = ready();
    assert_eq!(script.timer, Some(START + HEARTBEAT + GRACE));

    script.pass(Duration::from_secs(30));
    script.feed(0, b"3\r\n");
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

#[test]
fn a_request_without_an_answer_is_a_failure_after_the_default_heartbeat_and_grace() {
    let mut script = Script::start("sse", target());
    assert_eq!(script.timer, Some(START + HEARTBEAT + GRACE));
    script.fire();
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
    script.end(0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn the_grace_is_four_fifths_of_the_heartbeat_that_the_hello_tells_and_a_second_at_least() {
    for (heartbeat_ms, silence_ms) in [(10_000, 18_000), (1250, 2250), (1000, 2000), (100, 1100)] {
        let mut script = started();
        let hello = hello(41).replace("25000", &heartbeat_ms.to_string());
        script.feed(0, &chunk(&control_event("hello", Some("e.41"), &hello)));
        assert_eq!(script.timer, Some(START + Duration::from_millis(silence_ms)), "{heartbeat_ms}");
        script.fire();
        assert!(script.take_events().ends_with(&[Event::Failed(DriverError::Silent)]));
    }
}

#[test]
fn an_answer_to_a_post_comes_beside_the_events_and_is_no_sign_of_their_life() {
    let mut script = ready();
    script.publish("message", "1", 7);
    script.feed(0, &chunk(&publication_event(42, &sized(42, 9))));
    script.pass(Duration::from_secs(30));
    script.feed(1, &answer(201, "", r#"{"position":"e.42"}"#));
    let events = script.take_events();
    let acked = Event::Acked(Ack { reference: Some(7), position: "e.42".parse().unwrap() });
    assert!(matches!(&events[..], [Event::Delivery(_), last] if *last == acked), "{events:?}");
    script.fire();
    assert_eq!(
        (script.now, script.take_events()),
        (START + HEARTBEAT + GRACE, vec![Event::Failed(DriverError::Silent)])
    );
    assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&0, &1]);
    script.end(1);
    script.end(0);
    assert_eq!(script.take_events(), []);
    script.assert_every_byte_is_charged_once();
}
