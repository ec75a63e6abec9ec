//! The server: every transport of a list on one port, one hub behind them.
//!
//! `bind` takes what comes from outside (an address, limits, the list of transports), `run` serves until it is told to stop
//! and then drains: no new connections, an announced end for everybody spread over two seconds, done in five.
//!
//! | file | holds |
//! |---|---|
//! | `accept` | sockets: the listener, what is set on each connection, the connection's life |
//! | `app` | routes: transports mounted, publishing, lists, health |
//! | `metrics` | Prometheus text |
//! | `page` | the web page, built in |

mod accept;
mod app;
mod metrics;
mod page;

use std::{io, net::SocketAddr, time::Duration};

use hub::{Hub, Limits, LimitsError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use transport::Spec;
use wire::{Close, control::codes};

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one table of limits.
    pub limits: Limits,
    /// The transports to mount.
    pub catalog: &'static [Spec],
    /// Whether what outside protocol suites need is mounted, in place of the feeds where it needs their paths.
    pub test_endpoints: bool,
}

/// Why there is no server. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Limits that do not fit together.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// Not where it was told to.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    hub: Hub,
    catalog: &'static [Spec],
    test_endpoints: bool,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open when time was up, and were cut.
    pub cut: usize,
}

impl Server {
    /// Listens. Connections made from now on wait until [`Server::run`].
    ///
    /// # Errors
    ///
    /// When the limits do not fit together, or the address is taken or not of this host.
    pub fn bind(config: Config) -> Result<Self, BindError> {
        let Config { listen, limits, catalog, test_endpoints } = config;
        limits.check()?;
        let failed = |source| BindError::Listen { address: listen, source };
        let listener = accept::listen(listen, limits.listen_backlog).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, hub: Hub::new(limits), catalog, test_endpoints })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done, then drains.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops accepting and leaves open connections to their tasks, without an announced end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Drained {
        let Self { listener, hub, catalog, test_endpoints, .. } = self;
        let limits = hub.limits().clone();
        let connections = TaskTracker::new();
        let stop = CancellationToken::new();
        let app = app::router(&hub, catalog, test_endpoints, &connections);
        tokio::select! {
            () = shutdown => {}
            () = accept::serve(listener, app, &limits, &connections, &stop) => {}
            () = sweep(&hub) => {}
        }
        // The listener is gone: who connects now is refused, and comes to whoever listens next.
        let deadline = Instant::now() + limits.drain;
        connections.close();
        hub.close(Close {
            code: codes::DRAIN,
            reason: "the server is going down; come back in a moment".to_owned(),
            reconnect: true,
            retry_after_ms: u64::try_from(limits.retry_after.as_millis()).unwrap_or(u64::MAX),
        });
        // Pollers learn of it with their next request, so kept connections live through the spread.
        tokio::select! {
            () = connections.wait() => {}
            () = sleep(limits.drain_spread.min(limits.drain)) => stop.cancel(),
        }
        // Counted below, whether or not time was up.
        let _in_time = timeout(deadline.saturating_duration_since(Instant::now()), connections.wait()).await;
        Drained { cut: connections.len() }
    }
}

/// Drops idle rooms for ever.
async fn sweep(hub: &Hub) {
    // Ten times in the life of an idle room: late by a tenth at most.
    let mut ticks = interval((hub.limits().idle_room / 10).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        hub.sweep(now);
    }
}

/// Raises the file limit as far as it goes and gives what is in force: one connection is one file.
pub fn raise_file_limit() -> u64 {
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: now.maximum, maximum: now.maximum };
    let in_force = if setrlimit(Resource::Nofile, wanted).is_ok() { wanted } else { now };
    in_force.current.unwrap_or(u64::MAX)
}
