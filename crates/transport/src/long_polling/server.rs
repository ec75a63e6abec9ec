//! The server half: waits on the ring and answers.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use hub::{Hub, Wait};
use serde::Deserialize;
use wire::duration;

use super::SPEC;
use crate::{
    answer::Refused,
    poll_server::{self, Asked},
    request::{self, Feed},
};

/// The largest part of a hold that chance may take off.
const JITTER: f64 = 0.1;

pub(super) fn routes(hub: Hub) -> Router {
    Router::new().route("/", get(answer)).with_state(hub)
}

#[derive(Deserialize)]
struct Options {
    wait: Option<String>,
}

async fn answer(State(hub): State<Hub>, feed: Feed, request: Request) -> Result<Response, Refused> {
    let limits = hub.limits();
    let wait = match request::query::<Options>(request.uri())?.wait {
        Some(text) => duration::parse(&text).map_err(|error| Refused::bad_request("bad-query", error.to_string()))?,
        None => limits.hold,
    };
    let hold = wait.min(limits.max_hold).mul_f64(1.0 - JITTER * rand::random::<f64>());
    let asked = Asked::read(&hub, &request)?;
    drop(request);
    poll_server::answer(&hub, SPEC.id, &feed, &asked, Wait::For(hold), Duration::ZERO).await
}
