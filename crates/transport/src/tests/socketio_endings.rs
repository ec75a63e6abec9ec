//! How subscriptions over Socket.IO end: announced, refused, cut, by what has no place; and that any split of what servers
//! write gives the same, also where it is damaged.

use measure::{Category, Direction};
use proptest::{collection::vec, option, prelude::*, sample::Index};
use wire::{Close, websocket::Opcode};

use super::{
    Outcome, Script, pieces,
    publishing::refused,
    servers::{CLOSE, LAST_CHUNK, TwoWay, answer, chunk, chunked, frame, gap, problem, publication, sized},
    socketio_servers::{
        BOTH, CONNECTED, POLLING, POLLS, POSTS, TRIED, WEBSOCKET, accept, event, frames, greeted, hello_packet, item,
        ok, open, payload, ready, text,
    },
    splits::damage,
    target,
};
use crate::{DriverError, Event};

const LANES: [&str; 3] = [BOTH, WEBSOCKET, POLLING];

const UNKNOWN_SESSION: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

fn lost() -> Event {
    Event::Failed(DriverError::Lost)
}

fn status(status: u16, detail: &str) -> Event {
    Event::Failed(DriverError::Status { status, detail: detail.to_owned() })
}

/// Gives `packets` to the carrier of the lane.
fn tell(script: &mut Script, lane: &str, packets: &[&str]) {
    if lane == WEBSOCKET {
        let frames: Vec<_> = packets.iter().map(|packet| text(packet)).collect();
        script.feed(0, &frames.concat());
    } else {
        script.feed(POLLS, &payload(packets));
    }
}

/// A session that is open, on the carrier of the lane.
fn opened(lane: &str) -> Script {
    let mut script = Script::start(lane, target());
    if lane == WEBSOCKET {
        accept(&mut script, 0);
    }
    tell(&mut script, lane, &[&open("")]);
    script
}

/// What was told beside exchanges.
fn told(script: &mut Script) -> Vec<Event> {
    script.take_events().into_iter().filter(|event| !matches!(event, Event::Exchange { .. })).collect()
}

#[test]
fn a_session_that_is_refused_is_a_status_or_an_announced_end() {
    let drain =
        Event::Closed(Close { code: 3001, reason: "what to do".to_owned(), reconnect: true, retry_after_ms: 2000 });
    for lane in LANES {
        for (bytes, expected) in [
            (problem(400, None), status(400, "what to do")),
            (problem(503, Some(3001)), drain.clone()),
            (answer(400, "", r#"{"code":0,"message":"Transport unknown"}"#), {
                status(400, r#"{"code":0,"message":"Transport unknown"}"#)
            }),
            (chunked(404, "no such page"), status(404, "no such page")),
        ] {
            let mut script = Script::start(lane, target());
            script.feed(0, &bytes);
            assert_eq!(script.take_events(), [expected]);
            assert!(script.shut.contains(&0));
            script.end(0);
            assert_eq!((script.take_events(), &script.opened[..]), (vec![], &[0][..]));
            assert_eq!(script.charges(Direction::Down), [(Category::Handshake, bytes.len() as u64)]);
            script.assert_every_byte_is_charged_once();
        }
    }
}

#[test]
fn a_namespace_that_is_refused_is_the_status_in_its_data() {
    for lane in LANES {
        for (packet, expected) in [
            (r#"44/chat,{"message":"m","data":{"status":404,"detail":"d"}}"#, status(404, "d")),
            (r#"44/chat,{"message":"Invalid namespace"}"#, status(400, "Invalid namespace")),
            (r#"44/chat,{"message":"m","data":null}"#, status(400, "m")),
            (r#"44/chat,{"data":7}"#, status(400, r#"{"data":7}"#)),
            (r#"44/chat,"no""#, status(400, r#""no""#)),
        ] {
            let mut script = opened(lane);
            tell(&mut script, lane, &[packet]);
            assert_eq!(told(&mut script), [expected]);
            assert!(script.shut.contains(&0));
            script.end_all();
            script.assert_every_byte_is_charged_once();
        }
    }
}

#[test]
fn an_announced_end_is_told_once_and_whatever_way_the_server_goes_is_no_surprise() {
    for lane in [WEBSOCKET, POLLING] {
        for goodbye in [vec![], vec!["1"], vec!["41/chat,"], vec!["41/chat,", "1"]] {
            let mut script = ready(lane);
            let close = event("close", CLOSE);
            tell(&mut script, lane, &[&[close.as_str()], &goodbye[..]].concat());
            assert!(matches!(told(&mut script)[..], [Event::Closed(_)]));
            if lane == WEBSOCKET {
                assert_eq!(script.shut.contains(&0), !goodbye.is_empty());
                script.feed(0, &frame(Opcode::Close, b""));
                // One close frame, of our own or as an answer.
                assert_eq!(frames(&script, 0).len(), 2);
            }
            assert!(script.shut.contains(&0));
            script.fire();
            script.stop();
            script.publish("message", "1", 7);
            assert_eq!(told(&mut script), [refused(7, 0, "the subscription is over")]);
            script.end_all();
            assert_eq!(script.take_events(), []);
            script.assert_every_byte_is_charged_once();
        }
    }
}

#[test]
fn an_end_without_an_announcement_is_a_loss() {
    for lane in LANES {
        let mut script = Script::start(lane, target());
        script.end(0);
        assert_eq!(script.take_events(), [lost()]);
        for goodbye in ["1", "41/chat,"] {
            let mut script = ready(lane);
            tell(&mut script, lane, &[goodbye, &item(42, 9)]);
            assert_eq!(told(&mut script), [lost()], "{lane} {goodbye}");
            assert!(script.shut.contains(&0));
            script.end_all();
            script.assert_every_byte_is_charged_once();
        }
    }
    let mut script = ready(WEBSOCKET);
    script.feed(0, &frame(Opcode::Close, b""));
    script.end(0);
    assert_eq!(script.take_events(), [lost()]);
}

#[test]
fn a_post_that_loses_its_connection_or_is_refused_ends_the_session() {
    let mut script = ready(POLLING);
    script.publish("message", "1", 7);
    script.feed(POSTS, b"HTTP/1.1 200");
    script.end(POSTS);
    assert_eq!(told(&mut script), [lost()]);
    assert!(script.shut.contains(&POLLS));
    script.end_all();
    script.assert_every_byte_is_charged_once();

    for (bytes, expected) in [
        (problem(413, None), status(413, "what to do")),
        (answer(400, "", "Bad request"), status(400, "Bad request")),
        (answer(400, "", UNKNOWN_SESSION), lost()),
    ] {
        let mut script = ready(POLLING);
        script.publish("message", "1", 7);
        script.feed(POSTS, &[bytes, ok()].concat());
        assert_eq!(told(&mut script), [expected]);
        assert_eq!(script.shut.len(), 2);
        script.end_all();
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_session_that_the_server_does_not_know_any_more_is_a_loss() {
    let mut script = ready(POLLING);
    let bytes = answer(400, "", UNKNOWN_SESSION);
    script.feed(POLLS, &bytes);
    assert_eq!(script.take_events(), [lost()]);
    assert_eq!(script.charged(Direction::Down, Category::EmptyPolls), bytes.len() as u64);
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn answers_that_nobody_asked_for_and_other_bytes_end_the_session() {
    for (connection, bytes) in [
        (POSTS, ok()),
        (POSTS, b"SSH-2.0-x\r\n\r\nmore".to_vec()),
        (POLLS, b"SSH-2.0-x\r\n\r\nmore".to_vec()),
        (POLLS, answer(200, "", "")),
        (POLLS, b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff".to_vec()),
    ] {
        let mut script = ready(POLLING);
        script.feed(connection, &bytes);
        script.feed(connection, b"and more");
        assert!(matches!(told(&mut script)[..], [Event::Failed(DriverError::Protocol(_))]), "{bytes:?}");
        assert_eq!(script.shut.len(), 2);
        script.end_all();
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_body_without_end_is_not_kept() {
    let mut script = ready(POLLING);
    script.feed(POLLS, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
    for _ in 0..5 {
        script.feed(POLLS, &vec![b'6'; 1024 * 1024]);
    }
    assert!(matches!(told(&mut script)[..], [Event::Failed(DriverError::Protocol(_))]));
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

/// Packets that have no place in a session that is ready.
fn misplaced() -> Vec<String> {
    let json = sized(42, 9);
    let own = [
        r#"42/chat,7["message",{},"lobby"]"#,
        r#"42/chat,["message",{},"lobby"]"#,
        r#"42/chat,["message"]"#,
        r#"43/chat,[{"position":"e.1"}]"#,
        r#"43/chat,7[{"position":"e"}]"#,
        "43/chat,7[]",
        r#"44/chat,{"message":"m"}"#,
        r#"451-/chat,["message",{"_placeholder":true,"num":0}]"#,
        r#"40{"sid":"n"}"#,
        "41",
        "",
        "3",
        "5",
        "9",
        "4",
        "4x",
        "bAAAA",
    ];
    let made = [
        open(""),
        CONNECTED.to_owned(),
        hello_packet(),
        event("other", &json),
        event("gap", CLOSE),
        event("message", &gap(42, 43)),
        format!(r#"42/chat,["message",{json},"foyer"]"#),
        format!(r#"42/chat,["message",{json}]"#),
        format!(r#"42["message",{json},"lobby"]"#),
        format!(r#"42/chat,["message",{json},"lobby",1]"#),
    ];
    own.iter().map(|packet| (*packet).to_owned()).chain(made).collect()
}

#[test]
fn packets_that_have_no_place_end_the_session_and_all_their_bytes_are_charged() {
    for lane in LANES {
        for packet in misplaced() {
            let mut script = ready(lane);
            tell(&mut script, lane, &["2", &packet, &item(42, 9)]);
            script.feed(0, b"more");
            let events = told(&mut script);
            assert!(matches!(events[..], [Event::Failed(DriverError::Protocol(_))]), "{packet}: {events:?}");
            script.end_all();
            assert_eq!(script.take_events(), []);
            script.assert_every_byte_is_charged_once();
        }
        for packet in [item(42, 9), hello_packet(), r#"43/chat,7[{"position":"e.1"}]"#.to_owned(), "2".to_owned()] {
            // Before the namespace is open; the last one before the session is.
            let mut script = if packet == "2" { Script::start(lane, target()) } else { opened(lane) };
            if lane == WEBSOCKET && packet == "2" {
                accept(&mut script, 0);
            }
            tell(&mut script, lane, &[&packet]);
            assert!(matches!(told(&mut script)[..], [Event::Failed(DriverError::Protocol(_))]), "{lane} {packet}");
            script.end_all();
            script.assert_every_byte_is_charged_once();
        }
    }
    for bytes in [frame(Opcode::Binary, b"x"), frame(Opcode::Text, b"\xC3\x28"), b"\xC1\x00".to_vec()] {
        let mut script = ready(WEBSOCKET);
        script.feed(0, &[bytes, text(&item(42, 9))].concat());
        assert!(matches!(told(&mut script)[..], [Event::Failed(DriverError::Protocol(_))]));
        script.end(0);
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn a_session_id_that_a_query_would_have_to_escape_is_refused() {
    for sid in ["", "a b", "a&t=1", "a\\r\\nX: y", "\u{e9}"] {
        let mut script = Script::start(POLLING, target());
        script.feed(POLLS, &payload(&[&open("").replace("abc", sid)]));
        assert!(matches!(told(&mut script)[..], [Event::Failed(DriverError::Protocol(_))]), "{sid:?}");
        assert_eq!(script.opened, [POLLS]);
    }
}

#[test]
fn a_publish_after_the_end_is_refused_and_nothing_is_written() {
    for lane in LANES {
        let mut script = ready(lane);
        script.stop();
        let written = script.written.clone();
        script.publish("message", "1", 1);
        script.end_all();
        script.publish("message", "1", 2);
        let expected = [refused(1, 0, "the subscription is over"), refused(2, 0, "the subscription is over")];
        assert_eq!((told(&mut script), &script.written), (expected.to_vec(), &written));
    }
}

/// What a server says after the hello, by its packets.
fn packets() -> impl Strategy<Value = Vec<String>> {
    let packet = prop_oneof![
        8 => (2_usize..200).prop_map(|size| item(42, size)),
        2 => Just("2".to_owned()),
        1 => Just("6".to_owned()),
        1 => Just(event("gap", &gap(43, 44))),
        1 => Just(event("message", &publication(45, "\"\u{e9}\u{1f600}\""))),
        1 => Just(r#"43/chat,7[{"position":"e.45"}]"#.to_owned()),
        1 => Just(event("close", CLOSE)),
        1 => prop::sample::select(vec!["1", "41/chat,"]).prop_map(str::to_owned),
        1 => prop::sample::select(misplaced()),
    ];
    vec(packet, 0..6)
}

/// One step of a server, on one connection; an end where there are no bytes.
type Step = (u32, Option<Vec<u8>>);

/// A server's side of a session over polls that moves, or fails to, with the `last` payloads at its end.
fn steps(probe: &str, payloads: &[Vec<String>], end: bool, key: &[u8]) -> Vec<Step> {
    let mut steps = vec![
        (POLLS, Some(payload(&[&open(r#""websocket""#)]))),
        (POSTS, Some(ok())),
        (TRIED, Some([TwoWay::WebSocket.accept(key), text(probe)].concat())),
        (POLLS, Some(payload(&[CONNECTED, &hello_packet()]))),
    ];
    for packets in payloads {
        let packets: Vec<_> = packets.iter().map(String::as_str).collect();
        let frames: Vec<_> = packets.iter().map(|packet| text(packet)).collect();
        // Chunks end inside of characters too.
        let chunks: Vec<_> = packets.join("\u{1e}").into_bytes().chunks(70).map(chunk).collect();
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        steps.push((POLLS, Some([head, &chunks.concat()[..], LAST_CHUNK].concat())));
        steps.push((POSTS, Some(ok())));
        steps.push((TRIED, Some(frames.concat())));
    }
    steps.extend(end.then_some((POLLS, None)));
    steps
}

/// Takes the steps, as far as the connections of `lane` are there.
fn run(lane: &str, steps: &[Step], split: impl Fn(&[u8]) -> Vec<&[u8]>) -> Outcome {
    let mut script = Script::start(lane, target());
    for (connection, bytes) in steps {
        let there = script.opened.contains(connection) && !script.ended.contains(connection);
        match bytes {
            Some(bytes) if there => split(bytes).into_iter().for_each(|piece| script.feed(*connection, piece)),
            None if there => script.end(*connection),
            _ => {}
        }
    }
    script.finish()
}

/// The key of the upgrade that a driver of `lane` asks for.
fn upgrade(lane: &str) -> Vec<u8> {
    if lane == WEBSOCKET {
        return Script::start(lane, target()).written[&0].clone();
    }
    greeted(BOTH, r#""websocket""#).written[&TRIED].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn sessions_are_the_same_however_their_streams_are_split(
        probe in prop::sample::select(vec!["3probe", "3probe", "3", "6"]),
        payloads in vec(packets(), 0..4),
        end in any::<bool>(),
        byte in option::of((any::<Index>(), any::<Index>(), any::<u8>())),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let mut both = steps(probe, &payloads, end, &upgrade(BOTH));
        let said: Vec<_> = payloads.iter().flatten().map(|packet| text(packet)).collect();
        let first = [open(""), CONNECTED.to_owned(), hello_packet()].map(|packet| text(&packet)).concat();
        let stream = [TwoWay::WebSocket.accept(&upgrade(WEBSOCKET)), first, said.concat()].concat();
        let mut alone = vec![(0, Some(stream))];
        for steps in [&mut both, &mut alone] {
            if let Some((which, at, byte)) = byte && let (_, Some(bytes)) = which.get_mut(steps) {
                damage(bytes, Some(&(at, byte)));
            }
        }
        for (lane, steps) in [(BOTH, &both), (POLLING, &both), (WEBSOCKET, &alone)] {
            let whole = run(lane, steps, |bytes| vec![bytes]);
            prop_assert_eq!(&run(lane, steps, |bytes| pieces(bytes, &cuts)), &whole);
            prop_assert_eq!(&run(lane, steps, |bytes| bytes.chunks(1).collect()), &whole);
        }
    }
}

#[test]
fn a_session_may_be_cut_at_every_byte_and_stopped_anywhere() {
    let (moving, alone) = (upgrade(BOTH), upgrade(WEBSOCKET));
    let payloads = [vec![item(42, 20), "2".to_owned()], vec![event("close", CLOSE), "1".to_owned()]];
    let both = steps("3probe", &payloads, false, &moving);
    let said: Vec<_> = payloads.iter().flatten().map(|packet| text(packet)).collect();
    let first = [open(""), CONNECTED.to_owned(), hello_packet()].map(|packet| text(&packet)).concat();
    let single = vec![(0, Some([TwoWay::WebSocket.accept(&alone), first, said.concat()].concat()))];
    for (lane, steps) in [(BOTH, &both), (POLLING, &both), (WEBSOCKET, &single)] {
        let whole = run(lane, steps, |bytes| vec![bytes]).events;
        for (index, (connection, bytes)) in steps.iter().enumerate() {
            let bytes = bytes.as_ref().unwrap();
            for cut in 0..=bytes.len() {
                for stops in [false, true] {
                    let mut script = Script::start(lane, target());
                    for (connection, bytes) in &steps[..index] {
                        if script.opened.contains(connection) {
                            script.feed(*connection, bytes.as_ref().unwrap());
                        }
                    }
                    if script.opened.contains(connection) {
                        script.feed(*connection, &bytes[..cut]);
                    }
                    if stops {
                        script.stop();
                    }
                    script.end_all();
                    script.assert_every_byte_is_charged_once();
                    let failed = script.events.iter().filter(|event| matches!(event, Event::Failed(_))).count();
                    assert_eq!(failed, usize::from(!script.closed && !stops), "{lane}: step {index} cut after {cut}");
                    let told = script.events.iter().filter(|event| !matches!(event, Event::Failed(_)));
                    assert!(told.zip(&whole).all(|(cut, whole)| cut == whole), "{lane}: a beginning of the whole");
                }
            }
        }
    }
}
