//! Pages of other origins, in a real browser whose user has a session: they read nothing and do nothing, on any lane. The
//! server's own second port and an origin that is allowed may.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    programs::{INSTALL, node, serve},
    sessions::ask,
};

/// What a page could do.
#[derive(Debug, Deserialize)]
struct Tried {
    page: String,
    attempt: String,
    got: String,
}

/// Serves an empty page for as long as the test runs; gives its port.
fn pages() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = "<!doctype html><title>elsewhere</title><body></body>";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let answer = answer.clone();
            // A browser opens connections ahead of time that say nothing.
            thread::spawn(move || {
                let mut lines = BufReader::new(&tcp).lines();
                if lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                    let _gone = (&tcp).write_all(answer.as_bytes());
                }
            });
        }
    });
    port
}

#[test]
fn a_page_of_another_origin_reads_nothing_and_does_nothing_with_its_users_cookie() {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let (stranger, friend) = (pages(), format!("http://127.0.0.1:{}", pages()));
    let (server, origin) = serve(&["--listen", "127.0.0.1:0", "--allow-origin", &friend]);
    let second = server.ready["addresses"][1].as_str().unwrap();
    let said = ask(&server, "POST /v1/secret/lobby/messages", &[], r#"{"event":"message","data":"secret"}"#);
    assert_eq!(said.0, 201);
    let held = || ask(&server, "GET /v1/secret/lobby/short-polling?after=earliest", &[], "").2["items"].take();
    let before = held();

    let [same_site, cross_site] = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{stranger}/"));
    let script = node("origins.mjs", &[&origin, second, &same_site, &cross_site, &friend]);
    let mut tried: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let told = loop {
        let Tried { page, attempt, got } = serde_json::from_str(&script.next()).unwrap();
        if attempt == "done" {
            break got;
        }
        tried.entry(page).or_default().push((attempt, got));
    };
    assert_eq!(script.end(), Vec::<String>::new());
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["name"], "victim");

    for page in ["same site", "cross site"] {
        assert!(tried[page].len() > 35, "{page} tried {}", tried[page].len());
        for (attempt, got) in &tried[page] {
            match attempt.as_str() {
                "link" => assert!(got.contains("no-session"), "{page}: a link is followed without the cookie: {got}"),
                "scripts and the cookie" => assert_eq!(got, "refused: ", "{page}"),
                "the session is as it was" => assert_eq!(got, "read: true", "{page}"),
                _ => assert!(got.starts_with("refused: "), "{page}, {attempt}: {got}"),
            }
        }
    }
    assert_eq!(held(), before, "nobody has come, and nothing was forged");
    assert_eq!(ask(&server, "GET /v1/secret/lobby/presence", &[], "").2, json!({"members": [], "anonymous": 0}));

    for page in ["friend", "second"] {
        for (attempt, got) in &tried[page] {
            let expected = if attempt == "raw" { "refused: 426" } else { "read: " };
            assert!(got.starts_with(expected), "{page}, {attempt}: {got}");
        }
        let session = &tried[page].iter().find(|(attempt, _)| attempt == "cors GET /session").unwrap().1;
        assert_eq!(*session, format!("read: {told}"), "{page} has the cookie");
    }
    let open = ask(&server, "GET /v1/open/lobby/short-polling?after=earliest", &[], "").2;
    let forged = open["items"].as_array().unwrap().iter().filter(|item| item["data"] == "forged");
    // Two of each page, and those with a key are one.
    assert_eq!(forged.map(|item| &item["from"]).collect::<Vec<_>>(), ["victim"; 3], "{open}");
}

#[test]
fn what_lets_a_page_read_goes_to_those_alone_that_may() {
    let (server, origin) = serve(&["--allow-origin", "https://chat.example"]);
    let allowed = |origin: &str, method: &str| {
        let preflight = ["Access-Control-Request-Method: POST", "Sec-Fetch-Mode: cors"];
        let line = format!("Origin: {origin}");
        let asks: &[_] = if method == "OPTIONS" { &preflight } else { &[] };
        let headers = [&[line.as_str()], asks].concat();
        let (status, head, _) = ask(&server, &format!("{method} /v1/transports"), &headers, "");
        let line = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        (status, line("access-control-allow-origin: "), line("access-control-allow-credentials: "), line("vary: "))
    };
    let (chat, yes, by_origin) = ("https://chat.example", Some("true".to_owned()), Some("origin".to_owned()));
    assert_eq!(allowed(chat, "GET"), (200, Some(chat.to_owned()), yes.clone(), by_origin.clone()));
    assert_eq!(allowed(chat, "OPTIONS"), (204, Some(chat.to_owned()), yes, by_origin));
    for stranger in ["https://evil.example", "null", "https://chat.example.evil.example", "http://chat.example"] {
        for method in ["GET", "OPTIONS"] {
            assert_eq!(allowed(stranger, method), (403, None, None, None), "{method} of {stranger}");
        }
    }
    assert_eq!(allowed(&origin, "GET"), (200, None, None, None), "a page of its own needs nothing");
}
