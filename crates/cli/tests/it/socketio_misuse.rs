//! Engine.IO and Socket.IO by hand: what breaks their rules is answered or ended, and leaves nothing behind.

use std::time::Duration;

use measure::{Mono, clock};
use serde_json::{Value, json};

use crate::programs::{FEED, Lane, Seen, node, serve};

/// By how much refused namespaces may let the server grow, in KiB.
const MOST_GROWN_KIB: i64 = 2 * 1024;

#[test]
fn broken_rules_are_answered_or_end_the_session() {
    let (_server, origin) = serve(&[]);
    assert_eq!(node("socketio-misuse.mjs", &["breakRules", &origin]).end(), Vec::<String>::new());
}

#[test]
fn thousands_of_refused_namespaces_leave_nothing_behind() {
    let (server, origin) = serve(&[]);
    let mut seen = Seen::default();
    seen.end(node("socketio-misuse.mjs", &["flood", &origin, &server.pid().to_string()]));
    let grown = seen.0["flood"].controls[0]["grown_kib"].as_i64().unwrap();
    assert!(grown < MOST_GROWN_KIB, "{grown} KiB");
}

#[test]
fn who_answers_no_ping_is_cut_on_either_carrier() {
    let (_server, origin) = serve(&["--heartbeat", "200ms", "--answer-within", "300ms"]);
    assert_eq!(node("socketio-misuse.mjs", &["beSilent", &origin]).end(), Vec::<String>::new());
}

#[test]
fn who_stops_reading_is_cut_within_its_time() {
    let (server, origin) = serve(&["--slow-writer", "1s", "--user-timeout", "60s"]);
    let script = node("socketio-misuse.mjs", &["stall", &origin]);
    let mut seen = Seen::default();
    seen.read(&script, &["stall"], |lane: &Lane| !lane.controls.is_empty());
    let body = json!({"event": "message", "data": "x".repeat(60_000)}).to_string();
    let deadline = Mono::now() + Duration::from_mins(1);
    loop {
        server.request("POST", &format!("{FEED}/messages"), &body);
        let rooms: Value = serde_json::from_str(&server.request("GET", "/v1/outside", "").2).unwrap();
        if rooms["rooms"][0]["subscribers"] == 0 {
            break;
        }
        assert!(Mono::now() < deadline, "still there: {rooms}");
        clock::sleep_until(Mono::now() + Duration::from_millis(20));
    }
    seen.end(script);
}
