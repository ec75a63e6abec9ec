//! Sessions from outside: the cookie, what it gives on every lane, and how a session ends.

use std::{collections::BTreeSet, time::Duration};

use conformance::client::{Client, ClientError, PATIENCE};
use measure::{Mono, clock};
use serde_json::{Value, json, value::RawValue};
use testkit::process::ServerProcess;
use transport::{Event, Headers, Lane, Target, lane};
use wire::{After, Close, Draft, control::codes};

use crate::{feedbench, programs::serve, text};

pub(crate) const ROOM: &str = "people/lobby";

/// How long a revoked session's connections may stay on a machine that builds meanwhile; it is a second and what a poller waits.
const REVOKED: Duration = Duration::from_secs(5);

/// A request with further header lines; gives status, head and the body as JSON.
pub(crate) fn ask(server: &ServerProcess, what: &str, headers: &[&str], body: &str) -> (u16, String, Value) {
    let (host, length) = (&server.origin.authority, body.len());
    let headers: String = headers.iter().flat_map(|line| [*line, "\r\n"]).collect();
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let (status, head, body) = server.exchange(request.as_bytes());
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    (status, head, body)
}

/// The value of `Set-Cookie`.
pub(crate) fn set_cookie(head: &str) -> &str {
    let line = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    line.unwrap_or_else(|| panic!("no cookie in {head}"))
}

/// A session of this name: its id and what its cookie is sent back as.
pub(crate) fn begin(server: &ServerProcess, name: &str) -> (String, String) {
    let (status, head, told) = ask(server, "POST /session", &[], &json!({"name": name}).to_string());
    assert_eq!((status, &told["name"]), (200, &json!(name)), "{told}");
    let cookie = set_cookie(&head).split(';').next().unwrap().to_owned();
    (told["session"].as_str().unwrap().to_owned(), cookie)
}

/// Whose session a cookie is, as the server sees it; none for a stranger's.
pub(crate) fn known(server: &ServerProcess, cookie: &str) -> Option<String> {
    let (status, _, told) = ask(server, "GET /session", &[&format!("Cookie: {cookie}")], "");
    assert!(matches!(status, 200 | 404), "{told}");
    (status == 200).then(|| told["session"].as_str().unwrap().to_owned())
}

pub(crate) fn post(server: &ServerProcess, headers: &[&str], draft: &Value) -> (u16, String, Value) {
    ask(server, &format!("POST /v1/{ROOM}/messages"), headers, &draft.to_string())
}

pub(crate) fn message() -> Value {
    json!({"event": "message", "data": 1})
}

/// Far above the 25 s for which one is waited for who has asked once.
const MOST: Duration = Duration::from_mins(2);

/// Looks again until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Mono::now() + MOST;
    while !holds() {
        assert!(Mono::now() < deadline, "{what}, even after {MOST:?}");
        clock::sleep_until(Mono::now() + Duration::from_millis(20));
    }
}

/// A subscriber with this cookie that the server has accepted.
async fn subscriber(server: &ServerProcess, lane: &Lane, cookie: &str) -> Client {
    let target = Target {
        origin: server.origin.clone(),
        room: ROOM.parse().unwrap(),
        after: After::Head,
        headers: Headers::built_in("minimal").unwrap().with_cookie(cookie),
        seed: 0,
        phase: None,
        receive: true,
    };
    let mut client = Client::start(lane.build().driver(target), server.origin.address);
    client.ready().await.unwrap_or_else(|error| panic!("{lane}: {error}"));
    client
}

/// Publishes on a lane's own uplink and waits for what becomes of it: the position, or the status of the refusal.
async fn put(client: &mut Client, reference: u64) -> Result<u64, (u16, String)> {
    let publish = client.ask(move |driver, now, out| {
        let data: &RawValue = serde_json::from_str("1").unwrap();
        driver.publish(&Draft::new("message".into(), data), reference, now, out);
    });
    publish.await.unwrap();
    let answer = client.until(|event| match event {
        Event::Acked(ack) if ack.reference == Some(reference) => Some(Ok(ack.position.offset)),
        Event::Refused(refusal) => Some(Err((refusal.status, refusal.detail))),
        _ => None,
    });
    answer.await.unwrap()
}

#[test]
fn a_session_is_begun_kept_shown_and_ended() {
    let (server, _) = serve(&[]);
    for name in ["ana", "anä 😀", "a.b;c=\"d\" e", &"é".repeat(32)] {
        let (id, cookie) = begin(&server, name);
        assert!(cookie.bytes().all(|byte| byte.is_ascii_graphic()), "{cookie}");
        let with = format!("Cookie: other=1; {cookie}; more=2");
        let told = json!({"session": id, "name": name});
        assert_eq!(ask(&server, "GET /session", &[&with], "").2, told);
        let again = ask(&server, "POST /session", &[&with], &json!({"name": name}).to_string()).2;
        assert!(again["name"] == name && again["session"] != json!(id), "a cookie's id is not taken over: {again}");
        let (status, head, _) = ask(&server, "DELETE /session", &[&with], "");
        let taken_back = set_cookie(&head);
        assert!(status == 204 && taken_back.starts_with("feedbench=") && taken_back.contains("Max-Age=0"), "{head}");
        assert_eq!(known(&server, &cookie), None);
        let (new, _) = begin(&server, name);
        assert_ne!(new, id);
    }
    assert_eq!(ask(&server, "DELETE /session", &[], "").0, 204, "there is nothing to do");
    assert_eq!(ask(&server, "GET /session", &[], "").2["type"], "no-session");
    for name in ["", "  ", "a\u{7}", &"x".repeat(65)] {
        let refused = ask(&server, "POST /session", &[], &json!({"name": name}).to_string());
        assert_eq!((refused.0, &refused.2["type"]), (400, &json!("bad-name")), "{name:?}");
        assert!(!refused.1.contains("set-cookie"), "{name:?}");
    }
    for body in ["", "{}", r#"{"name":1}"#, r#"{"name":"a","more":1}"#] {
        assert_eq!(ask(&server, "POST /session", &[], body).2["type"], "bad-item", "{body}");
    }
}

#[test]
fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
    for (flags, life, secure) in [(&[][..], 604_800, false), (&["--session-life", "90s", "--secure-cookies"], 90, true)]
    {
        let (server, _) = serve(flags);
        let (_, head, _) = ask(&server, "POST /session", &[], r#"{"name":"ana"}"#);
        let attributes: BTreeSet<_> = set_cookie(&head).split("; ").skip(1).map(str::to_owned).collect();
        let mut expected: BTreeSet<_> = ["HttpOnly", "SameSite=Lax", "Path=/"].map(str::to_owned).into();
        expected.insert(format!("Max-Age={life}"));
        expected.extend(secure.then(|| "Secure".to_owned()));
        assert_eq!(attributes, expected, "{flags:?}");
    }
}

#[test]
fn a_tampered_an_expired_and_a_foreign_cookie_are_strangers() {
    let (server, _) = serve(&["--session-life", "1s"]);
    let (other, _) = serve(&[]);
    let (id, cookie) = begin(&server, "ana");
    assert_eq!(known(&server, &cookie).as_ref(), Some(&id));
    let (_, foreign) = begin(&other, "ana");
    let value = cookie.strip_prefix("feedbench=").unwrap();
    let forged = value.replacen("ana", "bob", 1);
    let other_id = value.replacen(&id[..1], if id.starts_with('0') { "1" } else { "0" }, 1);
    let unsigned = value.split_once(&id).unwrap().1;
    for bad in [&forged, &other_id, &value[1..], &format!("{id}{unsigned}"), "", "x", &value[..value.len() - 1]] {
        assert_eq!(known(&server, &format!("feedbench={bad}")), None, "{bad}");
    }
    assert_eq!(known(&server, &foreign), None);
    assert_eq!(known(&server, &format!("Feedbench={value}")), None, "names of cookies are exact");
    until("the cookie is good", || known(&server, &cookie).is_none());
    let taken = post(&server, &[&format!("Cookie: {cookie}")], &message());
    assert_eq!(taken.0, 201, "a stranger may publish");
    let held = ask(&server, &format!("GET /v1/{ROOM}/short-polling?after=earliest"), &[], "").2;
    assert_eq!(held["items"][0]["from"], Value::Null, "and is nobody");
}

#[test]
fn servers_with_one_secret_share_their_sessions_and_a_restart_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{}\n", "s".repeat(32))).unwrap();
    let from_file = ["--session-secret-file", file.to_str().unwrap()];
    let [first, second] = [(); 2].map(|()| serve(&from_file).0);
    let (id, cookie) = begin(&first, "ana");
    drop(first);
    assert_eq!(known(&second, &cookie).as_ref(), Some(&id));
    let (third, _) = serve(&["--session-secret", &"s".repeat(32)]);
    assert_eq!(known(&third, &cookie), Some(id));
    let (stranger, _) = serve(&["--session-secret", &"t".repeat(32)]);
    assert_eq!(known(&stranger, &cookie), None);
}

#[test]
fn a_secret_that_cannot_be_used_is_refused_in_clear_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("  {}\n", "s".repeat(31))).unwrap();
    let (file, missing) = (file.to_str().unwrap(), folder.path().join("missing"));
    let missing = missing.to_str().unwrap();
    for (arguments, words) in [
        (["--session-secret-file", file], &["31 bytes", "32", "openssl rand"][..]),
        (["--session-secret", "short"], &["5 bytes", "32"]),
        (["--session-secret-file", missing], &["cannot read the session secret", missing]),
        (["--allow-origin", "chat.example"], &["\"chat.example\" is not an origin", "https://"]),
    ] {
        let output = feedbench(&[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat());
        let said = text(&output.stderr);
        assert!(!output.status.success() && words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
        assert!(!said.contains("sss"), "the secret itself is not told: {said}");
    }
}

#[test]
fn what_a_session_publishes_carries_its_name_and_reaches_whom_it_is_for() {
    let (server, _) = serve(&[]);
    let [(ana_id, ana), (bob_id, bob), (_, eve)] = ["anä 😀", "bob", "eve"].map(|name| begin(&server, name));
    let [ana, bob, eve] = [ana, bob, eve].map(|cookie| format!("Cookie: {cookie}"));
    for draft in [
        message(),
        json!({"event": "whisper", "data": 1, "to": bob_id}),
        json!({"event": "typing", "data": 1, "echo": false}),
    ] {
        assert_eq!(post(&server, &[&ana], &draft).0, 201);
    }
    let held = |headers: &[&str]| -> Vec<Value> {
        let batch = ask(&server, &format!("GET /v1/{ROOM}/short-polling?after=earliest"), headers, "").2;
        // Who asks is announced first.
        let items = batch["items"].as_array().unwrap().iter();
        items.filter(|item| item["event"] != "join").cloned().collect()
    };
    let events =
        |items: &[Value]| items.iter().map(|item| item["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let bobs = held(&[&bob]);
    assert_eq!(events(&bobs), ["message", "whisper", "typing"]);
    assert!(bobs.iter().all(|item| item["from"] == "anä 😀"), "{bobs:?}");
    assert_eq!((&bobs[1]["to"], bobs[0].get("to")), (&json!(bob_id), None));
    assert_eq!(events(&held(&[&ana])), ["message", "whisper"]);
    assert_eq!(events(&held(&[&eve])), ["message", "typing"]);
    assert_eq!(events(&held(&[])), ["message", "typing"]);
    assert_ne!(ana_id, bob_id);
    let bad = post(&server, &[&ana], &json!({"event": "message", "data": 1, "to": "bob"}));
    assert_eq!((bad.0, &bad.2["type"]), (400, &json!("bad-item")), "a name is no session");
}

#[test]
fn an_idempotency_key_makes_a_retry_the_same_publication() {
    let (server, _) = serve(&[]);
    let [ana, bob] = ["ana", "bob"].map(|name| format!("Cookie: {}", begin(&server, name).1));
    let position = |headers: &[&str], draft: &Value| {
        let (status, _, answer) = post(&server, headers, draft);
        assert_eq!(status, 201, "{answer}");
        answer["position"].as_str().unwrap().to_owned()
    };
    let (key, mut in_body) = ("Idempotency-Key: 7f3e", message());
    let first = position(&[&ana, key], &message());
    assert_eq!(position(&[&ana, key], &message()), first);
    in_body["key"] = json!("7f3e");
    assert_eq!(position(&[&ana], &in_body), first, "in the head and in the body it is one key");
    in_body["key"] = json!("another");
    assert_eq!(position(&[&ana, key], &in_body), first, "that in the head counts");
    assert_ne!(position(&[&bob, key], &message()), first);
    let stranger = position(&[key], &message());
    assert_eq!(position(&[key], &message()), stranger, "a stranger is known by its address");
    for key in ["Idempotency-Key: ", "Idempotency-Key: ü", &format!("Idempotency-Key: {}", "x".repeat(129))] {
        let refused = post(&server, &[&ana, key], &message());
        assert_eq!((refused.0, &refused.2["type"]), (400, &json!("bad-name")), "{key}: {}", refused.2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_publishes_too_fast_is_told_so_on_every_uplink() {
    let (server, _) = serve(&["--publish-limit", "1", "--publish-burst", "1", "--retry-after", "1s"]);
    let (_, cookie) = begin(&server, "ana");
    let cookie = format!("Cookie: {cookie}");
    assert_eq!(post(&server, &[&cookie], &message()).0, 201);
    let (status, head, problem) = post(&server, &[&cookie], &message());
    assert_eq!((status, &problem["type"]), (429, &json!("too-fast")), "{problem}");
    assert!(head.contains("retry-after: 1"), "{head}");
    for lane in lane::standard(transport::ALL) {
        let (_, cookie) = begin(&server, "ana");
        let mut client = subscriber(&server, &lane, &cookie).await;
        // On a slow machine a second may pass between two.
        let mut refused = None;
        for reference in 1..=20 {
            if let Err(refusal) = put(&mut client, reference).await {
                refused = Some(refusal);
                break;
            }
        }
        let (status, detail) = refused.unwrap_or_else(|| panic!("{lane} takes all"));
        assert!(status == 429 && detail.contains("faster than 1 a second"), "{lane}: {status} {detail}");
    }
    for _ in 0..10 {
        assert_eq!(post(&server, &[], &message()).0, 201, "strangers have no limit of their own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_requires_sessions_refuses_strangers_on_every_uplink() {
    let (server, _) = serve(&["--require-session"]);
    let (_, cookie) = begin(&server, "ana");
    let refused = post(&server, &[], &message());
    assert_eq!((refused.0, &refused.2["type"]), (401, &json!("nameless")), "{}", refused.2);
    assert_eq!(ask(&server, "POST /v1/people/messages", &[], &message().to_string()).0, 401);
    for lane in lane::standard(transport::ALL) {
        let mut stranger = subscriber(&server, &lane, "nothing=here").await;
        let (status, detail) = put(&mut stranger, 1).await.unwrap_err();
        assert!(status == 401 && detail.contains("POST /session"), "{lane}: {status} {detail}");
        let mut ana = subscriber(&server, &lane, &cookie).await;
        put(&mut ana, 1).await.unwrap_or_else(|refusal| panic!("{lane}: {refusal:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_have_so_many_connections() {
    let (server, _) = serve(&["--session-connections", "2"]);
    let (_, cookie) = begin(&server, "ana");
    let lane = |id| Lane::parse(id, transport::ALL).unwrap();
    let held =
        [subscriber(&server, &lane("websocket"), &cookie).await, subscriber(&server, &lane("raw"), &cookie).await];
    for path in ["sse", "long-polling?after=earliest", "short-polling"] {
        let refused = ask(&server, &format!("GET /v1/{ROOM}/{path}"), &[&format!("Cookie: {cookie}")], "");
        assert_eq!((refused.0, &refused.2["type"]), (429, &json!("too-many-connections")), "{path}");
        assert!(refused.1.contains("retry-after: "), "{path}: {}", refused.1);
    }
    drop(subscriber(&server, &lane("sse"), "nothing=here").await);
    drop(held);
    let with = format!("Cookie: {cookie}");
    until("they are counted", || ask(&server, &format!("GET /v1/{ROOM}/short-polling"), &[&with], "").0 == 200);
}

/// By which transports sessions of a name are in the room, and how many strangers are there.
fn present(server: &ServerProcess) -> (BTreeSet<(String, String)>, u64) {
    let (status, head, list) = ask(server, &format!("GET /v1/{ROOM}/presence"), &[], "");
    assert!(status == 200 && head.contains("cache-control: no-store"), "{head}");
    let row = |row: &Value| {
        assert!(
            row["since_us"].as_u64().is_some() && row["session"].as_str().is_some_and(|id| id.len() == 16),
            "{row}"
        );
        (row["name"].as_str().unwrap().to_owned(), row["transport"].as_str().unwrap().to_owned())
    };
    (list["members"].as_array().unwrap().iter().map(row).collect(), list["anonymous"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_by_any_lane_is_listed_until_it_goes_or_does_not_ask_again() {
    // A client of Socket.IO's that polls is gone when it answers no heartbeat.
    let (server, _) = serve(&["--heartbeat", "1s", "--answer-within", "1s"]);
    let lanes = lane::standard(transport::ALL);
    let mut expected = BTreeSet::new();
    let mut clients = Vec::new();
    for lane in &lanes {
        let (_, cookie) = begin(&server, &lane.to_string());
        clients.push(subscriber(&server, lane, &cookie).await);
        expected.insert((lane.to_string(), lane.spec().id.to_owned()));
    }
    let strangers = [
        subscriber(&server, &lanes[0], "nothing=here").await,
        subscriber(&server, &Lane::parse("sse", transport::ALL).unwrap(), "nothing=here").await,
    ];
    assert_eq!(present(&server).0, expected);
    until("the stranger with a stream counts", || present(&server).1 == 1);
    let announced = |event: &str| -> Vec<String> {
        let held = ask(&server, &format!("GET /v1/{ROOM}/short-polling?after=earliest"), &[], "").2;
        let items = held["items"].as_array().unwrap().iter().filter(|item| item["event"] == event);
        items.map(|item| item["from"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(announced("join"), lanes.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(announced("leave"), Vec::<String>::new());
    drop((clients, strangers));
    until("somebody is there", || present(&server) == (BTreeSet::new(), 0));
    until("everybody was announced", || announced("leave").len() == lanes.len());
    assert_eq!(announced("leave").into_iter().collect::<BTreeSet<_>>().len(), lanes.len(), "once each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_loses_its_connection_on_every_lane() {
    let (server, _) = serve(&[]);
    let lanes = lane::standard(transport::ALL);
    let (_, ana) = begin(&server, "ana");
    let (_, bob) = begin(&server, "bob");
    let mut clients = Vec::new();
    for lane in &lanes {
        clients.push((lane, subscriber(&server, lane, &ana).await));
    }
    let mut others = Vec::new();
    for lane in &lanes {
        others.push((lane, subscriber(&server, lane, &bob).await));
    }
    let begun = Mono::now();
    assert_eq!(ask(&server, "DELETE /session", &[&format!("Cookie: {ana}")], "").0, 204);
    for (lane, client) in &mut clients {
        let end = client.until(|event| match event {
            Event::Closed(close) => Some(close),
            Event::Failed(error) => panic!("{lane} was not told: {error}"),
            _ => None,
        });
        let Close { code, reconnect, reason, .. } = end.await.unwrap_or_else(|error| panic!("{lane}: {error}"));
        assert_eq!((code, reconnect), (codes::SESSION_ENDED, false), "{lane}: {reason}");
    }
    let took = Mono::now().saturating_since(begun);
    assert!(took < REVOKED, "{took:?}");
    for (lane, client) in &clients {
        tokio::time::timeout(PATIENCE, client.all_ended()).await.unwrap_or_else(|_late| panic!("{lane} stands"));
    }
    // The others go on: what is published now reaches them all.
    let offset = post(&server, &[], &message()).2["position"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    for (lane, client) in &mut others {
        let came = client.until(|event| match event {
            Event::Delivery(delivery) if delivery.offset.to_string() == offset => Some(()),
            _ => None,
        });
        came.await.unwrap_or_else(|error: ClientError| panic!("{lane}: {error}"));
    }
    // And the cookie opens nothing any more, on any lane.
    let with = format!("Cookie: {ana}");
    for path in ["sse", "short-polling", "long-polling?after=earliest"] {
        let (status, head, problem) = ask(&server, &format!("GET /v1/{ROOM}/{path}"), &[&with], "");
        assert_eq!((status, &problem["code"]), (503, &json!(codes::SESSION_ENDED)), "{path}");
        assert!(!head.contains("retry-after"), "nobody is asked to come back: {head}");
    }
    let refused = post(&server, &[&with], &message());
    assert_eq!((refused.0, &refused.2["type"]), (401, &json!("session-ended")));
}
