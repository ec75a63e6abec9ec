//! What nobody should send, and a clear answer to it: over HTTP, in what opens a subscription, and in what is published.

use transport::DriverError;
use wire::{After, Epoch, Position, name::MAX_KEY_BYTES, name::RESERVED_EVENTS, publication::MAX_DATA_DEPTH};

use super::bad_bytes;
use crate::{
    client::ClientError,
    compare,
    http::{Answer, Http, Request},
    outcome::Checked,
    publisher::Wanted,
    spoiler::Spoil,
    subscriber::Fate,
    trial::{Trial, last},
};

/// Longer than any name may be.
const TOO_LONG: usize = 65;

/// Bodies of a publish that are none. Each is refused whatever else is right.
const BODIES: [&[u8]; 10] = [
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    br#"{"event":"message"}"#,
    br#"{"data":1}"#,
    br#"{"event":7,"data":1}"#,
    br#"{"event":"message","data":1,"dta":2}"#,
    br#"{"event":"message","data":1,"to":"nobody"}"#,
    b"{\"event\":\"message\",\"data\":\"\xff\"}",
];

pub(crate) async fn bad_input_is_answered(trial: Trial) -> Checked {
    let start = trial.subscribe(After::Head).ready().await?;
    let over_http = over_http(&trial).await.map_err(|otherwise| otherwise.at("HTTP"))?;
    let opened = opened(&trial).await.map_err(|otherwise| otherwise.at("subscribing"))?;
    let mut due = compare::Sent::new();
    let published = published(&trial, &mut due).await.map_err(|otherwise| otherwise.at("publishing"))?;
    let spoilt = bad_bytes::sent(&trial, &mut due).await.map_err(|otherwise| otherwise.at("publishing"))?;
    due.extend(trial.publish(1).await?);
    let mut reader = trial.subscribe(After::Position(start.clone()));
    reader.read_to(last(&due)).await.map_err(|otherwise| otherwise.at("afterwards"))?;
    compare::exactly(reader.told(), start.offset, &due).map_err(|why| format!("afterwards: {why}"))?;
    Ok(format!("refused: {over_http} over HTTP, {opened} subscriptions, {published} publishes, {spoilt}"))
}

/// Events and keys that a publish may not have.
fn drafts() -> Vec<Wanted> {
    let (long, key) = ("x".repeat(TOO_LONG), "x".repeat(MAX_KEY_BYTES + 1));
    let events = RESERVED_EVENTS.into_iter().chain(["", "line\nend", &long]);
    let events = events.map(|event| Wanted { event: event.to_owned(), ..Wanted::new("1") });
    let deep = format!("{}{}", "[".repeat(MAX_DATA_DEPTH + 1), "]".repeat(MAX_DATA_DEPTH + 1));
    let keys = ["", &key, "k\u{e9}y"].map(|key| Wanted { key: Some(key.to_owned()), ..Wanted::new("1") });
    events.chain(keys).chain([Wanted::new(&deep)]).collect()
}

async fn over_http(trial: &Trial) -> Checked<usize> {
    let mut http = Http::new(trial.suite.origin.clone());
    let mut publisher = trial.publisher();
    let mut count = 0;
    for wanted in drafts() {
        let answer = publisher.attempt(&wanted).await?;
        is_problem(&answer).map_err(|why| format!("publishing {wanted:?}: {why}"))?;
        count += 1;
    }
    let (namespace, room) = (trial.room.namespace(), trial.room.room());
    let long = "x".repeat(TOO_LONG);
    let path = format!("/v1/{namespace}/{room}/messages");
    let good = br#"{"event":"message","data":1}"#.as_slice();
    let bodies = BODIES.iter().map(|body| ("POST", path.clone(), *body));
    let names = [
        format!("/v1/{namespace}/a%20room/messages"),
        format!("/v1/{namespace}/{long}/messages"),
        format!("/v1/%00/{room}/messages"),
        format!("/v1/a~namespace/{room}/messages"),
    ];
    let names = names.into_iter().map(|path| ("POST", path, good));
    let positions = ["7", "a.b", "a.-1", "a.18446744073709551616", "a%FF.1", ".1", "a."];
    let positions = positions
        .into_iter()
        .map(|after| ("GET", format!("/v1/{namespace}/{room}/short-polling?after={after}"), b"".as_slice()));
    for (method, path, body) in bodies.chain(names).chain(positions) {
        let answer = http.send(Request { method, path: &path, headers: &[], body }).await?;
        let shown = String::from_utf8_lossy(body);
        is_problem(&answer).map_err(|why| format!("{method} {path} {shown}: {why}"))?;
        count += 1;
    }
    Ok(count)
}

/// A refusal that says what was wrong, in the form that all have.
fn is_problem(answer: &Answer) -> Result<(), String> {
    let kind = answer.head.field("content-type").unwrap_or_default();
    let says = serde_json::from_str::<serde_json::Value>(&answer.body).ok();
    let detail = says.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or_default();
    if answer.is_refusal() && kind.starts_with("application/problem+json") && !detail.is_empty() {
        return Ok(());
    }
    Err(format!("answered {} {kind:?} {}", answer.status, answer.body))
}

/// Subscriptions with a bad room or position, and requests that belong to no subscription.
async fn opened(trial: &Trial) -> Checked<usize> {
    let mut count = 0;
    let epoch = Epoch::new("zzzzzz").ok_or_else(|| "the suite's own epoch".to_owned())?;
    let after = After::Position(Position { epoch, offset: 7 });
    let room = trial.room.room();
    for (after, find, put) in [
        (&after, "zzzzzz.7", "zzzzzz~7".to_owned()),
        (&after, "zzzzzz.7", "zzzzzz.x".to_owned()),
        (&After::Head, room, room.replace('.', "~")),
        (&After::Head, room, "*".repeat(room.len())),
    ] {
        let spoil = Spoil::Bytes { find: find.into(), put: put.clone().into_bytes() };
        let (mut reader, spoilt) = trial.subscribe_spoilt(after.clone(), spoil);
        let ready = reader.ready().await;
        if !spoilt.is_any() {
            return Err(format!("{find} goes to the server in no form that is known").into());
        }
        match (ready, reader.end()) {
            (Err(_), Some(ClientError::Failed(DriverError::Status { status: 400..=499, detail }))) => {
                if detail.is_empty() {
                    return Err(format!("{put} is refused without a word").into());
                }
            }
            (Ok(position), _) => return Err(format!("{put} is taken, at {position}").into()),
            (Err(otherwise), _) => return Err(otherwise.at(&format!("{put} is not refused"))),
        }
        count += 1;
    }
    Ok(count + strays(trial).await?)
}

/// Requests that open nothing: an upgrade's path without the upgrade, and sessions of Engine.IO that are not there.
async fn strays(trial: &Trial) -> Checked<usize> {
    let opening = trial.opening(After::Head);
    let path = opening.split(' ').nth(1).unwrap_or_default();
    let mut strays: Vec<(&str, String, &[u8])> = Vec::new();
    if opening.contains("\r\nUpgrade: ") {
        strays.push(("GET", path.to_owned(), b""));
    }
    if let Some(base) = trial.engine_path() {
        strays.extend([
            ("GET", format!("{base}?EIO=4&transport=polling&sid=nobody"), b"".as_slice()),
            ("POST", format!("{base}?EIO=4&transport=polling&sid=nobody"), b"2"),
            ("GET", format!("{base}?EIO=4&transport=websocket&sid=nobody"), b""),
            ("GET", format!("{base}?EIO=99&transport=polling"), b""),
            ("GET", format!("{base}?EIO=4&transport=pigeon"), b""),
            ("POST", format!("{base}?EIO=4&transport=polling"), b"2"),
        ]);
    }
    let mut http = Http::new(trial.suite.origin.clone());
    for (method, path, body) in &strays {
        let answer = http.send(Request { method, path, headers: &[], body }).await?;
        if !answer.is_refusal() || answer.body.is_empty() {
            return Err(format!("{method} {path} is answered {} {:?}", answer.status, answer.body).into());
        }
    }
    Ok(strays.len())
}

/// Publishes on the lane that are well-formed and not allowed: each is refused, and none ends the subscription. A
/// good one, which goes into `taken`, is taken after that.
async fn published(trial: &Trial, taken: &mut compare::Sent) -> Checked<usize> {
    let mut writer = trial.subscribe(After::Head);
    let start = writer.ready().await?;
    let drafts = drafts();
    for wanted in &drafts {
        match writer.attempt(wanted).await? {
            Fate::Refused(refusal) if (400..500).contains(&refusal.status) && !refusal.detail.is_empty() => {}
            fate => return Err(format!("{wanted:?}: {fate:?}").into()),
        }
    }
    let head = trial.subscribe(After::Head).ready().await?;
    if head != start {
        return Err(format!("refused, and published all the same: the feed is at {head}, and was at {start}").into());
    }
    taken.insert(writer.put(&Wanted::new("\"good\"")).await?.offset, "\"good\"".to_owned());
    Ok(drafts.len())
}
