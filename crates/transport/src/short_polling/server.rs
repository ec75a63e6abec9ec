//! The server half: reads the ring once and answers.

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use hub::{Hub, Wait};

use super::SPEC;
use crate::{
    answer::Refused,
    poll_server::{self, Asked},
    request::Feed,
};

pub(super) fn routes(hub: Hub) -> Router {
    Router::new().route("/", get(answer)).with_state(hub)
}

async fn answer(State(hub): State<Hub>, feed: Feed, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&hub, &request)?;
    drop(request);
    poll_server::answer(&hub, SPEC.id, &feed, &asked, Wait::No, hub.limits().retry_after).await
}
