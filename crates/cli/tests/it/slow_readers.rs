//! Readers that stop: they cost a bounded piece of memory, and nobody else anything.

use std::{fs, io::Write as _, net::TcpStream, time::Duration};

use conformance::client::Client;
use testkit::process::ServerProcess;
use transport::{Event, Headers, Lane, Target};
use wire::{After, RoomName};

use crate::binary;

/// Readers that stop, and readers that go on; of every lane that pushes.
const STALLED: usize = 90;
const LIVE: usize = 90;

/// Publications and bytes of each: many times what a ring holds.
const PUBLICATIONS: usize = 300;
const SIZE: usize = 16 * 1024;

/// What the server may keep in its own memory for a reader that stopped: one piece of a batch with the item that does not
/// fit, and its connection.
const MOST_PER_READER: u64 = 192 * 1024;

/// What does not depend on readers: rings, runtime, what the allocator keeps.
const MOST_BESIDE: u64 = 24 * 1024 * 1024;

fn user_memory(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// Paths and upgrade headers of the lanes that push, as an outsider would ask for them.
fn streams() -> [(&'static str, &'static str); 3] {
    [
        ("raw", "Connection: Upgrade\r\nUpgrade: feedbench-raw\r\n"),
        (
            "websocket",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
        ("sse", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stop_cost_a_bounded_piece_and_slow_nobody() {
    let server = ServerProcess::start(binary(), &["--ring-items", "20", "--user-timeout", "60s"]);
    let before = user_memory(server.pid());
    let mut stalled = Vec::new();
    for (lane, headers) in (0..STALLED).map(|index| streams()[index % streams().len()]) {
        let mut tcp = TcpStream::connect(server.origin.address).unwrap();
        let request = format!("GET /v1/slow/room/{lane} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        tcp.write_all(request.as_bytes()).unwrap();
        stalled.push(tcp);
    }
    let mut live = Vec::new();
    for (index, (lane, _)) in (0..LIVE).zip(streams().into_iter().cycle()) {
        let target = Target {
            origin: server.origin.clone(),
            room: RoomName::new("slow", "room").unwrap(),
            after: After::Head,
            headers: Headers::built_in("minimal").unwrap(),
            seed: index as u64,
            phase: None,
            receive: true,
        };
        let driver = Lane::parse(lane, transport::ALL).unwrap().build().driver(target);
        live.push((lane, Client::start(driver, server.origin.address)));
    }
    for (_, client) in &mut live {
        client.ready().await.unwrap();
    }
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(SIZE));
    for n in 1..=PUBLICATIONS as u64 {
        let (status, ..) = server.request("POST", "/v1/slow/room/messages", &body);
        assert_eq!(status, 201);
        // Paced by the live ones: whoever reads keeps up, so a gap would be the stalled ones' doing.
        for (lane, client) in &mut live {
            let offset = client
                .until(|event| match event {
                    Event::Delivery(delivery) => Some(delivery.offset),
                    Event::Gap(gap) => panic!("{lane} was told {gap:?}"),
                    Event::Failed(error) => panic!("{lane}: {error}"),
                    _ => None,
                })
                .await
                .unwrap();
            assert_eq!(offset, n, "{lane}");
        }
    }
    let grown = user_memory(server.pid()).saturating_sub(before);
    let most = MOST_BESIDE + MOST_PER_READER * (STALLED + LIVE) as u64;
    assert!(grown <= most, "{grown} bytes for {STALLED} readers that stopped, at most {most}");
    drop(stalled);
}

#[test]
fn a_reader_that_stops_is_cut_within_its_time() {
    let server = ServerProcess::start(binary(), &["--slow-writer", "1s", "--user-timeout", "60s"]);
    let readers: Vec<TcpStream> = streams()
        .map(|(lane, headers)| {
            let mut tcp = TcpStream::connect(server.origin.address).unwrap();
            let request = format!("GET /v1/slow/room/{lane} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
            tcp.write_all(request.as_bytes()).unwrap();
            tcp
        })
        .into();
    let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(60_000));
    let deadline = measure::Mono::now() + Duration::from_mins(1);
    loop {
        server.request("POST", "/v1/slow/room/messages", &body);
        let rooms: serde_json::Value = serde_json::from_str(&server.request("GET", "/v1/slow", "").2).unwrap();
        if rooms["rooms"][0]["subscribers"] == 0 {
            break;
        }
        assert!(measure::Mono::now() < deadline, "still there: {rooms}");
        measure::clock::sleep_until(measure::Mono::now() + Duration::from_millis(20));
    }
    drop(readers);
}
