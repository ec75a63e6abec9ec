//! `feedbench conform`: it says nothing about a server that keeps the contract, and names what a broken one breaks.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    time::Duration,
};

use conformance::PROMISES;
use hub::Limits;
use serde_json::Value;
use server::{Config, Server};
use testkit::{
    broken::{self, Fault},
    process::ServerProcess,
};

use crate::{binary, text};

/// What makes a server show in seconds what takes minutes by default.
const QUICK: [&str; 4] = ["--heartbeat", "1s", "--answer-within", "1s"];

/// What cannot be seen of this server even so: nothing is held for a lane between two polls, and who asks has no heartbeat.
const NOT_APPLICABLE: [(&str, &str); 3] = [
    ("dead_client_is_noticed", "short-polling"),
    ("dead_server_is_noticed", "short-polling"),
    ("dead_server_is_noticed", "long-polling"),
];

/// Promises about time, which take longest and which no changed answer can break.
const ABOUT_TIME: [&str; 3] = ["dead_client_is_noticed", "dead_server_is_noticed", "server_drain_is_announced"];

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

/// Checks a server in this process whose one lane has the fault, which must break exactly these promises, there alone.
async fn finds(lane: &'static str, fault: Fault, promises: &[&str]) {
    let limits = Limits { drain_spread: Duration::from_millis(50), ..Limits::default() };
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        limits,
        catalog: broken::catalog(lane, fault),
        test_endpoints: false,
    };
    let server = Server::bind(config).unwrap();
    let url = format!("http://{}", server.address());
    let running = tokio::spawn(server.run(std::future::pending()));
    let output = tokio::task::spawn_blocking(move || {
        let checked = PROMISES.iter().map(|promise| promise.name).filter(|name| !ABOUT_TIME.contains(name));
        let only = checked.collect::<Vec<_>>().join(",");
        conform(&[&url, "--lanes", &[lane, WHOLE].join(","), "--only", &only, "--format", "json"])
    });
    let output = output.await.unwrap();
    running.abort();
    let cells = cells(&output);
    let due: Vec<_> = promises.iter().map(|promise| (*promise, lane)).collect();
    assert_eq!(that_are("broken", &cells), named(&due), "{fault:?} on {lane}: {cells:#?}");
    assert_eq!(output.status.code(), Some(1));
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
    ];
    finds(broken::PUSHED, Fault::Repeat, &promises).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_that_are_not_pushed_are_found() {
    finds(broken::PUSHED, Fault::DropGap, &["tells_of_gaps", "rejects_foreign_epoch_with_gap"]).await;
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
