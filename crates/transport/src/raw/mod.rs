//! The floor: an HTTP upgrade to items behind a 4-byte length, and nothing else.
//!
//! Nobody should use it; it shows what a feed costs before a protocol adds anything.
//!
//! # On the wire
//! `GET` with `Upgrade: feedbench-raw` answers 101. From then on both ends write items, each behind its length as 4
//! bytes, big-endian. `receive=false` in the query makes an uplink alone. Items up are those of a WebSocket.
//!
//! # Order and loss
//! Publications arrive in the order of their offsets. A subscriber that falls behind the ring is told a gap and goes
//! on from the oldest publication held.
//!
//! # Resume
//! `after` in the query.
//!
//! # Liveness
//! The server writes a length of 0 when it has heard nothing for the heartbeat; the client answers with the same. A server that
//! hears nothing for the answer time cuts the connection, 45 s after the last item at most, sooner where a write is not
//! acknowledged or not taken for 30 s; presence ends with it. A client that hears nothing for heartbeat and answer time gives up.
//!
//! # Cost
//! 4 bytes and one write a delivery; one task a connection.

mod client;
mod server;
mod watch;

use std::sync::Arc;

use axum::Router;
use hub::Hub;

use crate::{Driver, Look, Role, Spec, Target, Transport};

/// The protocol's name in the `Upgrade` header.
const PROTOCOL: &str = "feedbench-raw";

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "raw",
    title: "raw",
    look: Look { light: "#6B7280", dark: "#9CA3AF", mark: "line" },
    role: Role::Floor,
    prefix: "/v1/{namespace}/{room}/raw",
    options: &[],
    variants: &[],
    // Browsers open no connections of their own protocol.
    preference: None,
    browser_module: None,
    watch: || Box::new(watch::Feeds),
    build: |_options| Arc::new(Raw),
};

#[derive(Debug)]
struct Raw;

impl Transport for Raw {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target)
    }
}
