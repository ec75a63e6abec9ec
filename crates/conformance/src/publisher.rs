//! Who publishes over HTTP, whatever the lane, and what is published.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;
use transport::Origin;
use wire::{Draft, Position, RoomName, SessionId};

use crate::{
    http::{Answer, Http, Request},
    outcome::Checked,
};

/// The event of every publication of the suite.
pub(crate) const EVENT: &str = "message";

/// How often a publish that came too fast is tried again. 5: a limit of one a second is met then.
pub(crate) const TRIES: u32 = 5;

/// How long to wait where a server that says "too fast" does not say for how long.
pub(crate) const TOO_FAST: Duration = Duration::from_secs(1);

/// The longest that a server is obeyed.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is to be published.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) event: String,
    /// JSON.
    pub(crate) data: String,
    pub(crate) to: Option<SessionId>,
    pub(crate) echo: bool,
    pub(crate) key: Option<String>,
}

impl Wanted {
    /// For everybody, and without a key.
    pub(crate) fn new(data: &str) -> Self {
        Self { event: EVENT.to_owned(), data: data.to_owned(), to: None, echo: true, key: None }
    }

    pub(crate) fn raw(&self) -> Checked<Box<RawValue>> {
        Ok(RawValue::from_string(self.data.clone())
            .map_err(|error| format!("the suite's own data {:?}: {error}", self.data))?)
    }

    pub(crate) fn draft<'a>(&'a self, data: &'a RawValue) -> Draft<'a> {
        let key = self.key.as_deref().map(Into::into);
        Draft { event: self.event.as_str().into(), data, to: self.to, echo: self.echo, key }
    }
}

/// A publisher over HTTP, with one kept connection.
#[derive(Debug)]
pub(crate) struct Publisher {
    http: Http,
    path: String,
    /// What shows who publishes; none for a stranger.
    cookie: Option<String>,
}

/// The answer to a publish that was taken.
#[derive(Deserialize)]
struct Taken {
    position: Position,
}

impl Publisher {
    pub(crate) fn new(origin: Origin, room: &RoomName, cookie: Option<String>) -> Self {
        Self { http: Http::new(origin), path: format!("/v1/{room}/messages"), cookie }
    }

    /// Publishes `data`, which must be taken.
    pub(crate) async fn publish(&mut self, data: &str) -> Checked<Position> {
        self.put(&Wanted::new(data)).await
    }

    /// Publishes what must be taken, if not at once then when the server says that it may.
    pub(crate) async fn put(&mut self, wanted: &Wanted) -> Checked<Position> {
        let mut answer = self.attempt(wanted).await?;
        for _ in 1..TRIES {
            if answer.status != 429 {
                break;
            }
            let seconds = answer.head.field("retry-after").and_then(|seconds| seconds.parse().ok());
            sleep(seconds.map_or(TOO_FAST, Duration::from_secs).min(LONGEST_WAIT)).await;
            answer = self.attempt(wanted).await?;
        }
        if answer.status != 201 {
            return Err(format!("POST {}: {} {}", self.path, answer.status, answer.body).into());
        }
        let taken: Taken = serde_json::from_str(&answer.body)
            .map_err(|error| format!("POST {} is answered without a position: {error}", self.path))?;
        Ok(taken.position)
    }

    /// Publishes it, whatever the answer. Its key goes into the head.
    pub(crate) async fn attempt(&mut self, wanted: &Wanted) -> Checked<Answer> {
        let data = wanted.raw()?;
        let body = Draft { key: None, ..wanted.draft(&data) }.encode();
        let key = wanted.key.as_deref().map(|key| ("Idempotency-Key", key));
        let cookie = self.cookie.as_deref().map(|cookie| ("Cookie", cookie));
        let headers: Vec<_> = key.into_iter().chain(cookie).collect();
        let request = Request { method: "POST", path: &self.path, headers: &headers, body: body.as_bytes() };
        Ok(self.http.send(request).await?)
    }
}
