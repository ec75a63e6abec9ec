//! Short polling: a request by the clock, an answer at once.
//!
//! # On the wire
//! `GET ?after=POSITION` answers 200 with a batch, `{"position","items":[..],"retry_after_ms"}`; when there is nothing new
//! 204 with the position in `Feed-Position`, or 304 when `If-None-Match` names the
//! position as a tag, `"k3x9.41"`. Without `after` the answer
//! is the head's position and no items. `limit` bounds the items. The uplink is a `POST` beside it.
//!
//! # Order and loss
//! A batch holds publications in the order of their offsets, whole up to its position. A poller that comes later than the
//! ring reaches back finds a gap first.
//!
//! # Resume
//! Every poll is one: the position is in the URL, nothing is kept for a poller, and asking twice gives the same twice.
//!
//! # Liveness
//! None between polls: nothing is held that could die. A named poller is present until it has not asked for 2.5 times the time
//! between its last two polls, 25 s after its first and never under 2.5 s; its `leave` follows within a quarter of a second. A
//! poller that does not get its answer within 30 s gives up. An announced end is 503 with the code in the problem, and with
//! `Retry-After` where it may come back.
//!
//! # Cost
//! A request and an answer with their heads for every interval, whether there is something or not; a delivery waits half
//! an interval on average. A kept connection costs the server its HTTP buffers.

mod client;
mod server;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hub::Hub;

use crate::{Driver, Look, OptionKind, OptionSpec, Role, Spec, Target, Transport, poll_watch::Polls};

/// How often a poller asks. 1 s by default: what people choose who poll for a chat; the bounds keep a sweep sensible.
const INTERVAL: OptionSpec = OptionSpec {
    name: "interval",
    title: "every",
    kind: OptionKind::Duration {
        default: Duration::from_secs(1),
        min: Duration::from_millis(50),
        max: Duration::from_mins(1),
    },
    help: "how long a subscriber waits from one request to the next",
};

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "short-polling",
    title: "Short polling",
    look: Look { light: "#C2410C", dark: "#FB923C", mark: "circle" },
    role: Role::Choice,
    prefix: "/v1/{namespace}/{room}/short-polling",
    options: &[INTERVAL],
    variants: &[],
    preference: Some(4),
    browser_module: Some(include_str!("browser.js")),
    watch: || Box::new(Polls),
    build: |options| Arc::new(ShortPolling { interval: options.duration(&INTERVAL) }),
};

#[derive(Debug)]
struct ShortPolling {
    interval: Duration,
}

impl Transport for ShortPolling {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target, self.interval)
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.interval)
    }
}
