//! What a session sees of its own connections, from outside, and who else does: nobody.

use serde_json::{Value, json};
use testkit::process::ServerProcess;

use crate::{
    programs::serve,
    sessions::{ask, begin, message, post},
};

/// The rows of a cookie's session.
fn ledger(server: &ServerProcess, cookie: &str) -> Vec<Value> {
    let (status, head, body) = ask(server, "GET /v1/connections", &[&format!("Cookie: {cookie}")], "");
    assert!(status == 200 && head.contains("cache-control: no-store"), "{head}");
    body["ledger"].as_array().unwrap().clone()
}

#[test]
fn a_server_that_does_not_watch_names_the_flag() {
    let (server, _) = serve(&[]);
    let (_, cookie) = begin(&server, "ana");
    for method in ["GET", "DELETE"] {
        let what = format!("{method} /v1/connections?port=80");
        let (status, _, problem) = ask(&server, &what, &[&format!("Cookie: {cookie}")], "");
        assert_eq!((status, &problem["type"]), (404, &json!("not-watched")));
        assert!(problem["detail"].as_str().unwrap().contains("--watch-connections"), "{problem}");
    }
}

#[test]
fn a_session_sees_its_own_connections_and_nobody_elses() {
    let (server, _) = serve(&["--watch-connections"]);
    let [(_, ana), (_, bob)] = ["ana", "bob"].map(|name| begin(&server, name));
    let cookie = format!("Cookie: {ana}");
    assert_eq!(post(&server, &[&cookie], &message()).0, 201);
    let polled = ask(&server, "GET /v1/people/lobby/short-polling?after=earliest", &[&cookie], "");
    assert!(polled.0 == 200 && !polled.2["items"].as_array().unwrap().is_empty(), "{polled:?}");

    let rows = ledger(&server, &ana);
    let port = server.origin.address.port();
    let [others, polls] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&others["transport"], &others["port"]), (&Value::Null, &json!(port)));
    // The publish, and the request that asks; that of the others are over may be seen a moment later.
    assert_eq!((&others["ever"], &others["requests"]), (&json!(2), &json!(2)));
    assert!((1..=2).contains(&others["open"].as_u64().unwrap()), "{others}");
    let polled = json!({"port": port, "transport": "short-polling", "ever": 1, "requests": 1});
    for (name, value) in polled.as_object().unwrap() {
        assert_eq!(&polls[name], value, "{name} in {polls}");
    }
    assert!(polls["deliveries"].as_u64().unwrap() >= 1, "{polls}");
    for (row, direction) in rows.iter().flat_map(|row| [(row, "down"), (row, "up")]) {
        let bytes = row[direction].as_object().unwrap();
        assert_eq!(bytes.len(), 9, "{bytes:?}");
        // A connection is three segments at least, before it carries anything.
        assert!(bytes["tcp_ip"].as_u64().unwrap() > 2 * 52 && bytes["tls"] == 0, "{bytes:?}");
    }
    assert_eq!(others["up"]["payload"], json!(1));

    let bobs = ledger(&server, &bob);
    assert!(bobs.len() == 1 && bobs[0]["requests"] == 1 && bobs[0]["transport"].is_null(), "{bobs:?}");
    for method in ["GET", "DELETE"] {
        let (status, _, problem) = ask(&server, &format!("{method} /v1/connections?port={port}"), &[], "");
        assert_eq!((status, &problem["type"]), (403, &json!("no-session")));
        assert!(problem["detail"].as_str().unwrap().contains("POST /session"), "{problem}");
    }
    let without = ask(&server, "DELETE /v1/connections", &[&cookie], "");
    assert_eq!((without.0, &without.2["type"]), (400, &json!("bad-query")));
}

#[test]
fn pages_of_own_ports_may_look_and_cut_and_those_of_strangers_may_not() {
    let (server, origin) = serve(&["--listen", "127.0.0.1:0", "--watch-connections"]);
    let addresses = server.ready["addresses"].as_array().unwrap();
    let ports: Vec<u16> = addresses
        .iter()
        .map(|address| address.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ask(&server, "GET /v1/ports", &[], "").2, json!({"ports": ports}));
    assert_eq!(addresses[0], origin);

    let (_, cookie) = begin(&server, "ana");
    let (cookie, what) = (format!("Cookie: {cookie}"), format!("DELETE /v1/connections?port={}", ports[0]));
    for (page, allowed) in [(format!("http://127.0.0.1:{}", ports[1]), true), ("http://evil.example".to_owned(), false)]
    {
        let from = format!("Origin: {page}");
        let asked = ["Access-Control-Request-Method: DELETE"];
        let (status, head, _) = ask(&server, "OPTIONS /v1/connections", &[&from, asked[0]], "");
        assert_eq!(
            status == 204 && head.contains("access-control-allow-methods: GET, POST, DELETE"),
            allowed,
            "{head}"
        );
        for what in ["GET /v1/connections", &what] {
            let (status, head, _) = ask(&server, what, &[&from, &cookie], "");
            assert_eq!(status, if allowed { 200 } else { 403 }, "{what} from {page}");
            let line = format!("access-control-allow-origin: {page}");
            assert_eq!(head.lines().any(|one| one == line), allowed, "{what}: {line} in {head}");
        }
    }
}
