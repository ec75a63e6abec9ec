//! Socket.IO (protocol 5 on Engine.IO protocol 4): events in named rooms, over requests that are held or a WebSocket.
//!
//! # On the wire
//! `/socket.io/?EIO=4&transport=polling` opens a session; each `GET` with its `sid` is held until there is something and
//! answers all of it, each `POST` carries packets up. `transport=websocket` is a session on one connection; with a `sid` it is
//! tried out (`2probe`, `3probe`) and then takes a polling session over (`5`). A namespace is a feed's namespace, `/` is
//! `default`; a socket subscribes with `auth: {room, after}` in its handshake or by emitting `join`. A publication is an event
//! under its own name, `42["message",{..},"room"]`, with the same bytes as on every lane; control items are the events `hello`,
//! `gap` and `close` with the same object. The server never parses a number; what a client's `JSON.parse` makes of one beyond
//! 2^53 is the client's. Binary events get an error as their ack.
//!
//! # Order and loss
//! Publications arrive in the order of their offsets, over an upgrade too. Protocol and official servers promise at most once
//! and keep a queue for each socket; here a socket is a place in its room's ring: one that falls behind is told a gap and
//! goes on from the oldest publication held. Polls have no acks: an answer that is lost on its way is lost in silence where the
//! client goes on with the session, as no official one does; whoever subscribes anew from its last position misses nothing.
//! Events from one client are taken one after the other.
//!
//! # Resume
//! `after` in `auth` or in `join`: the position of the last publication seen. It works over every reconnection, whether or not
//! the server had noticed the end, and over a restart, which is told as a gap; sessions themselves do not survive their end.
//!
//! # Liveness
//! The server pings every heartbeat, whatever else goes over the session, and ends it when no pong comes within the answer time:
//! a death is seen after 45 s at most, whichever carrier it is. It is seen sooner where a poll is hung up, or where a write is
//! not acknowledged or not taken for 30 s. Presence in all rooms of the session ends with it. The driver gives up when it has
//! heard nothing for longer than both. An announced end is a `close` event for each room; then the session ends, upon which
//! official clients come back by themselves, or first every namespace, upon which they stay away.
//!
//! # Cost
//! One task a session, and for one on a WebSocket a read buffer of 1 KiB; the packet of a publication is made once for all in
//! its room. Polling costs what long polling costs, and a request for every ping and every event upwards.

mod client;
mod client_polling;
mod client_reading;
mod client_requests;
mod client_session;
mod client_socket;
mod client_trial;
mod server;
mod server_carrier;
mod server_feeds;
mod server_session;
mod server_sockets;
mod server_suite;
mod watch;
mod watch_packets;

use std::sync::Arc;

use axum::Router;
use client::Carriers;
use hub::Hub;

use crate::{Driver, Look, OptionKind, OptionSpec, Options, Role, Spec, Target, Transport};

const WEBSOCKET: OptionSpec = OptionSpec {
    name: "websocket",
    title: "WebSocket",
    kind: OptionKind::Flag { excludes: &["polling"] },
    help: "a WebSocket from the start, as `transports: [\"websocket\"]`",
};

const POLLING: OptionSpec = OptionSpec {
    name: "polling",
    title: "polling",
    kind: OptionKind::Flag { excludes: &["websocket"] },
    help: "requests alone, as `transports: [\"polling\"]`",
};

/// See the module.
pub(crate) const SPEC: Spec = Spec {
    id: "socketio",
    title: "Socket.IO",
    look: Look { light: "#A21CAF", dark: "#E879F9", mark: "cross" },
    role: Role::Choice,
    prefix: "/socket.io/",
    options: &[WEBSOCKET, POLLING],
    variants: &["websocket", "polling"],
    preference: None,
    browser_module: Some(include_str!("browser.js")),
    watch: || Box::<watch::Sessions>::default(),
    build: |options| Arc::new(SocketIo { carriers: carriers(options) }),
};

fn carriers(options: &Options) -> Carriers {
    if options.flag(&WEBSOCKET) {
        Carriers::WebSocket
    } else if options.flag(&POLLING) {
        Carriers::Polling
    } else {
        Carriers::Both
    }
}

#[derive(Debug)]
struct SocketIo {
    carriers: Carriers,
}

impl Transport for SocketIo {
    fn routes(&self, hub: Hub) -> Router {
        server::routes(hub)
    }

    fn suite_routes(&self, hub: Hub) -> Option<Router> {
        let bare = Router::new().nest("/engine.io/", server::echo_routes(hub.clone()));
        Some(bare.nest(SPEC.prefix, server::suite_routes(hub)))
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        client::driver(target, self.carriers)
    }

    fn connections(&self) -> u32 {
        match self.carriers {
            Carriers::WebSocket => 1,
            // One to poll, one to post.
            Carriers::Polling => 2,
            // And one to try out.
            Carriers::Both => 3,
        }
    }
}
