//! Pages of other origins: what a browser sends for them is refused, before anything is read or written.

use transport::DriverError;
use wire::After;

use crate::{
    client::ClientError,
    compare,
    http::{Http, Request},
    outcome::Checked,
    publisher::Wanted,
    spoiler::Spoil,
    subscriber::{Fate, Subscriber},
    trial::{Trial, last},
};

/// What browsers say of pages that are not the server's. The last but one is of a page whose name begins as the server's.
/// Without an origin it is a request whose answer the page cannot read, but which has the cookie.
const FOREIGN: [&str; 5] = [
    "Origin: http://stranger.invalid",
    "Origin: https://stranger.invalid",
    "Origin: null",
    "Origin: http://{host}.stranger.invalid",
    "Sec-Fetch-Site: cross-site",
];

/// What they say of the server's own.
const OWN: [&str; 2] = ["Origin: http://{host}", "Sec-Fetch-Site: same-origin"];

/// What lets a page of another origin read an answer.
const READABLE: &str = "access-control-allow-origin";

/// What a page subscribes by and what it publishes by; one request may be both.
const ALL: &[&str] = &["GET", "POST"];
const POSTS: &[&str] = &["POST"];

/// A subscriber as a page has it: its requests of these methods say so.
fn page(trial: &Trial, line: &str, of: &'static [&'static str]) -> Subscriber {
    let line = line.replace("{host}", &trial.suite.origin.authority);
    trial.subscribe_spoilt(After::Head, Spoil::Header { line, of }).0
}

pub(crate) async fn origin_rules_hold(trial: Trial) -> Checked {
    let start = trial.subscribe(After::Head).ready().await?;
    for line in FOREIGN {
        subscribing_is_refused(&trial, line).await.map_err(|otherwise| otherwise.at(line))?;
        publishing_is_refused(&trial, line).await.map_err(|otherwise| otherwise.at(line))?;
        http_is_refused(&trial, line).await.map_err(|otherwise| otherwise.at(line))?;
    }
    let head = trial.subscribe(After::Head).ready().await?;
    if head != start {
        return Err(format!("refused, and published all the same: the feed is at {head}, and was at {start}").into());
    }
    for line in OWN {
        own_may(&trial, line).await.map_err(|otherwise| otherwise.at(line))?;
    }
    Ok(format!("{} kinds of foreign page refused, subscribing and publishing; the server's own may", FOREIGN.len()))
}

async fn subscribing_is_refused(trial: &Trial, line: &str) -> Checked<()> {
    let mut reader = page(trial, line, ALL);
    match (reader.ready().await, reader.end()) {
        (Ok(position), _) => Err(format!("a foreign page subscribes, at {position}").into()),
        (Err(_), Some(ClientError::Failed(DriverError::Status { status: 400..=499, .. }))) => Ok(()),
        (Err(otherwise), _) => Err(otherwise.at("neither subscribed nor refused")),
    }
}

/// On a lane whose uplink is no request of its own, what opened the stream is refused.
async fn publishing_is_refused(trial: &Trial, line: &str) -> Checked<()> {
    let mut writer = page(trial, line, POSTS);
    if let Err(otherwise) = writer.ready().await {
        return match writer.end() {
            Some(ClientError::Failed(DriverError::Status { status: 400..=499, .. })) => Ok(()),
            _ => Err(otherwise.at("neither published nor refused")),
        };
    }
    if trial.opening(After::Head).contains("\r\nUpgrade: ") {
        return Ok(());
    }
    match writer.attempt(&Wanted::new(r#""from a stranger""#)).await? {
        Fate::Refused(refusal) if (400..500).contains(&refusal.status) => Ok(()),
        Fate::Ended(ClientError::Failed(DriverError::Status { status: 400..=499, .. })) => Ok(()),
        Fate::Taken(position) => Err(format!("a foreign page publishes, at {position}").into()),
        fate => Err(format!("neither published nor refused: {fate:?}").into()),
    }
}

/// Publishing over HTTP, and reading what every lane's position is good for.
async fn http_is_refused(trial: &Trial, line: &str) -> Checked<()> {
    let line = line.replace("{host}", &trial.suite.origin.authority);
    let Some(header) = line.split_once(": ") else { return Ok(()) };
    let mut http = Http::new(trial.suite.origin.clone());
    let body = br#"{"event":"message","data":"from a stranger"}"#;
    for (method, path, body) in [
        ("POST", format!("/v1/{}/messages", trial.room), &body[..]),
        ("POST", format!("/v1/{}/messages", trial.room.namespace()), body),
        ("GET", format!("/v1/{}/short-polling", trial.room), b""),
    ] {
        let answer = http.send(Request { method, path: &path, headers: &[header], body }).await?;
        if !answer.is_refusal() {
            return Err(format!("{method} {path} is answered {}", answer.status).into());
        }
        if let Some(readable) = answer.head.field(READABLE) {
            return Err(format!("{method} {path} says that {readable:?} may read the answer").into());
        }
    }
    Ok(())
}

async fn own_may(trial: &Trial, line: &str) -> Checked<()> {
    let mut reader = page(trial, line, ALL);
    let start = reader.ready().await?.offset;
    let mut writer = page(trial, line, ALL);
    writer.ready().await?;
    let data = r#""from its own page""#;
    let sent = compare::Sent::from([(writer.put(&Wanted::new(data)).await?.offset, data.to_owned())]);
    reader.read_to(last(&sent)).await?;
    Ok(compare::exactly(reader.told(), start, &sent)?)
}
