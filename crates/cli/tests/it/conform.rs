//! `feedbench conform`: it says nothing about a server that keeps the contract, and names what a broken one breaks.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    process::{Command, Output},
    time::Duration,
};

use conformance::PROMISES;
use hub::Limits;
use serde_json::Value;
use server::{Config, Server};
use testkit::{
    broken::{
        self, Fault,
        meddler::{self, Change, Meddling},
    },
    process::ServerProcess,
};

use crate::{binary, text};

/// What makes a server show in seconds what takes minutes by default. 2 s to answer: a pong that goes byte by byte on a busy
/// machine takes more than one.
const QUICK: [&str; 4] = ["--heartbeat", "1s", "--answer-within", "2s"];

/// What cannot be seen of this server even so: nothing is held for a lane between two polls, and who asks has no heartbeat.
const NOT_APPLICABLE: [(&str, &str); 3] = [
    ("dead_client_is_noticed", "short-polling"),
    ("dead_server_is_noticed", "short-polling"),
    ("dead_server_is_noticed", "long-polling"),
];

/// Promises about time, which take longest and which no changed answer can break.
const ABOUT_TIME: [&str; 3] = ["dead_client_is_noticed", "dead_server_is_noticed", "server_drain_is_announced"];

/// Promises that are about people: whom something is for, who says it, and what a server answers to anybody.
const ABOUT_PEOPLE: [&str; 7] = [
    "acks_carry_positions",
    "retries_do_not_double",
    "echo_false_skips_the_sender",
    "direct_reaches_only_its_target",
    "namespaces_do_not_leak",
    "origin_rules_hold",
    "bad_input_is_answered",
];

/// A lane without a fault.
const WHOLE: &str = "websocket";

fn conform(arguments: &[&str]) -> Output {
    Command::new(binary()).arg("conform").args(arguments).output().unwrap()
}

fn cells(output: &Output) -> Vec<Value> {
    let printed = text(&output.stdout);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}{}", text(&output.stderr)))
}

/// The `(promise, lane)` of cells with this outcome.
fn that_are(outcome: &str, cells: &[Value]) -> BTreeSet<(String, String)> {
    let name = |cell: &Value, key: &str| cell[key].as_str().unwrap().to_owned();
    let found = cells.iter().filter(|cell| cell["outcome"] == outcome);
    found.map(|cell| (name(cell, "promise"), name(cell, "lane"))).collect()
}

fn named(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    pairs.iter().map(|(promise, lane)| ((*promise).to_owned(), (*lane).to_owned())).collect()
}

#[test]
fn the_server_keeps_every_promise_on_every_lane() {
    let mut server = ServerProcess::start(binary(), &QUICK);
    let (url, pid) = (format!("http://{}", server.origin.authority), server.pid().to_string());
    let output = conform(&[&url, "--pid", &pid, "--format", "json"]);
    let cells = cells(&output);
    assert_eq!(that_are("broken", &cells), named(&[]), "{cells:#?}");
    assert_eq!(that_are("not_applicable", &cells), named(&NOT_APPLICABLE), "{cells:#?}");
    assert_eq!(output.status.code(), Some(0));
    let (status, _) = server.ended(Duration::from_secs(5));
    assert!(status.success(), "{status}");

    let lanes: Vec<String> = transport::lane::standard(transport::ALL).iter().map(ToString::to_string).collect();
    let all = PROMISES.iter().flat_map(|promise| lanes.iter().map(|lane| (promise.name, lane.as_str())));
    let all: Vec<_> = all.collect();
    let printed: Vec<_> =
        cells.iter().map(|cell| (cell["promise"].as_str().unwrap(), cell["lane"].as_str().unwrap())).collect();
    assert_eq!(printed, all, "every promise on every lane, in the order of the lists");
    assert!(cells.iter().all(|cell| !cell["detail"].as_str().unwrap().is_empty()), "{cells:#?}");
}

/// A server in this process, for as long as its runtime lives.
fn serve(catalog: &'static [transport::Spec], change: impl FnOnce(&mut Config)) -> SocketAddr {
    let limits = Limits { drain_spread: Duration::from_millis(50), ..Limits::default() };
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), limits, catalog);
    change(&mut config);
    let server = Server::bind(config).unwrap();
    let address = server.addresses()[0];
    tokio::spawn(server.run(std::future::pending()));
    address
}

/// Checks these promises on `lane` and on one without a fault: exactly `broken` must be broken, on `lane` alone.
async fn breaks(server: SocketAddr, lane: &'static str, checked: &[&str], broken: &[&str]) {
    let (url, only) = (format!("http://{server}"), checked.join(","));
    let output = tokio::task::spawn_blocking(move || {
        conform(&[&url, "--lanes", &[lane, WHOLE].join(","), "--only", &only, "--format", "json"])
    });
    let output = output.await.unwrap();
    let cells = cells(&output);
    let due: Vec<_> = broken.iter().map(|promise| (*promise, lane)).collect();
    assert_eq!(that_are("broken", &cells), named(&due), "{lane}: {cells:#?}");
    assert_eq!(output.status.code(), Some(1));
}

/// Checks a server in this process whose one lane has the fault, which must break exactly these promises, there alone.
async fn finds(lane: &'static str, fault: Fault, promises: &[&str]) {
    let server = serve(broken::catalog(lane, fault), |_| {});
    let checked = PROMISES.iter().map(|promise| promise.name).filter(|name| !ABOUT_TIME.contains(name));
    breaks(server, lane, &checked.collect::<Vec<_>>(), promises).await;
}

/// Checks a server in this process through a proxy that meddles with one lane.
async fn finds_meddling(lane: &'static str, meddling: Meddling, checked: &[&str], promises: &[&str]) {
    let server = serve(transport::ALL, |_| {});
    breaks(meddler::start(server, meddling).await, lane, checked, promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_that_are_left_out_are_found() {
    let promises = [
        "delivers_each_once",
        "nothing_between_hello_and_first",
        "resumes_after_cut",
        "switches_transport_without_loss",
        "tells_of_gaps",
        "payloads_survive",
        "many_subscribers_agree",
        "slow_reader_does_not_slow_others",
        // Of which the last publication is the seventh, and left out.
        "direct_reaches_only_its_target",
    ];
    finds(broken::ASKING, Fault::Skip, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_that_come_twice_are_found() {
    let promises = [
        "delivers_each_once",
        "nothing_between_hello_and_first",
        "resumes_after_cut",
        "switches_transport_without_loss",
        "tells_of_gaps",
        "payloads_survive",
        "many_subscribers_agree",
        "slow_reader_does_not_slow_others",
    ];
    finds(broken::ASKING, Fault::Repeat, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_out_of_order_are_found() {
    let promises = [
        "delivers_in_order",
        "nothing_between_hello_and_first",
        "resumes_after_cut",
        "switches_transport_without_loss",
        "tells_of_gaps",
        "payloads_survive",
        "many_subscribers_agree",
        "slow_reader_does_not_slow_others",
    ];
    finds(broken::ASKING, Fault::Reorder, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_that_are_not_told_are_found() {
    finds(broken::ASKING, Fault::DropGap, &["tells_of_gaps", "rejects_foreign_epoch_with_gap"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_epoch_that_is_passed_over_is_found() {
    finds(broken::ASKING, Fault::SilentEpoch, &["rejects_foreign_epoch_with_gap"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_pushed_twice_are_found() {
    let promises = [
        "delivers_each_once",
        "nothing_between_hello_and_first",
        "resumes_after_cut",
        "switches_transport_without_loss",
        "tells_of_gaps",
        "payloads_survive",
        "many_subscribers_agree",
        "slow_reader_does_not_slow_others",
    ];
    finds(broken::PUSHED, Fault::Repeat, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_that_are_not_pushed_are_found() {
    finds(broken::PUSHED, Fault::DropGap, &["tells_of_gaps", "rejects_foreign_epoch_with_gap"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_tells_what_is_for_others_is_found() {
    let promises = ["echo_false_skips_the_sender", "direct_reaches_only_its_target"];
    finds(broken::ASKING, Fault::Everything, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_never_leaves_is_found() {
    finds(broken::PUSHED, Fault::Stays, &["presence_sees_every_lane"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_that_keeps_others_waiting_is_found() {
    finds(broken::PUSHED, Fault::InTurn, &["slow_reader_does_not_slow_others"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_does_not_look_who_asks_is_found() {
    let meddling =
        Meddling { up: |bytes| meddler::replace(bytes, "\r\nCookie: ", "\r\nXookie: "), ..Meddling::with("/sse") };
    let promises = ["echo_false_skips_the_sender", "direct_reaches_only_its_target", "presence_sees_every_lane"];
    finds_meddling("sse", meddling, &[&ABOUT_PEOPLE[..], &["presence_sees_every_lane"]].concat(), &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uplink_that_passes_over_a_wish_is_found() {
    let faults: [(Change, &str); 3] = [
        (|bytes| meddler::replace(bytes, r#""echo":false"#, r#""echo":true "#), "echo_false_skips_the_sender"),
        (meddler::lose_target, "direct_reaches_only_its_target"),
        (meddler::forget_keys, "retries_do_not_double"),
    ];
    for (up, promise) in faults {
        finds_meddling("raw", Meddling { up, ..Meddling::with("/raw") }, &ABOUT_PEOPLE, &[promise]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_mixes_namespaces_up_is_found() {
    let meddling = Meddling { up: |bytes| meddler::replace(bytes, ".b/", ".a/"), ..Meddling::with("/raw") };
    finds_meddling("raw", meddling, &ABOUT_PEOPLE, &["namespaces_do_not_leak"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_open_to_foreign_pages_is_found() {
    let faults: [Change; 2] = [
        |bytes| meddler::replace(bytes, "\r\nOrigin: ", "\r\nXrigin: "),
        |bytes| meddler::replace(bytes, "\r\nSec-Fetch-Site: ", "\r\nXec-Fetch-Site: "),
    ];
    for up in faults {
        finds_meddling("sse", Meddling { up, ..Meddling::with("/sse") }, &ABOUT_PEOPLE, &["origin_rules_hold"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_a_foreign_page_in_is_found_on_every_lane() {
    let server = serve(transport::ALL, |config| config.allowed_origins = vec!["http://stranger.invalid".to_owned()]);
    let output = tokio::task::spawn_blocking(move || {
        conform(&[&format!("http://{server}"), "--only", "origin_rules_hold", "--format", "json"])
    });
    let cells = cells(&output.await.unwrap());
    assert!(cells.iter().all(|cell| cell["outcome"] == "broken"), "{cells:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn acks_of_wrong_positions_are_found() {
    let meddling = Meddling { down: meddler::wrong_acks, ..Meddling::with("/raw") };
    finds_meddling("raw", meddling, &["acks_carry_positions"], &["acks_carry_positions"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_that_is_answered_as_if_it_were_good_is_found() {
    let down: Change = |bytes| meddler::replace(bytes, "HTTP/1.1 400 Bad Request", "HTTP/1.1 200 OK         ");
    finds_meddling("sse", Meddling { down, ..Meddling::with("/sse") }, &ABOUT_PEOPLE, &["bad_input_is_answered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_sessions_is_not_asked_for_what_needs_them() {
    let meddling = Meddling {
        up: |bytes| meddler::replace(bytes, "POST /session ", "POST /nothing "),
        ..Meddling::with("POST /session ")
    };
    let server = meddler::start(serve(transport::ALL, |_| {}), meddling).await;
    let need = ["direct_reaches_only_its_target", "echo_false_skips_the_sender", "presence_sees_every_lane"];
    let only = [&need[..], &["retries_do_not_double"]].concat().join(",");
    let output = tokio::task::spawn_blocking(move || {
        conform(&[&format!("http://{server}"), "--lanes", "raw", "--only", &only, "--format", "json"])
    });
    let cells = cells(&output.await.unwrap());
    assert_eq!(that_are("not_applicable", &cells), named(&need.map(|promise| (promise, "raw"))), "{cells:#?}");
    assert_eq!(that_are("kept", &cells), named(&[("retries_do_not_double", "raw")]), "{cells:#?}");
}

#[test]
fn a_server_that_takes_too_much_waits_too_long_and_ends_for_nobody_is_found() {
    let server =
        ServerProcess::start(binary(), &["--data-bytes", "100000", "--heartbeat", "1s", "--answer-within", "60s"]);
    let url = format!("http://{}", server.origin.authority);
    // Told to stop in the server's place.
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let only = "oversize_is_refused,dead_client_is_noticed,server_drain_is_announced";
    let pid = other.id().to_string();
    let output = conform(&[&url, "--lanes", "sse,raw", "--only", only, "--pid", &pid, "--format", "json"]);
    let cells = cells(&output);
    let broken = [
        ("oversize_is_refused", "sse"),
        ("oversize_is_refused", "raw"),
        ("dead_client_is_noticed", "raw"),
        ("server_drain_is_announced", "sse"),
        ("server_drain_is_announced", "raw"),
    ];
    assert_eq!(that_are("broken", &cells), named(&broken), "{cells:#?}");
    assert!(!other.wait().unwrap().success(), "it got the signal");
}

#[test]
fn the_text_has_a_column_a_lane_and_a_line_a_promise() {
    let server = ServerProcess::start(binary(), &[]);
    let url = format!("http://{}", server.origin.authority);
    let output = conform(&[&url, "--lanes", "raw,websocket", "--only", "delivers_in_order,dead_server_is_noticed"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[..3],
        [vec!["raw", "websocket"], vec!["delivers_in_order", "kept", "kept"], vec!["dead_server_is_noticed", "-", "-"],]
    );
    assert_eq!(printed.matches("a heartbeat of 25 s").count(), 1, "{printed}");
}

#[test]
fn wrong_usage_of_conform_is_one_line_and_exit_2() {
    for (arguments, says) in [
        (&["http://127.0.0.1:1"][..], "http://127.0.0.1:1"),
        (&["127.0.0.1:80"], "http://HOST:PORT"),
        (&["http://127.0.0.1:1", "--lanes", "carrier-pigeon"], "websocket"),
        (&["http://127.0.0.1:1", "--lanes", "raw,raw"], "twice"),
        (&["http://127.0.0.1:1", "--only", "delivers_pizza"], "delivers_in_order"),
        (&["http://127.0.0.1:1", "--pid", "0"], "--pid"),
        (&["http://127.0.0.1:1", "--pid", "999999999"], "999999999"),
        (&[], "URL"),
    ] {
        let output = conform(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.starts_with("feedbench: ") && error.contains(says), "{arguments:?}: {error}");
        assert_eq!(text(&output.stdout), "");
    }
}
