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
//! | `gate` | what every request passes before any route sees it |
//! | `origin` | which pages may use the server |
//! | `session` | the signed cookie, and who makes a request |
//! | `page` | the web page, built in |
//! | `watch`, `connections` | what the connections of a session carried, where that is asked for, and their end |

mod accept;
mod app;
mod connections;
mod gate;
mod metrics;
mod origin;
mod page;
mod session;
mod watch;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::future::join_all;
use hub::{Hub, Limits, LimitsError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use transport::Spec;
use wire::{Close, control::codes};

use gate::Gate;
pub use origin::OriginError;
use origin::Origins;
use session::Issuer;
pub use session::{MIN_SECRET_BYTES, SessionConfig};
use watch::Registry;

#[cfg(test)]
mod tests;

/// How long what is over is kept at most.
const SWEEP_TICK: Duration = Duration::from_secs(10);

/// How late the end of a poller is announced at most.
const LAPSE_TICK: Duration = Duration::from_millis(250);

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, once at least; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The one table of limits.
    pub limits: Limits,
    /// The transports to mount.
    pub catalog: &'static [Spec],
    /// Whether what outside protocol suites need is mounted, in place of the feeds where it needs their paths.
    pub test_endpoints: bool,
    /// How sessions are signed.
    pub sessions: SessionConfig,
    /// Origins whose pages may use the server beside its own, such as `https://chat.example`.
    pub allowed_origins: Vec<String>,
    /// Whether every connection's bytes are taken apart and counted, for `/v1/connections`. It costs CPU, up to 2 MiB for a
    /// connection in mid-item, and a second file for each; so never where something is measured.
    pub watch_connections: bool,
}

impl Config {
    /// One address, these limits and transports; sessions of this process, pages of its own.
    pub fn new(listen: SocketAddr, limits: Limits, catalog: &'static [Spec]) -> Self {
        Self {
            listen: vec![listen],
            limits,
            catalog,
            test_endpoints: false,
            sessions: SessionConfig::default(),
            allowed_origins: Vec::new(),
            watch_connections: false,
        }
    }
}

/// Why there is no server. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Limits that do not fit together.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// Sessions that anybody could sign.
    #[error(
        "the session secret has {0} bytes; it must have {MIN_SECRET_BYTES} at least, such as openssl rand -hex 32 gives"
    )]
    Secret(usize),
    /// A text that is no origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
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
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    hub: Hub,
    gate: Arc<Gate>,
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
    /// When the limits do not fit together, the secret is short, an origin is none, or an address is taken or not of this host.
    pub fn bind(config: Config) -> Result<Self, BindError> {
        let Config { listen, limits, catalog, test_endpoints, sessions, allowed_origins, watch_connections } = config;
        limits.check()?;
        let length = sessions.secret.as_ref().map(Vec::len);
        length.filter(|length| *length < MIN_SECRET_BYTES).map_or(Ok(()), |length| Err(BindError::Secret(length)))?;
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for address in listen {
            let failed = |source| BindError::Listen { address, source };
            let listener = accept::listen(address, limits.listen_backlog).map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        let hub = Hub::new(limits);
        let origins =
            Origins::new(addresses.iter().map(SocketAddr::port).collect(), &allowed_origins, sessions.secure)?;
        let registry = watch_connections.then(|| Registry::new(catalog));
        let gate = Arc::new(Gate { issuer: Issuer::new(hub.clone(), &sessions), origins, registry });
        Ok(Self { listeners, addresses, hub, gate, catalog, test_endpoints })
    }

    /// Where it listens, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is done, then drains.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops accepting and leaves open connections to their tasks, without an announced end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Drained {
        let Self { listeners, hub, gate, catalog, test_endpoints, .. } = self;
        let limits = hub.limits().clone();
        let connections = TaskTracker::new();
        let stop = CancellationToken::new();
        let app = app::router(&hub, &gate, catalog, test_endpoints, &connections);
        tokio::select! {
            () = shutdown => {}
            () = serve_all(listeners, &gate, &app, &limits, &connections, &stop) => {}
            () = sweep(&hub, gate.registry.as_deref()) => {}
            () = lapse(&hub) => {}
        }
        // The listeners are gone: who connects now is refused, and comes to whoever listens next.
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

/// Accepts on all listeners, for ever.
async fn serve_all(
    listeners: Vec<TcpListener>,
    gate: &Arc<Gate>,
    app: &Router,
    limits: &Limits,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    let accepting = listeners.into_iter().map(|one| accept::serve(one, gate, app.clone(), limits, connections, stop));
    join_all(accepting).await;
}

/// Drops idle rooms, and sessions whose connections are over, for ever.
async fn sweep(hub: &Hub, registry: Option<&Registry>) {
    // Ten times in the life of an idle room: late by a tenth at most. Keys and sessions that are over go no later than this.
    let mut ticks = interval((hub.limits().idle_room / 10).clamp(Duration::from_millis(1), SWEEP_TICK));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        hub.sweep(now);
        if let Some(registry) = registry {
            registry.sweep(now);
        }
    }
}

/// Looks for pollers that did not come again, for ever.
async fn lapse(hub: &Hub) {
    let mut ticks = interval(LAPSE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        hub.lapse(now);
    }
}

/// Raises the file limit as far as it goes and gives what is in force: one connection is one file, and two where connections are
/// watched.
pub fn raise_file_limit() -> u64 {
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: now.maximum, maximum: now.maximum };
    let in_force = if setrlimit(Resource::Nofile, wanted).is_ok() { wanted } else { now };
    in_force.current.unwrap_or(u64::MAX)
}
