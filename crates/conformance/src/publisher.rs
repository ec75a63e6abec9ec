//! Who publishes over HTTP, whatever the lane.

use serde::Deserialize;
use transport::Origin;
use wire::{Draft, Position, RoomName};

use crate::{
    http::{Answer, Http},
    outcome::Checked,
};

/// The event of every publication of the suite.
pub(crate) const EVENT: &str = "message";

/// A publisher over HTTP, with one kept connection.
#[derive(Debug)]
pub(crate) struct Publisher {
    http: Http,
    path: String,
}

/// The answer to a publish that was taken.
#[derive(Deserialize)]
struct Taken {
    position: Position,
}

impl Publisher {
    pub(crate) fn new(origin: Origin, room: &RoomName) -> Self {
        Self { http: Http::new(origin), path: format!("/v1/{room}/messages") }
    }

    /// Publishes `data`, which must be taken.
    pub(crate) async fn publish(&mut self, data: &str) -> Checked<Position> {
        let answer = self.attempt(data).await?;
        if answer.status != 201 {
            return Err(format!("POST {}: {} {}", self.path, answer.status, answer.body).into());
        }
        let taken: Taken = serde_json::from_str(&answer.body)
            .map_err(|error| format!("POST {} is answered without a position: {error}", self.path))?;
        Ok(taken.position)
    }

    /// Publishes `data`, whatever the answer.
    pub(crate) async fn attempt(&mut self, data: &str) -> Checked<Answer> {
        let data: &serde_json::value::RawValue =
            serde_json::from_str(data).map_err(|error| format!("the suite's own data {data:?}: {error}"))?;
        let body = Draft { event: EVENT.into(), data }.encode();
        Ok(self.http.request("POST", &self.path, &body).await?)
    }
}
