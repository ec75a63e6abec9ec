//! Clients that others wrote: curl, the npm packages `ws` and `eventsource`, and a real browser. Each of them gets the bytes
//! that were published, whatever the lane, and comes back to where it was.

use std::{path::Path, time::Duration};

use fault::Proxy;
use serde_json::{Value, json};

use crate::programs::{
    Batch, FEED, INSTALL, Lane, Program, Seen, assert_same, curl, curl_command, head, held, node, payloads, publish,
    publish_all, serve, serve_again,
};

/// How long a request is watched that must not be answered yet.
const HELD: Duration = Duration::from_millis(500);

#[test]
fn curl_polls_and_is_held_until_something_is_published() {
    let (_server, origin) = serve(&[]);
    let payloads = payloads();
    let position = publish_all(&origin, &payloads).pop().unwrap();
    let items = held(&origin);
    assert_eq!(items.len(), payloads.len());
    for (item, data) in items.iter().zip(&payloads) {
        assert!(item.ends_with(&format!(r#","data":{data}}}"#)), "{data} became {item}");
    }
    let long = format!("{origin}{FEED}/long-polling");
    assert_same("long", &Batch::read(&curl(&[&format!("{long}?after=earliest")])).texts(), &items);

    let nothing =
        curl(&["-w", "%{http_code} %header{feed-position} %{time_total}", &format!("{long}?after={position}&wait=1s")]);
    let seconds: f64 =
        nothing.strip_prefix(&format!("204 {position} ")).unwrap_or_else(|| panic!("{nothing}")).parse().unwrap();
    // Jitter takes a tenth at most; a server that had not read `wait` would hold it for 25 s.
    assert!((0.9..20.0).contains(&seconds), "{seconds}");

    let waiting =
        Program::start(&mut curl_command(&["-w", "\n%{http_code}\n", &format!("{long}?after={position}&wait=50s")]));
    assert_eq!(waiting.next_within(HELD), None, "nothing was published");
    let position = publish(&origin, &payloads[0]);
    let body = waiting.next();
    let batch = Batch::read(&body);
    assert_eq!((&batch.position, batch.texts().as_slice()), (&position, &held(&origin)[payloads.len()..]));
    assert_eq!(waiting.end(), ["200"]);
}

/// One event as curl prints it: name, id, data.
fn event(stream: &Program) -> (Option<String>, Option<String>, String) {
    let (mut name, mut id, mut data) = (None, None, None);
    loop {
        let line = stream.next();
        let field = match line.split_once(": ") {
            Some(("event", _)) => &mut name,
            Some(("id", _)) => &mut id,
            Some(("data", _)) => &mut data,
            _ if line.is_empty() => return (name, id, data.expect("an event has data")),
            _ => panic!("no field of ours: {line}"),
        };
        let value = line.split_once(": ").map(|(_, value)| value.to_owned());
        assert_eq!(std::mem::replace(field, value), None, "twice in one event: {line}");
    }
}

#[test]
fn curl_streams_events_and_resumes_in_three_ways() {
    let (_server, origin) = serve(&[]);
    let positions = publish_all(&origin, &payloads());
    let items = held(&origin);
    let stream = format!("{origin}{FEED}/sse");
    let middle = &positions[4];
    for (from, arguments) in [
        (0, vec![format!("{stream}?after=earliest")]),
        (5, vec!["-H".to_owned(), format!("Last-Event-ID: {middle}"), stream.clone()]),
        (5, vec!["-H".to_owned(), format!("Last-Event-ID: {middle}"), format!("{stream}?after=earliest")]),
        (5, vec![format!("{stream}?last_event_id={middle}")]),
        (5, vec![format!("{stream}?lastEventId={middle}")]),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let stream = Program::start(&mut curl_command(&arguments));
        let (name, id, data) = event(&stream);
        let hello: Value = serde_json::from_str(&data).unwrap();
        assert_eq!((name.as_deref(), hello["hello"]["position"].as_str()), (Some("hello"), id.as_deref()));
        for (position, item) in positions.iter().zip(&items).skip(from) {
            assert_eq!(event(&stream), (None, Some(position.clone()), item.clone()), "{arguments:?}");
        }
    }
}

#[test]
fn the_ws_package_reads_publishes_resumes_and_is_told_what_it_broke() {
    let (server, origin) = serve(&["--heartbeat", "200ms", "--answer-within", "2s"]);
    let count = publish_all(&origin, &payloads()).len();
    let url = format!("ws://{}{FEED}/websocket", server.origin.authority);
    let mut seen = Seen::default();
    seen.end(node("ws.mjs", &[&url, &count.to_string()]));
    let items = held(&origin);
    assert_eq!(items.len(), count + 1, "one was published by the script, and nothing of what broke a rule");
    assert_same("read", &seen.0["read"].items, &items);
    assert_same("resumed", &seen.0["resumed"].items, &items[count / 2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eventsource_package_misses_and_doubles_nothing_over_a_cut() {
    let (server, origin) = serve(&[]);
    let proxy = Proxy::start(server.origin.address).unwrap();
    let url = format!("http://{}{FEED}/sse", proxy.address());
    let script = node("eventsource.mjs", &[&url]);
    let mut seen = Seen::default();
    seen.read(&script, &["sse"], |lane| !lane.controls.is_empty());
    let payloads = payloads();
    publish_all(&origin, &payloads);
    seen.read(&script, &["sse"], |lane| lane.items.len() >= payloads.len());
    proxy.control().cut();
    publish_all(&origin, &payloads);
    proxy.control().heal();
    seen.read(&script, &["sse"], |lane| lane.items.len() >= 2 * payloads.len());
    publish_all(&origin, &payloads);
    seen.read(&script, &["sse"], |lane| lane.items.len() >= 3 * payloads.len());
    seen.end(script);
    assert_same("sse", &seen.0["sse"].items, &held(&origin));
    assert_eq!(seen.0["sse"].kinds(), ["hello", "hello"], "it was cut once");
}

#[test]
fn the_eventsource_package_is_told_the_gap_when_another_server_stands_there() {
    let (first, origin) = serve_again("127.0.0.2:0");
    publish(&origin, "1");
    let script = node("eventsource.mjs", &[&format!("{origin}{FEED}/sse?after=earliest")]);
    let mut seen = Seen::default();
    seen.read(&script, &["sse"], |lane| !lane.items.is_empty());
    drop(first);
    let (_second, _) = serve_again(origin.trim_start_matches("http://"));
    let start = head(&origin);
    publish(&origin, "2");
    seen.read(&script, &["sse"], |lane| lane.items.len() >= 2);
    seen.end(script);
    let lane = &seen.0["sse"];
    assert_eq!(lane.items[1..], held(&origin));
    assert_eq!(lane.kinds(), ["hello", "hello", "gap"]);
    let gap = json!({"from": null, "to": null, "missed": null, "reason": "epoch", "position": start});
    assert_eq!(lane.controls[2]["gap"], gap);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_same_bytes_on_every_lane_and_resumes_over_a_cut() {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let (server, origin) = serve(&[]);
    let proxy = Proxy::start(server.origin.address).unwrap();
    let start = head(&origin);
    let script = node("browser.mjs", &[&format!("http://{}", proxy.address()), FEED, &start]);
    let mut seen = Seen::default();
    let streams = ["sse", "websocket"];
    let lanes = ["sse", "websocket", "short-polling", "long-polling"];
    seen.read(&script, &streams, |lane| !lane.controls.is_empty());

    let fifty: Vec<_> = payloads().into_iter().cycle().take(50).collect();
    publish_all(&origin, &fifty[..20]);
    seen.read(&script, &lanes, |lane| lane.items.len() >= 20);
    proxy.control().cut();
    publish_all(&origin, &fifty[20..40]);
    proxy.control().heal();
    seen.read(&script, &streams, |lane| lane.controls.len() >= 2);
    publish_all(&origin, &fifty[40..]);
    seen.read(&script, &lanes, |lane| lane.items.len() >= 50);
    seen.end(script);

    let items = held(&origin);
    assert_eq!(items.len(), 50);
    for lane in lanes {
        assert_same(lane, &seen.0[lane].items, &items);
    }
    for lane in streams {
        assert_eq!(seen.0[lane].kinds(), ["hello", "hello"], "{lane} was cut once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_halves_hand_over_the_same_bytes_and_tell_of_the_end() {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let (server, origin) = serve(&[]);
    publish_all(&origin, &payloads());
    let items = held(&origin);
    let script = node("browser.mjs", &[&origin, FEED, "earliest", "modules"]);
    let mut seen = Seen::default();
    let offered = transport::ALL.iter().filter(|spec| spec.browser_module.is_some());
    let lanes: Vec<String> = offered.map(|spec| format!("module {}", spec.id)).collect();
    let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
    seen.read(&script, &lanes, |lane| lane.items.len() >= items.len());
    for lane in &lanes {
        assert_same(lane, &seen.0[*lane].items, &items);
    }
    server.terminate();
    let told = |lane: &Lane| lane.controls.iter().any(|control| control["close"]["code"] == 3001);
    seen.read(&script, &lanes, told);
    seen.end(script);
}
