//! Every way of carrying a feed, both halves of each together in one folder.
//!
//! A transport is a [`Spec`] in [`ALL`], a folder with its server half, its driver and its browser half, and nothing
//! else: routes, lanes, reports and pages take it from the list. Transports do not know one another; what several need
//! stands beside the folders:
//!
//! | file | for |
//! |---|---|
//! | [`driver`] | the seam of the client half |
//! | [`target`], [`headers`] | what a driver subscribes to, and the request heads it sends |
//! | [`lane`], [`options`] | a transport with options, as a column of a comparison |
//! | [`answer`], [`request`] | what routes answer, and how they read what they are asked |
//! | [`connection`] | the accepted connection under an upgrade |
//! | `poll_server`, `poll_client` | batches that are asked for, by the clock or held |
//! | `duplex_server`, `duplex_client` | two-way streams of items, whatever their frames |
//! | `websocket_server`, `websocket_client` | messages over a WebSocket, accepted and asked for |
//! | `exchange` | HTTP requests of drivers, uplink included |
//! | [`watch`] and `*_watch`, `watch_*` | what the bytes of an accepted connection were for, by looking on |

use std::{fmt, sync::Arc, time::Duration};

use axum::Router;
use hub::Hub;

pub mod answer;
pub mod connection;
pub mod driver;
mod duplex_client;
mod duplex_server;
mod exchange;
pub mod headers;
pub mod lane;
mod long_polling;
pub mod options;
mod poll_client;
mod poll_server;
mod poll_watch;
mod raw;
pub mod request;
mod short_polling;
mod socketio;
mod sse;
pub mod target;
pub mod watch;
mod watch_connection;
mod watch_duplex;
mod watch_row;
mod watch_whole;
mod websocket;
mod websocket_client;
mod websocket_server;
mod websocket_watch;

pub use driver::{Charge, Command, ConnectionId, Delivery, Driver, DriverError, Event, Out};
pub use headers::{Headers, HeadersError};
pub use lane::{Lane, LaneError};
pub use options::{OptionError, OptionKind, OptionSpec, Options};
pub use target::{AddressError, Origin, Target};

#[cfg(test)]
mod tests;

/// Every transport, in the order in which reports and pages show them.
pub const ALL: &[Spec] =
    &[short_polling::SPEC, long_polling::SPEC, sse::SPEC, websocket::SPEC, socketio::SPEC, raw::SPEC];

/// What is known about a transport before any instance of it exists.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Stable identifier in kebab case: command line, records, URLs; the folder's name with `_` for `-`.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// How it is drawn, everywhere.
    pub look: Look,
    /// What it is in a comparison.
    pub role: Role,
    /// Under which path its routes are mounted; may hold `{namespace}` and `{room}`.
    pub prefix: &'static str,
    /// The options that its lanes may have.
    pub options: &'static [OptionSpec],
    /// The options of further lanes that are compared by default beside the plain one, each as it follows the first `+` of
    /// the lane's name.
    pub variants: &'static [&'static str],
    /// Its place in the order in which a client that may choose tries transports, 1 first; none for one that is chosen by name
    /// alone.
    pub preference: Option<u8>,
    /// Its browser half: the source of an ES module, or none where browsers cannot speak it.
    pub browser_module: Option<&'static str>,
    /// Makes what says, of the connections that a server accepted, what the bytes of its exchanges were for.
    pub watch: fn() -> Box<dyn watch::Watch>,
    /// Makes an instance.
    pub build: fn(&Options) -> Arc<dyn Transport>,
}

/// How a transport is drawn, on a page and in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Hex colour on a light ground.
    pub light: &'static str,
    /// Hex colour on a dark ground.
    pub dark: &'static str,
    /// The shape of its points: `circle`, `square`, `triangle`, `diamond`, `cross`, or `line` for the floor.
    pub mark: &'static str,
}

/// What a transport is in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One of those that people choose from.
    Choice,
    /// A choice that also runs a second time in every block, to show how much two equal lanes differ.
    Twin,
    /// The least a feed can cost here: overhead is read against it, and the neutral publisher uses it.
    Floor,
}

/// One way of carrying publications from a hub to subscribers, seen from both ends. Stateless.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Server half: the routes relative to [`Spec::prefix`].
    ///
    /// Handlers end soon after the hub closes. Whatever outlives its request (an upgraded connection) ends by itself
    /// within the hub's drain limit.
    fn routes(&self, hub: Hub) -> Router;

    /// What outside protocol suites need of the server half, from the server's root: in place of [`routes`](Self::routes),
    /// where a server is told to.
    fn suite_routes(&self, _hub: Hub) -> Option<Router> {
        None
    }

    /// Client half: a machine for one subscription.
    fn driver(&self, target: Target) -> Box<dyn Driver>;

    /// How many connections a subscriber has at once, at most: each is a file at either end.
    fn connections(&self) -> u32 {
        1
    }

    /// How often a subscriber asks, for transports that ask by the clock.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// How long a request is held, for transports that ask again as soon as there was an answer.
    fn hold(&self) -> Option<Duration> {
        None
    }
}
