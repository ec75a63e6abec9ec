//! The server's HTTP surface, from outside.

use std::{fs, path::Path};

use conformance::client::{Client, PATIENCE};
use serde_json::{Value, json};
use testkit::process::ServerProcess;
use transport::{Event, Headers, Lane, Target};
use wire::After;

use crate::{binary, feedbench, text};

fn server() -> ServerProcess {
    ServerProcess::start(binary(), &[])
}

fn json_of(answer: &(u16, String, String)) -> Value {
    serde_json::from_str(&answer.2).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn publish(server: &ServerProcess, room: &str, data: &str) -> String {
    let body = format!(r#"{{"event":"message","data":{data}}}"#);
    let answer = server.request("POST", &format!("/v1/{room}/messages"), &body);
    assert_eq!(answer.0, 201, "{answer:?}");
    json_of(&answer)["position"].as_str().unwrap().to_owned()
}

#[test]
fn the_ready_line_names_address_process_and_file_limit() {
    let server = server();
    assert_eq!(server.ready["pid"], server.pid());
    assert!(server.ready["file_limit"].as_u64().unwrap() > 0);
    assert_eq!(server.request("GET", "/healthz", "").2, "ok\n");
}

#[test]
fn a_poll_gets_the_head_then_what_follows_then_nothing_new() {
    let server = server();
    let first = server.request("GET", "/v1/a/b/short-polling", "");
    let batch = json_of(&first);
    assert_eq!((first.0, &batch["items"]), (200, &json!([])));
    assert_eq!(batch["retry_after_ms"], 1000);
    let start = batch["position"].as_str().unwrap().to_owned();

    let data = r#"{"big":12345678901234567890123, "text":"a b\u0000\n😀","e":1E400}"#;
    let position = publish(&server, "a/b", data);
    let second = server.request("GET", &format!("/v1/a/b/short-polling?after={start}"), "");
    assert!(second.1.to_lowercase().contains("cache-control: no-store"), "{second:?}");
    assert!(second.2.starts_with(&format!(r#"{{"position":"{position}","items":[{{"offset":1,"#)), "{second:?}");
    // White space outside strings is gone; numbers and escapes are as they were written.
    let compact = data.replace(r#", "text""#, r#","text""#);
    assert!(second.2.contains(&compact), "{}", second.2);

    let third = server.request("GET", &format!("/v1/a/b/short-polling?after={position}"), "");
    assert_eq!(third.0, 204);
    assert!(third.1.contains(&format!("feed-position: {position}")), "{third:?}");
    for (known, status) in [
        (format!("\"{position}\""), 304),
        (format!("\"other.1\", W/\"{position}\""), 304),
        ("*".to_owned(), 304),
        (format!("\"{start}\""), 204),
    ] {
        let conditional = format!(
            "GET /v1/a/b/short-polling?after={position} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: {known}\r\n\r\n"
        );
        let answer = server.exchange(conditional.as_bytes());
        assert_eq!(answer.0, status, "{known}");
        assert!(answer.1.contains(&format!("feed-position: {position}")), "{answer:?}");
    }
}

#[test]
fn a_poll_from_a_foreign_epoch_or_a_trimmed_position_is_told_the_gap() {
    let server = ServerProcess::start(binary(), &["--ring-items", "3"]);
    let start = json_of(&server.request("GET", "/v1/a/b/short-polling", ""))["position"].as_str().unwrap().to_owned();
    for n in 1..=5 {
        publish(&server, "a/b", &n.to_string());
    }
    let batch = json_of(&server.request("GET", &format!("/v1/a/b/short-polling?after={start}"), ""));
    let gap = &batch["items"][0]["gap"];
    assert_eq!(
        (&gap["from"], &gap["to"], &gap["missed"], &gap["reason"]),
        (&json!(1), &json!(2), &json!(2), &json!("trimmed"))
    );
    assert_eq!(batch["items"].as_array().unwrap().len(), 4);

    let batch = json_of(&server.request("GET", "/v1/a/b/short-polling?after=other.17&limit=2", ""));
    let gap = &batch["items"][0]["gap"];
    assert_eq!((&gap["from"], &gap["missed"], &gap["reason"]), (&Value::Null, &Value::Null, &json!("epoch")));
    assert_eq!(batch["items"].as_array().unwrap().len(), 3, "a gap and the two that were asked for");
}

#[test]
fn bad_requests_get_a_problem_that_says_what_to_do() {
    let server = server();
    let big = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(65_535));
    let huge = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(300_000));
    for (method, path, body, status, kind) in [
        ("GET", "/v1/a/b/short-polling?after=nonsense", "", 400, "bad-position"),
        ("GET", "/v1/a/b/short-polling?limit=many", "", 400, "bad-query"),
        ("GET", "/v1/a/b%20c/short-polling", "", 400, "bad-name"),
        ("GET", "/v1/a/b/websocket", "", 426, "upgrade-required"),
        ("GET", "/v1/a/b/raw", "", 426, "upgrade-required"),
        ("GET", "/v2", "", 404, "not-found"),
        ("DELETE", "/v1/a/b/messages", "", 405, "wrong-method"),
        ("GET", "/transports/raw.js", "", 404, "not-found"),
        ("POST", "/v1/a/b/messages", "{", 400, "bad-item"),
        ("POST", "/v1/a/b/messages", r#"{"event":"message","data":1,"too":1}"#, 400, "bad-item"),
        ("POST", "/v1/a/b/messages", r#"{"event":"gap","data":1}"#, 400, "bad-name"),
        ("POST", "/v1/a/b/messages", r#"{"event":"","data":1}"#, 400, "bad-name"),
        ("POST", "/v1/a/b/messages", &big, 413, "too-large"),
        ("POST", "/v1/a/b/messages", &huge, 413, "too-large"),
    ] {
        let answer = server.request(method, path, body);
        assert_eq!(answer.0, status, "{method} {path}: {answer:?}");
        assert!(answer.1.contains("application/problem+json"), "{method} {path}: {answer:?}");
        let problem = json_of(&answer);
        assert_eq!((&problem["type"], &problem["status"]), (&json!(kind), &json!(status)));
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
}

#[test]
fn lists_and_metrics_show_what_is_there() {
    let server = server();
    publish(&server, "a/b", "1");
    publish(&server, "a/b", "2");
    publish(&server, "a/c", "3");
    let rooms = json_of(&server.request("GET", "/v1/a", ""));
    assert_eq!(rooms["namespace"], "a");
    let counts: Vec<_> = rooms["rooms"].as_array().unwrap().iter().map(|r| (&r["room"], &r["publications"])).collect();
    assert_eq!(counts, [(&json!("b"), &json!(2)), (&json!("c"), &json!(1))]);
    assert_eq!(json_of(&server.request("GET", "/v1/empty", ""))["rooms"], json!([]));

    let offered = json_of(&server.request("GET", "/v1/transports", ""));
    for transport in offered.as_array().unwrap() {
        if let Some(module) = transport["module"].as_str() {
            let (status, head, source) = server.request("GET", module, "");
            assert_eq!(status, 200);
            assert!(head.contains("text/javascript"), "{head}");
            assert!(source.contains("export function open"), "{source}");
        }
    }
    let polling = offered.as_array().unwrap().iter().find(|one| one["id"] == "short-polling").unwrap();
    assert_eq!(polling["options"], json!({"interval": "1s"}));

    let metrics = server.request("GET", "/metrics", "").2;
    for line in
        ["feedbench_rooms 2", "feedbench_publications_total 3", "feedbench_subscribers 0", "feedbench_connections 1"]
    {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line} in {metrics}");
    }
}

#[test]
fn the_page_and_its_files_are_served() {
    let server = server();
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let (mut folders, mut served) = (vec![web.clone()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&web).unwrap().to_str().unwrap();
            let end = path.extension().and_then(|end| end.to_str());
            let kind = match end {
                Some("html") => "text/html; charset=utf-8",
                Some("js") => "text/javascript; charset=utf-8",
                Some("css") => "text/css; charset=utf-8",
                Some("svg") => "image/svg+xml",
                Some("txt") => "text/plain; charset=utf-8",
                _ => {
                    assert_eq!(server.request("GET", &format!("/{name}"), "").0, 404, "{name} is not for browsers");
                    continue;
                }
            };
            let at = format!("/{name}");
            let (status, head, body) = server.request("GET", if name == "index.html" { "/" } else { &at }, "");
            assert!(
                status == 200 && head.lines().any(|line| line == format!("content-type: {kind}")),
                "{name}: {head}"
            );
            assert!(body == fs::read_to_string(&path).unwrap(), "{name} is another");
            served += 1;
        }
    }
    assert!(served >= 3, "{served} files");
}

#[test]
fn limits_come_from_a_file_and_flags_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.toml");
    fs::write(&file, "data_bytes = 10\nrooms = 1\n").unwrap();
    let server = ServerProcess::start(binary(), &["--config", file.to_str().unwrap(), "--data-bytes", "20"]);
    publish(&server, "a/b", r#""123456789012345678""#);
    let longer = server.request("POST", "/v1/a/b/messages", r#"{"event":"message","data":"1234567890123456789"}"#);
    assert_eq!(longer.0, 413, "{longer:?}");
    let second_room = server.request("POST", "/v1/a/c/messages", r#"{"event":"message","data":1}"#);
    assert_eq!(second_room.0, 503, "{second_room:?}");
    assert_eq!(json_of(&second_room)["type"], "too-many-rooms");
}

#[test]
fn the_list_shows_lanes_scenarios_and_headers() {
    let shown = text(&feedbench(&["list"]).stdout);
    for words in ["short-polling", "+interval=1s", "websocket", "raw", "feed", "chromium"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let listed: Value = serde_json::from_str(&text(&feedbench(&["list", "--format", "json"]).stdout)).unwrap();
    let lanes: Vec<_> = listed["lanes"].as_array().unwrap().iter().map(|lane| lane["lane"].as_str().unwrap()).collect();
    let standard = transport::lane::standard(transport::ALL);
    assert_eq!(lanes, standard.iter().map(ToString::to_string).collect::<Vec<_>>());
    for (lane, listed) in standard.iter().zip(listed["lanes"].as_array().unwrap()) {
        assert_eq!(listed["title"], lane.title());
        assert!(shown.contains(&format!("  {}\n", lane.title())), "{lane} in {shown}");
    }
}

#[test]
fn every_limit_has_a_flag_with_its_default_in_the_help() {
    let help = text(&feedbench(&["serve", "--help"]).stdout);
    for shown in
        ["--ring-items", "[default: 1000]", "--heartbeat", "[default: 25s]", "--user-timeout", "--listen-backlog"]
    {
        assert!(help.contains(shown), "{shown} in {help}");
    }
}

#[test]
fn an_empty_last_event_id_hides_no_other() {
    let server = server();
    publish(&server, "a/b", "1");
    let position = publish(&server, "a/b", "2");
    let epoch = position.split_once('.').unwrap().0;
    let path = format!("/v1/a/b/sse?last_event_id=&lastEventId={epoch}.1");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nLast-Event-ID:\r\n\r\n");
    let mut tcp = std::net::TcpStream::connect(server.origin.address).unwrap();
    std::io::Write::write_all(&mut tcp, request.as_bytes()).unwrap();
    let mut seen = String::new();
    let mut lines = std::io::BufReader::new(tcp);
    while !seen.contains(&format!("id: {position}\n")) {
        assert!(std::io::BufRead::read_line(&mut lines, &mut seen).unwrap() > 0, "{seen}");
    }
    assert!(seen.contains(&format!(r#""position":"{epoch}.1""#)), "{seen}");
}

/// A subscriber of `namespace/room` at its head, over any lane, that the server has accepted.
async fn subscriber(server: &ServerProcess, room: &str, lane: &str) -> Client {
    let target = Target {
        origin: server.origin.clone(),
        room: room.parse().unwrap(),
        after: After::Head,
        headers: Headers::built_in("minimal").unwrap(),
        seed: 0,
        phase: None,
        receive: true,
    };
    let driver = Lane::parse(lane, transport::ALL).unwrap().build().driver(target);
    let mut client = Client::start(driver, server.origin.address);
    client.ready().await.unwrap();
    client
}

/// Waits until the namespace has so many subscribers: a long poll is one from the moment it is held.
async fn subscribed(server: &ServerProcess, namespace: &str, count: u64) {
    let wait = async {
        loop {
            let list = json_of(&server.request("GET", &format!("/v1/{namespace}"), ""));
            let subscribers =
                list["rooms"].as_array().unwrap().iter().map(|room| room["subscribers"].as_u64().unwrap());
            if subscribers.sum::<u64>() == count {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

async fn next_json(client: &mut Client) -> Box<str> {
    let delivery = client.until(|event| if let Event::Delivery(delivery) = event { Some(delivery) } else { None });
    delivery.await.unwrap().json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_namespace_reaches_every_room_that_has_subscribers() {
    let server = server();
    let rooms = ["all/a", "all/a", "all/a", "all/b", "all/b", "all/messages"];
    let lanes = ["websocket", "sse", "raw", "raw", "long-polling", "sse"];
    let mut subscribers = Vec::new();
    for (room, lane) in rooms.into_iter().zip(lanes) {
        subscribers.push((room, lane, subscriber(&server, room, lane).await));
    }
    let mut elsewhere = subscriber(&server, "elsewhere/a", "websocket").await;
    publish(&server, "all/b", "0");
    for (_, _, client) in subscribers.iter_mut().filter(|(room, ..)| *room == "all/b") {
        assert!(next_json(client).await.starts_with(r#"{"offset":1,"#));
    }
    let polled = server.request("GET", "/v1/all/polled/short-polling", "");
    let head = json_of(&polled)["position"].as_str().unwrap().to_owned();
    subscribed(&server, "all", 6).await;

    let body = r#"{"event":"message", "data":{ "big":12345678901234567890123 }}"#;
    let answer = server.request("POST", "/v1/all/messages", body);
    assert_eq!(answer.0, 201, "{answer:?}");
    let answer = json_of(&answer);
    let positions = answer["positions"].as_object().unwrap();
    assert_eq!(positions.keys().collect::<Vec<_>>(), ["a", "b", "messages"]);
    for (room, lane, client) in &mut subscribers {
        let position = positions[room.trim_start_matches("all/")].as_str().unwrap();
        let offset = position.split_once('.').unwrap().1;
        let json = next_json(client).await;
        assert!(json.starts_with(&format!(r#"{{"offset":{offset},"event":"message","#)), "{lane} in {room}: {json}");
        assert!(json.ends_with(r#","data":{"big":12345678901234567890123}}"#), "{lane} in {room}: {json}");
    }

    // What follows comes first where the message did not: nothing was before it.
    publish(&server, "elsewhere/a", "0");
    assert!(next_json(&mut elsewhere).await.starts_with(r#"{"offset":1,"#));
    assert_eq!(server.request("GET", &format!("/v1/all/polled/short-polling?after={head}"), "").0, 204);
    // A room may have the name of the route.
    assert_eq!(positions["messages"], head_of(&server, "all/messages"));
    assert!(publish(&server, "all/messages", "0").ends_with(".2"));
}

fn head_of(server: &ServerProcess, room: &str) -> Value {
    json_of(&server.request("GET", &format!("/v1/{room}/short-polling"), ""))["position"].take()
}

#[test]
fn a_message_to_a_namespace_is_checked_even_when_nobody_is_there() {
    let server = server();
    let message = r#"{"event":"message","data":1}"#;
    let big = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(65_535));
    let huge = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(300_000));
    for (method, path, body, status, kind) in [
        ("POST", "/v1/a%20b/messages", message, 400, "bad-name"),
        ("POST", "/v1/%ff/messages", message, 400, "bad-name"),
        ("GET", "/v1/%ff", "", 400, "bad-name"),
        ("POST", "/v1/a/messages", "{", 400, "bad-item"),
        ("POST", "/v1/a/messages", "\u{0}", 400, "bad-item"),
        ("POST", "/v1/a/messages", r#"{"event":"message"}"#, 400, "bad-item"),
        ("POST", "/v1/a/messages", r#"{"event":"message","data":1,"room":"b"}"#, 400, "bad-item"),
        ("POST", "/v1/a/messages", r#"{"event":"gap","data":1}"#, 400, "bad-name"),
        ("POST", "/v1/a/messages", &big, 413, "too-large"),
        ("POST", "/v1/a/messages", &huge, 413, "too-large"),
        ("GET", "/v1/a/messages", "", 405, "wrong-method"),
    ] {
        let answer = server.request(method, path, body);
        assert_eq!(answer.0, status, "{method} {path}: {answer:?}");
        assert!(answer.1.contains("application/problem+json"), "{method} {path}: {answer:?}");
        assert_eq!(json_of(&answer)["type"], kind, "{method} {path}");
    }
    for namespace in ["a", "transports"] {
        let answer = server.request("POST", &format!("/v1/{namespace}/messages"), message);
        assert_eq!((answer.0, json_of(&answer)), (201, json!({"positions": {}})));
    }
    assert_eq!(json_of(&server.request("GET", "/v1/a", ""))["rooms"], json!([]), "no room appeared");
}
