//! The official Socket.IO client, in Node and in a browser: it gets the bytes that were published over every carrier, is
//! answered, and comes back to where it was.

use std::{fs, path::Path};

use fault::Proxy;
use serde_json::json;

use crate::programs::{
    FEED, INSTALL, Lane, Program, Seen, assert_same, curl, head, held, node, payloads, publish, publish_all, serve,
    serve_again,
};

const CARRIERS: [&str; 3] = ["polling", "websocket", "upgrade"];

/// The lanes of the room that [`FEED`] names.
const LANES: [&str; 3] = ["polling lobby", "websocket lobby", "upgrade lobby"];

/// Clients whose server is started anew.
const CROWD: &str = "200";

/// The feed's namespace as Socket.IO writes it.
fn url(origin: &str) -> String {
    format!("{origin}/outside")
}

/// The keys of the control items of the feed, in order: without what the script has told of the carrier.
fn kinds(lane: &Lane) -> Vec<&str> {
    lane.kinds().into_iter().filter(|kind| !["carrier", "pings"].contains(kind)).collect()
}

fn has_told(lane: &Lane, kind: &str) -> bool {
    lane.kinds().contains(&kind)
}

/// Reads on until the one that starts with polling has moved to a WebSocket.
fn read_upgrade(seen: &mut Seen, script: &Program) {
    seen.read(script, &["upgrade lobby"], |lane| has_told(lane, "carrier"));
    assert!(seen.0["upgrade lobby"].controls.contains(&json!({"carrier": "websocket"})));
}

/// Publishes before and during a cut, and reads until every lane has all of it; gives what was published each time.
fn read_over_a_cut(seen: &mut Seen, script: &Program, origin: &str, proxy: &Proxy) -> Vec<String> {
    seen.read(script, &LANES, |lane| has_told(lane, "hello"));
    read_upgrade(seen, script);
    let payloads = payloads();
    publish_all(origin, &payloads);
    seen.read(script, &LANES, |lane| lane.items.len() >= payloads.len());
    proxy.control().cut();
    publish_all(origin, &payloads);
    proxy.control().heal();
    seen.read(script, &LANES, |lane| lane.items.len() >= 2 * payloads.len());
    payloads
}

fn assert_all_same(seen: &Seen, items: &[String]) {
    for lane in LANES {
        assert_same(lane, &seen.0[lane].items, items);
    }
}

#[test]
fn the_official_client_gets_the_same_bytes_over_every_carrier_and_answers_pings() {
    let (_server, origin) = serve(&["--heartbeat", "200ms", "--answer-within", "2s"]);
    let payloads = payloads();
    publish_all(&origin, &payloads);
    let script = node("socketio.mjs", &[&url(&origin), "earliest", "lobby"]);
    let mut seen = Seen::default();
    seen.read(&script, &LANES, |lane| lane.items.len() >= payloads.len() && has_told(lane, "pings"));
    read_upgrade(&mut seen, &script);
    publish_all(&origin, &payloads);
    seen.read(&script, &LANES, |lane| lane.items.len() >= 2 * payloads.len());
    seen.end(script);
    assert_all_same(&seen, &held(&origin));
    for lane in LANES {
        assert_eq!(kinds(&seen.0[lane]), ["hello"], "{lane} stays connected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_misses_and_doubles_nothing_over_a_cut() {
    let (server, origin) = serve(&[]);
    let proxy = Proxy::start(server.origin.address).unwrap();
    let start = head(&origin);
    let script = node("socketio.mjs", &[&url(&format!("http://{}", proxy.address())), &start, "lobby"]);
    let mut seen = Seen::default();
    let payloads = read_over_a_cut(&mut seen, &script, &origin, &proxy);
    publish_all(&origin, &payloads);
    seen.read(&script, &LANES, |lane| lane.items.len() >= 3 * payloads.len());
    seen.end(script);
    assert_all_same(&seen, &held(&origin));
    for lane in LANES {
        assert_eq!(kinds(&seen.0[lane]), ["hello", "hello"], "{lane} was cut once");
    }
}

#[test]
fn the_official_client_is_answered_joins_rooms_and_namespaces_and_goes_offline() {
    let (_server, origin) = serve(&[]);
    for script in CARRIERS.map(|carrier| node("socketio-calls.mjs", &[&origin, carrier])) {
        assert_eq!(script.end(), Vec::<String>::new());
    }
}

#[test]
fn the_official_client_is_told_of_the_end_and_of_the_gap_when_another_server_stands_there() {
    let (first, origin) = serve_again("127.0.0.2:0");
    publish(&origin, "1");
    let script = node("socketio.mjs", &[&url(&origin), "earliest", "lobby", "side"]);
    let both = CARRIERS.map(|carrier| [format!("{carrier} lobby"), format!("{carrier} side")]).concat();
    let both: Vec<_> = both.iter().map(String::as_str).collect();
    let mut seen = Seen::default();
    seen.read(&script, &LANES, |lane| !lane.items.is_empty());
    seen.read(&script, &both, |lane| has_told(lane, "hello"));
    read_upgrade(&mut seen, &script);
    seen.settle(&script);
    first.terminate();
    let (_second, _) = serve_again(origin.trim_start_matches("http://"));
    let start = head(&origin);
    publish(&origin, "2");
    seen.read(&script, &LANES, |lane| lane.items.len() >= 2);
    seen.read(&script, &LANES, |lane| has_told(lane, "gap"));
    // Nobody was anywhere in the side room: `earliest` is no position of the first server.
    seen.read(&script, &both, |lane| kinds(lane).iter().filter(|kind| **kind == "hello").count() >= 2);
    seen.end(script);

    for lane in both {
        let controls: Vec<_> = seen.0[lane].controls.iter().filter(|control| control.get("close").is_some()).collect();
        assert_eq!(controls.len(), 1, "{lane}");
        let close = &controls[0]["close"];
        assert_eq!((&close["code"], &close["reconnect"]), (&json!(3001), &json!(true)), "{lane}");
        assert!(close["retry_after_ms"].as_u64().is_some_and(|retry| retry > 0), "{lane}: {close}");
    }
    let gap = json!({"from": null, "to": null, "missed": null, "reason": "epoch", "position": start});
    for lane in LANES {
        assert_eq!(seen.0[lane].items[1..], held(&origin), "{lane}");
        assert_eq!(kinds(&seen.0[lane]), ["hello", "close", "hello", "gap"], "{lane}");
        assert!(seen.0[lane].controls.contains(&json!({"gap": gap})), "{lane}");
    }
}

#[test]
fn a_crowd_of_official_clients_comes_back_after_a_restart() {
    let (first, origin) = serve_again("127.0.0.2:0");
    publish(&origin, "1");
    let mut wanted = held(&origin);
    let script = node("socketio-crowd.mjs", &[&url(&origin), "lobby", CROWD]);
    let mut seen = Seen::default();
    let told = |kind: &str, count: usize| {
        let control = json!({kind: count});
        move |lane: &Lane| lane.controls.contains(&control)
    };
    seen.read(&script, &["crowd"], told("items", 1));
    first.terminate();
    let (_second, _) = serve_again(origin.trim_start_matches("http://"));
    publish(&origin, "2");
    seen.read(&script, &["crowd"], told("gaps", 1));
    publish(&origin, "3");
    seen.read(&script, &["crowd"], told("items", 3));
    seen.end(script);
    wanted.extend(held(&origin));
    assert_same("crowd", &seen.0["crowd"].items, &wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_same_bytes_with_the_client_that_the_server_hands_out() {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let (server, origin) = serve(&[]);
    let proxy = Proxy::start(server.origin.address).unwrap();
    let start = head(&origin);
    let script = node("browser.mjs", &[&format!("http://{}", proxy.address()), FEED, &start, "socketio"]);
    let mut seen = Seen::default();
    read_over_a_cut(&mut seen, &script, &origin, &proxy);
    seen.end(script);
    assert_all_same(&seen, &held(&origin));
    for lane in LANES {
        assert_eq!(kinds(&seen.0[lane]), ["hello", "hello"], "{lane} was cut once");
    }
}

#[test]
fn the_server_hands_out_the_official_client_as_it_was_published() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = here.join("tests/outsiders/node_modules/socket.io-client");
    let vendored = here.join("../transport/src/socketio/vendor");
    let read =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}: {} {INSTALL}", path.display()));
    let published = |name: &str| -> String {
        let lines = read(&package.join(name));
        lines.split_inclusive('\n').filter(|line| !line.starts_with("//# sourceMappingURL=")).collect()
    };
    let stale = "run just vendor-socketio";
    let (_server, origin) = serve(&[]);
    for name in ["socket.io.js", "socket.io.esm.min.js"] {
        let text = published(&format!("dist/{name}"));
        assert!(read(&vendored.join(name)) == text, "{name} differs: {stale}");
        assert!(curl(&["--fail", &format!("{origin}/socket.io/{name}")]) == text, "{name} is handed out otherwise");
    }
    assert_eq!(read(&vendored.join("LICENSE")), published("LICENSE"), "{stale}");
    let manifest: serde_json::Value = serde_json::from_str(&published("package.json")).unwrap();
    assert_eq!(Some(read(&vendored.join("VERSION")).trim_end()), manifest["version"].as_str(), "{stale}");
}
