//! What wears a server out or gives a page's user away: bodies that do not come, what pages may do, what logs hold.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use conformance::client::{Client, PATIENCE};
use serde_json::{Value, json, value::RawValue};
use testkit::process::ServerProcess;
use transport::{Event, Headers, Origin, Target, lane};
use wire::{After, Draft};

use crate::{
    binary, feedbench,
    programs::serve,
    sessions::{ROOM, ask, set_cookie},
    text,
    tidy::sources,
};

/// Sends a head and a piece of the body, and reads to the end: a server that waited on would keep it open.
fn begin_body(server: &ServerProcess, path: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 100", server.origin.authority);
    exchange(&server.origin, &format!("{head}\r\n\r\n{{\"event\":"))
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let (server, _) = serve(&["--body", "300ms"]);
    let opened = server.request("GET", "/socket.io/?EIO=4&transport=polling", "").2;
    let sid = opened.split_once(r#""sid":""#).unwrap().1.split_once('"').unwrap().0.to_owned();
    let engine = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    for path in [&format!("/v1/{ROOM}/messages"), "/v1/people/messages", "/session", &engine] {
        let answer = begin_body(&server, path);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("too-slow"), "{path}: {answer}");
    }
    let refused = feedbench(&["serve", "--listen", "127.0.0.1:0", "--body", "0ms"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("body must be above 0"));
}

#[test]
fn a_connection_that_says_too_little_is_given_up() {
    let times = ["--first-byte", "300ms", "--head", "300ms", "--max-hold", "200ms", "--hold", "100ms"];
    let (server, _) = serve(&times);
    for said in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n"] {
        // Read to the end: a server that waited on would keep it open.
        assert_eq!(exchange(&server.origin, said), "", "{said:?}");
    }
}

#[test]
fn a_body_that_breaks_off_or_is_too_long_is_told_apart() {
    let (server, _) = serve(&["--max-payload", "70000"]);
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(70_000));
    for path in ["POST /session", "POST /v1/people/lobby/messages", "POST /v1/people/messages"] {
        let refused = ask(&server, path, &[], &long);
        assert_eq!((refused.0, &refused.2["type"]), (413, &json!("too-large")), "{path}");
        assert!(refused.2["detail"].as_str().unwrap().contains("70000"), "{path}: {}", refused.2);
    }
}

#[test]
fn a_page_runs_its_own_scripts_alone_and_nobody_frames_it() {
    let (server, _) = serve(&["--listen", "127.0.0.1:0"]);
    let own: Vec<_> = server.ready["addresses"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
    assert_eq!(own.len(), 2);
    for path in ["/", "/app.js", "/style.css"] {
        let head = server.request("GET", path, "").1;
        let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap();
        for directive in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|one| one == directive), "{path}: {policy}");
        }
        let connect = policy.split_once("connect-src ").unwrap().1;
        for url in &own {
            assert!(connect.split(' ').any(|one| one == *url), "{path} connects to {url}: {connect}");
            assert!(connect.split(' ').any(|one| one == url.replace("http", "ws")), "{path}: {connect}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        for line in [
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "cache-control: no-cache",
            "cross-origin-opener-policy: same-origin",
        ] {
            assert!(head.lines().any(|one| one == line), "{path}: {line} in {head}");
        }
    }
    assert!(server.request("GET", "/transports/sse.js", "").1.contains("x-content-type-options: nosniff"));
    // What a page that is isolated may load, a worker's script among it.
    for path in ["/", "/app.js", "/transports/sse.js", "/socket.io/socket.io.js", "/socket.io/socket.io.esm.min.js"] {
        let head = server.request("GET", path, "").1;
        for line in ["cross-origin-embedder-policy: require-corp", "cross-origin-resource-policy: same-site"] {
            assert!(head.lines().any(|one| one == line), "{path}: {line} in {head}");
        }
    }
}

#[test]
fn what_is_for_pages_is_not_paid_for_by_feeds() {
    let (server, _) = serve(&[]);
    for path in [format!("/v1/{ROOM}/short-polling"), "/socket.io/?EIO=4&transport=polling".to_owned()] {
        let (status, head, _) = server.request("GET", &path, "");
        let names: Vec<_> = head.lines().skip(1).map(|line| line.split_once(':').unwrap().0).collect();
        let plain = ["content-type", "cache-control", "content-length", "connection", "date"];
        assert!(status == 200 && names.iter().all(|name| plain.contains(name)), "{path}: {head}");
    }
}

/// Writes a request and reads the answer to its end.
fn exchange(origin: &Origin, request: &str) -> String {
    let mut tcp = TcpStream::connect(origin.address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    answer
}

/// What the server logs at this level while a session begins, speaks on every lane and ends: the log, and what it must not hold.
async fn log_of_a_session(level: &str) -> (String, Vec<String>) {
    let (secret, name, said) = ("s3cret".repeat(6), "who-speaks", "what-was-said");
    let mut child = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--until-stdin-closes", "--session-secret", &secret])
        .env("FEEDBENCH_LOG", level)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    let log = thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let origin = Origin::parse(ready["listening"].as_str().unwrap()).unwrap();
    let body = json!({"name": name}).to_string();
    let head = format!("Host: {}\r\nConnection: close\r\nContent-Length: {}", origin.authority, body.len());
    let begun = exchange(&origin, &format!("POST /session HTTP/1.1\r\n{head}\r\n\r\n{body}"));
    let cookie = set_cookie(&begun).split(';').next().unwrap();
    let mut clients = Vec::new();
    for lane in lane::standard(transport::ALL) {
        let target = Target {
            origin: origin.clone(),
            room: ROOM.parse().unwrap(),
            after: After::Head,
            headers: Headers::built_in("minimal").unwrap().with_cookie(cookie),
            seed: 0,
            phase: None,
            receive: true,
        };
        let mut client = Client::start(lane.build().driver(target), origin.address);
        client.ready().await.unwrap();
        let publish = client.ask(move |driver, now, out| {
            let data: Box<RawValue> = serde_json::value::to_raw_value(said).unwrap();
            driver.publish(&Draft::new("message".into(), &data), 1, now, out);
        });
        publish.await.unwrap();
        client.until(|event| matches!(event, Event::Acked(_)).then_some(())).await.unwrap();
        clients.push(client);
    }
    // Something that fails is logged as well.
    exchange(&origin, &format!("POST /v1/{ROOM}/messages HTTP/1.1\r\nCookie: {cookie}\r\n{head}\r\n\r\n{body}"));
    exchange(&origin, &format!("DELETE /session HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"));
    drop((clients, child.stdin.take()));
    child.wait().unwrap();
    let value = cookie.strip_prefix("feedbench=").unwrap().to_owned();
    (log.join().unwrap(), vec![secret, name.to_owned(), said.to_owned(), value])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_holds_no_cookie_no_secret_no_name_and_no_word_that_was_said() {
    for level in ["debug", "feedbench=trace"] {
        let (log, secrets) = log_of_a_session(level).await;
        assert!(log.contains("a session begins") && log.contains("a session ends"), "{log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} at {level}: {log}");
        }
    }
}

#[test]
fn what_the_page_on_security_claims_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let is_test =
        |quoted: &&str| quoted.len() > 20 && quoted.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let claimed: BTreeSet<_> = page.split('`').filter(is_test).collect();
    assert!(claimed.len() > 15, "{claimed:?}");
    let code: String = sources(&["rs"]).iter().map(|path| fs::read_to_string(root.join(path)).unwrap()).collect();
    let missing: Vec<_> = claimed.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert_eq!(missing, Vec::<&str>::new());
    let help = text(&feedbench(&["serve", "--help"]).stdout);
    let flags = page.split('`').filter(|quoted| quoted.starts_with("--"));
    let unknown: Vec<_> =
        flags.filter(|flag| !help.contains(&format!("{flag} ")) && !help.contains(&format!("{flag}\n"))).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
