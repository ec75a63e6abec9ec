//! Server-Sent Events (WHATWG HTML, section 9.2): one endless answer, events as lines of text.
//!
//! # On the wire
//! `GET` answers 200 with `text/event-stream`, in chunks. A publication is `id: POSITION` and `data: JSON`, without an
//! `event:` line, because its name is inside and `EventSource` knows no wildcard. Control items have `event: hello`, `gap`,
//! `close` or `heartbeat`; hello and gap have an id too. Never compressed, and proxies are asked not to buffer. The uplink
//! is a `POST` beside it.
//!
//! # Order and loss
//! Publications arrive in the order of their offsets. A subscriber that falls behind the ring is told a gap and goes
//! on from the oldest publication held.
//!
//! # Resume
//! `EventSource` comes back by itself with the id of the last event in `Last-Event-ID`; the server also takes it as
//! `last_event_id` or `lastEventId` in the query, and `after` like every lane. The header wins over the query, for a browser
//! cannot change its URL.
//!
//! # Liveness
//! After a heartbeat's time without an event the server sends one of its own, which pages see, because `EventSource` does not
//! tell of comments. The driver gives up when it has heard nothing for longer than that. A server sees a client that hangs up at
//! once. There is no answer to a heartbeat: one that is gone without a word is seen when a write is not acknowledged for 30 s,
//! which is 55 s after its death at most, and one that does not read when nothing could be written for 30 s. Presence ends with
//! the connection. An announced end is a `close` event with a `retry:` of its own, then the end of the answer and of its
//! connection.
//!
//! # Cost
//! No request a delivery; some 40 bytes of fields and chunk around it, made once for all subscribers. The connection keeps its
//! HTTP buffers for as long as it lives.

mod client;
mod server;
mod watch;

use std::sync::Arc;

use axum::Router;
use hub::Hub;

use crate::{Driver, Look, Role, Spec, Target, Transport};

/// The names of control events.
const HELLO: &str = "hello";
const GAP: &str = "gap";
const CLOSE: &str = "close";
const HEARTBEAT: &str = "heartbeat";

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "sse",
    title: "SSE",
    look: Look { light: "#047857", dark: "#34D399", mark: "triangle" },
    role: Role::Choice,
    prefix: "/v1/{namespace}/{room}/sse",
    options: &[],
    variants: &[],
    preference: Some(2),
    browser_module: Some(include_str!("browser.js")),
    watch: || Box::new(watch::Streams),
    build: |_options| Arc::new(Sse),
};

#[derive(Debug)]
struct Sse;

impl Transport for Sse {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target)
    }
}
