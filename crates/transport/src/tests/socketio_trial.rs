//! The driver of Socket.IO on its way from polls to a WebSocket: when it moves, what it tells when, and that whatever goes
//! wrong leaves the session where it is.

use std::time::Duration;

use measure::{Category, Direction};
use wire::websocket::Opcode;

use super::{
    START, Script,
    polling::requests,
    publishing::{acked, posts},
    servers::{CLOSE, TwoWay, frame, gap, problem, sized},
    socketio_servers::{
        BOTH, CONNECTED, POLLS, POSTS, TRIED, accept, event, exchange, frames, greeted, hello_packet, item, ok, open,
        payload, ready_event, text, texts,
    },
    target,
};
use crate::{DriverError, Event};

const OFFER: &str = r#""websocket""#;

/// A session whose hello is there, and whose WebSocket has given the probe back.
fn pausing() -> Script {
    let mut script = greeted(BOTH, OFFER);
    accept(&mut script, TRIED);
    script.feed(TRIED, &text("3probe"));
    script
}

/// A subscription that has moved to its WebSocket.
fn moved() -> Script {
    let mut script = pausing();
    script.feed(POLLS, &payload(&["6"]));
    script.take_events();
    script
}

/// The bodies of all posts.
fn bodies(script: &Script) -> Vec<String> {
    posts(script.written_since(POSTS, 0)).into_iter().map(|(_, body)| body).collect()
}

fn assert_all_is_handshake(script: &Script) {
    for direction in [Direction::Up, Direction::Down] {
        let categories: Vec<_> = script.charges(direction).into_iter().map(|(category, _)| category).collect();
        assert_eq!(categories, [Category::Handshake]);
    }
}

#[test]
fn an_open_session_tries_a_websocket_out_beside_its_polls() {
    let mut script = Script::start(BOTH, target());
    script.feed(POLLS, &payload(&[&open(OFFER)]));
    assert_eq!(script.opened, [POLLS, POSTS, TRIED]);
    assert_eq!(requests(&script, TRIED), ["GET /socket.io/?EIO=4&transport=websocket&sid=abc HTTP/1.1"]);
    assert_eq!(requests(&script, POLLS).len(), 2);
    accept(&mut script, TRIED);
    assert_eq!(frames(&script, TRIED), texts(&["2probe"]));
}

#[test]
fn the_session_moves_when_the_last_poll_and_every_post_are_answered() {
    let mut script = greeted(BOTH, OFFER);
    assert_eq!(script.take_events(), [exchange(0), exchange(0)]);
    accept(&mut script, TRIED);
    // Its pong is a post.
    script.feed(POLLS, &payload(&["2"]));
    let polls = requests(&script, POLLS).len();
    script.feed(TRIED, &text("3probe"));
    script.feed(POLLS, &payload(&["6"]));
    assert_eq!(requests(&script, POLLS).len(), polls, "polling pauses");
    assert_eq!(script.take_events(), [exchange(0), exchange(0)], "the pong is not answered");
    assert_eq!(frames(&script, TRIED), texts(&["2probe"]));
    script.feed(POSTS, &ok());
    assert_eq!(frames(&script, TRIED), texts(&["2probe", "5"]));
    assert_eq!(script.take_events(), [ready_event()]);
    assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&POLLS, &POSTS]);
    assert_all_is_handshake(&script);

    script.end(POLLS);
    script.end(POSTS);
    script.feed(TRIED, &[text(&item(42, 9)), text("2")].concat());
    script.publish("message", "1", 7);
    script.feed(TRIED, &text(r#"43/chat,7[{"position":"e.43"}]"#));
    assert!(matches!(&script.take_events()[..], [Event::Delivery(_), told] if *told == acked(7, "e.43")));
    let publish = r#"42/chat,7["publish",{"room":"lobby","event":"message","data":1}]"#;
    assert_eq!(frames(&script, TRIED), texts(&["2probe", "5", "3", publish]));
    assert_eq!(script.opened, [POLLS, POSTS, TRIED]);
    script.end(TRIED);
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn what_comes_before_the_move_is_told_after_it_in_order_and_is_handshake() {
    let mut script = greeted(BOTH, OFFER);
    script.feed(POLLS, &payload(&[&item(42, 9), &event("gap", &gap(43, 44))]));
    accept(&mut script, TRIED);
    script.feed(TRIED, &text("3probe"));
    script.take_events();
    script.feed(POLLS, &payload(&[&item(45, 9)]));
    let events = script.take_events();
    let [Event::Exchange { carried: 1 }, ready, Event::Delivery(first), Event::Gap(gap), Event::Delivery(last)] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((ready, first.offset, gap.to, last.offset), (&ready_event(), 42, Some(44), 45));
    assert_all_is_handshake(&script);
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_hello_that_comes_after_the_move_is_the_one_that_is_told() {
    let mut script = Script::start(BOTH, target());
    script.feed(POLLS, &payload(&[&open(OFFER)]));
    script.feed(POSTS, &ok());
    accept(&mut script, TRIED);
    script.feed(TRIED, &text("3probe"));
    script.feed(POLLS, &payload(&["6"]));
    script.feed(TRIED, &text(CONNECTED));
    assert_eq!(script.take_events(), [exchange(0), exchange(0)]);
    script.feed(TRIED, &text(&hello_packet()));
    assert_eq!(script.take_events(), [ready_event()]);
    assert_all_is_handshake(&script);
}

#[test]
fn a_ping_that_ends_the_last_poll_is_answered_over_the_websocket() {
    let mut script = pausing();
    script.feed(POLLS, &payload(&["2"]));
    assert_eq!(frames(&script, TRIED), texts(&["2probe", "5", "3"]));
    assert_eq!(bodies(&script).len(), 1);
    assert_all_is_handshake(&script);
}

#[test]
fn a_server_that_offers_no_websocket_is_asked_for_none() {
    let mut script = greeted(BOTH, "");
    assert_eq!(script.take_events(), [exchange(0), exchange(0), ready_event()]);
    assert_eq!(script.opened, [POLLS, POSTS]);
}

/// What a failed trial leaves: a ready subscription over polls, which asks on and tries no more.
fn assert_polls_go_on(mut script: Script, what: &str) {
    let told = script.take_events();
    assert!(told.contains(&ready_event()), "{what}: {told:?}");
    if !script.ended.contains(&TRIED) {
        assert!(script.shut.contains(&TRIED), "{what}");
        script.feed(TRIED, b"and what was on its way");
        script.end(TRIED);
    }
    let categories = |direction| script.charges_on(TRIED, direction).into_iter().map(|(category, _)| category);
    assert!(
        categories(Direction::Down).chain(categories(Direction::Up)).all(|category| category == Category::Handshake)
    );
    assert_eq!(script.take_events(), []);
    script.feed(POLLS, &payload(&[&item(42, 9)]));
    assert!(matches!(script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]), "{what}");
    script.publish("message", "1", 7);
    script.feed(POSTS, &ok());
    assert_eq!(script.opened, [POLLS, POSTS, TRIED]);
    script.end_all();
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_websocket_that_cannot_be_had_leaves_the_session_with_its_polls() {
    let wrong = TwoWay::WebSocket.accept(b"Sec-WebSocket-Key: another\r\n");
    for (what, bytes) in [
        ("nothing", None),
        ("a refusal", Some(problem(400, None))),
        ("a refusal with a code", Some(problem(503, Some(3001)))),
        ("another key", Some(wrong)),
        ("no HTTP", Some(b"SSH-2.0-x\r\n\r\n".to_vec())),
    ] {
        let mut script = greeted(BOTH, OFFER);
        match bytes {
            None => script.end(TRIED),
            Some(bytes) => script.feed(TRIED, &bytes),
        }
        assert_polls_go_on(script, what);
    }
}

#[test]
fn a_websocket_that_answers_the_probe_with_something_else_leaves_the_session_with_its_polls() {
    for bytes in [
        text("3"),
        text("3probes"),
        text("2probe"),
        text("6"),
        text(&hello_packet()),
        text("nonsense"),
        frame(Opcode::Binary, b"3probe"),
        frame(Opcode::Close, b""),
        b"\xC1\x00".to_vec(),
        b"\x81\x84maskmask".to_vec(),
    ] {
        let mut script = greeted(BOTH, OFFER);
        accept(&mut script, TRIED);
        script.feed(TRIED, &bytes);
        assert_polls_go_on(script, &format!("{bytes:?}"));
    }
    let mut script = greeted(BOTH, OFFER);
    accept(&mut script, TRIED);
    script.end(TRIED);
    assert_polls_go_on(script, "the end");
}

#[test]
fn a_websocket_that_fails_while_polling_pauses_sets_it_going_again() {
    for poll_is_answered in [false, true] {
        for bytes in [Some(text("6")), Some(frame(Opcode::Close, b"")), None] {
            let mut script = greeted(BOTH, OFFER);
            accept(&mut script, TRIED);
            if poll_is_answered {
                // A pong without an answer holds the move back, then a ping cannot be answered.
                script.feed(POLLS, &payload(&["2"]));
            }
            script.feed(TRIED, &text("3probe"));
            if poll_is_answered {
                script.feed(POLLS, &payload(&["2"]));
            }
            let polls = requests(&script, POLLS).len();
            match &bytes {
                None => script.end(TRIED),
                Some(bytes) => script.feed(TRIED, bytes),
            }
            assert_eq!(requests(&script, POLLS).len(), polls + usize::from(poll_is_answered));
            let pongs = bodies(&script).iter().filter(|body| *body == "3").count();
            assert_eq!(pongs, if poll_is_answered { 2 } else { 0 });
            (0..pongs).for_each(|_| script.feed(POSTS, &ok()));
            assert_polls_go_on(script, &format!("{bytes:?} with {poll_is_answered}"));
        }
    }
}

#[test]
fn a_trial_that_takes_too_long_has_failed() {
    for stage in 0..3 {
        let mut script = greeted(BOTH, OFFER);
        if stage > 0 {
            accept(&mut script, TRIED);
        }
        if stage > 1 {
            script.feed(TRIED, &text("3probe"));
        }
        assert_eq!(script.timer, Some(START + Duration::from_secs(10)));
        script.fire();
        assert_polls_go_on(script, "ten seconds");
    }
}

#[test]
fn a_poll_that_loses_its_connection_while_polling_pauses_ends_the_session() {
    let mut script = pausing();
    script.end(POLLS);
    assert!(matches!(script.take_events()[..], [.., Event::Failed(DriverError::Lost)]));
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_end_before_the_move_is_told_after_what_came_before_it() {
    let mut script = greeted(BOTH, OFFER);
    script.take_events();
    script.feed(POLLS, &payload(&[&item(42, 9), &event("close", CLOSE), &item(43, 9)]));
    let events = script.take_events();
    let [Event::Exchange { carried: 2 }, ready, Event::Delivery(_), Event::Closed(_), Event::Delivery(_)] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*ready, ready_event());
    assert_eq!(script.shut.len(), 3);
    accept(&mut script, TRIED);
    script.end_all();
    assert_eq!(script.take_events(), []);
    script.assert_every_byte_is_charged_once();

    let mut script = pausing();
    script.feed(POLLS, &payload(&[&item(42, 9), "1"]));
    assert!(matches!(
        script.take_events()[2..],
        [Event::Exchange { carried: 1 }, Event::Ready(_), Event::Delivery(_), Event::Failed(DriverError::Lost)]
    ));
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_client_that_stops_during_the_trial_leaves_over_its_posts() {
    for answers in 0..3 {
        let mut script = greeted(BOTH, OFFER);
        if answers > 0 {
            accept(&mut script, TRIED);
        }
        if answers > 1 {
            script.feed(TRIED, &text("3probe"));
        }
        script.stop();
        assert_eq!(bodies(&script)[1..], ["41/chat,"]);
        assert_eq!(script.shut.iter().collect::<Vec<_>>(), [&TRIED]);
        script.feed(POLLS, &payload(&["6"]));
        script.feed(POSTS, &ok());
        assert_eq!(bodies(&script)[1..], ["41/chat,", "1"]);
        script.feed(POSTS, &ok());
        assert_eq!(script.shut.len(), 3);
        script.end_all();
        assert!(!script.take_events().iter().any(|event| matches!(event, Event::Failed(_))));
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn what_the_old_connections_bring_after_the_move_is_carried_and_not_understood() {
    let mut script = moved();
    script.feed(POLLS, &payload(&[&event("message", &sized(42, 9))]));
    script.feed(POSTS, b"HTTP/1.1");
    script.end(POLLS);
    script.end(POSTS);
    assert_eq!(script.take_events(), []);
    script.feed(TRIED, &text(&item(42, 9)));
    assert!(matches!(script.take_events()[..], [Event::Delivery(_)]));
    script.end(TRIED);
    script.assert_every_byte_is_charged_once();
}
