//! WebSocket (RFC 6455): one connection, frames of text both ways.
//!
//! # On the wire
//! `GET` with the handshake of RFC 6455 answers 101. Each item is one text message in one frame: 2 bytes of header
//! below 126 bytes, 4 up to 64 KiB, and 4 more for the mask on the way up. No extensions: a client's offer of compression is
//! not taken. Binary messages close with 1003, messages over the limit with 1009, text that is not UTF-8 with 1007.
//!
//! # Order and loss
//! Publications arrive in the order of their offsets. A subscriber that falls behind the ring is told a gap and goes
//! on from the oldest publication held.
//!
//! # Resume
//! `after` in the query: the position of the last item seen.
//!
//! # Liveness
//! The server pings when it has heard nothing for the heartbeat, and cuts the connection when nothing comes within the answer
//! time: a death is seen 45 s after the last frame at most, sooner where a write is not acknowledged for 30 s, and a peer that
//! does not read 30 s after the last byte that could be written. Presence ends with the connection. Browsers answer pings by
//! themselves and do not show them to the page; the driver gives up when it has heard nothing for heartbeat and answer time. An
//! announced end is a `close` item, then a close frame with the same code.
//!
//! # Cost
//! One task and one read buffer of 1 KiB a connection; a copy of each item into the frame, per subscriber.

mod client;
mod server;
mod watch;

use std::sync::Arc;

use axum::Router;
use hub::Hub;

use crate::{Driver, Look, Role, Spec, Target, Transport};

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "websocket",
    title: "WebSocket",
    look: Look { light: "#1D4ED8", dark: "#60A5FA", mark: "diamond" },
    role: Role::Twin,
    prefix: "/v1/{namespace}/{room}/websocket",
    options: &[],
    variants: &[],
    preference: Some(1),
    browser_module: Some(include_str!("browser.js")),
    watch: || Box::new(watch::Feeds),
    build: |_options| Arc::new(WebSocket),
};

#[derive(Debug)]
struct WebSocket;

impl Transport for WebSocket {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn suite_routes(&self, hub: Hub) -> Option<Router> {
        Some(server::echo(hub.clone()).nest(SPEC.prefix, server::routes(hub)))
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target)
    }
}
