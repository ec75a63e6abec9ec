//! A round trip between subscribers and server: the fault proxy's delay, half of it each way.

use std::{io, net::SocketAddr, time::Duration};

use fault::{Proxy, Way};
use tokio::runtime::{Builder, Runtime};

/// A delayed way to a server. Gone when dropped, with all its connections.
#[derive(Debug)]
pub(crate) struct Distance {
    proxy: Proxy,
    /// Where the proxy lives: a thread beside the generator's loop.
    _runtime: Runtime,
}

impl Distance {
    /// Puts `rtt` before `server`.
    pub(crate) fn put(server: SocketAddr, rtt: Duration) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let proxy = {
            let _context = runtime.enter();
            Proxy::start(server)?
        };
        for way in [Way::Up, Way::Down] {
            proxy.control().delay(way, rtt / 2);
        }
        Ok(Self { proxy, _runtime: runtime })
    }

    /// Where subscribers connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }
}
