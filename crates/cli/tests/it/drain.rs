//! SIGTERM under a crowd: everybody is told, and the process ends in time.

use std::time::Duration;

use conformance::client::Client;
use testkit::process::ServerProcess;
use transport::{Event, Headers, Lane, Target, lane};
use wire::{After, RoomName, control::codes};

use crate::binary;

/// Subscribers in all, dealt out to every lane in turn.
const CROWD: usize = 1000;

/// What the design allows from the signal to the end of the process.
const DRAIN: Duration = Duration::from_secs(5);

fn target(server: &ServerProcess, seed: usize) -> Target {
    Target {
        origin: server.origin.clone(),
        room: RoomName::new("crowd", "lobby").unwrap(),
        after: After::Head,
        headers: Headers::built_in("minimal").unwrap(),
        seed: seed as u64,
        phase: None,
        receive: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_mixed_subscribers_are_told_of_the_end_and_the_server_exits_in_time() {
    let all: Vec<String> = lane::standard(transport::ALL).iter().map(ToString::to_string).collect();
    drains(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_endless_or_held_answers_do_not_hold_up_the_end() {
    drains(&["sse", "long-polling"]).await;
}

async fn drains(lanes: &[&str]) {
    let mut server = ServerProcess::start(binary(), &[]);
    let mut crowd = Vec::new();
    for (index, lane) in (0..CROWD).zip(lanes.iter().cycle()) {
        let driver = Lane::parse(lane, transport::ALL).unwrap().build().driver(target(&server, index));
        crowd.push((*lane, Client::start(driver, server.origin.address)));
    }
    for (_, client) in &mut crowd {
        client.ready().await.unwrap();
    }
    server.terminate();
    let ended = tokio::task::spawn_blocking(move || server.ended(DRAIN));
    for (lane, client) in &mut crowd {
        let close = client
            .until(|event| match event {
                Event::Closed(close) => Some(close),
                Event::Failed(error) => panic!("{lane} was not told: {error}"),
                _ => None,
            })
            .await
            .unwrap();
        assert_eq!((close.code, close.reconnect), (codes::DRAIN, true), "{lane}");
        assert!(close.retry_after_ms > 0, "{lane}: {close:?}");
    }
    let (status, took) = ended.await.unwrap();
    assert!(status.success(), "{status} after {took:?}");
}

#[tokio::test]
async fn an_idle_server_ends_at_once_when_its_starter_is_gone() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
