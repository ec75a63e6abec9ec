//! Long polling: a request that the server holds until there is something.
//!
//! # On the wire
//! `GET ?after=POSITION&wait=25s` answers 200 with a batch, `{"position","items":[..],"retry_after_ms":0}`, as soon as
//! there is something after the position, and 204 with the position in `Feed-Position` when there was nothing for as long as `wait` (55 s
//! at most). Without `after` the answer is the head's position, at once. `limit` bounds the items. The uplink is a `POST`
//! beside it.
//!
//! # Order and loss
//! A batch holds publications in the order of their offsets, whole up to its position. What is published while no request is
//! there is in the next answer: nothing is ever marked as delivered. A poller that comes later than the ring reaches back
//! finds a gap first.
//!
//! # Resume
//! Every request is one: the position is in the URL, and nothing is kept for a poller. Two requests at a time do not know of
//! each other and get the same.
//!
//! # Liveness
//! A client that hangs up ends the wait at once, unless it sent more behind its request; one that is gone without a word is seen
//! when its answer, due after the hold at the latest, is not acknowledged for 30 s. A named one is present while it is held and
//! until it has not asked for 2.5 times the time between its last two requests, 2.5 s after its answer at least: 62.5 s after its
//! last request in a silent room, some seconds in a lively one. The hold is shortened by up to a tenth, by chance, so that a
//! crowd that came together does not come back together. A client gives up 30 s after the hold. An announced end is 503 with the
//! code in the problem, and with `Retry-After` where it may come back.
//!
//! # Cost
//! A request and an answer with their heads for every batch: at most one a round trip, so a fast feed is carried in batches
//! and a delivery that just missed an answer waits for the next. One HTTP handler and its buffers a waiter.

mod client;
mod server;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hub::Hub;

use crate::{Driver, Look, Role, Spec, Target, Transport, poll_watch::Polls};

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "long-polling",
    title: "Long polling",
    look: Look { light: "#A16207", dark: "#FACC15", mark: "square" },
    role: Role::Choice,
    prefix: "/v1/{namespace}/{room}/long-polling",
    options: &[],
    variants: &[],
    preference: Some(3),
    browser_module: Some(include_str!("browser.js")),
    watch: || Box::new(Polls),
    build: |_options| Arc::new(LongPolling),
};

#[derive(Debug)]
struct LongPolling;

impl Transport for LongPolling {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target)
    }

    fn hold(&self) -> Option<Duration> {
        Some(client::HOLD)
    }
}
