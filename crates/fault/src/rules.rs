//! What a control tells connections, and what connections tell a control: two watched values, no queue.
//!
//! Only the newest rules can be seen. What must not be missed (a cut that is healed at once) is therefore a count that
//! only grows: a connection compares it with the one at its start.

use std::{num::NonZeroUsize, time::Duration};

use tokio::sync::watch;

/// A direction through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Forwarding in pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dribble {
    pub(crate) piece_bytes: NonZeroUsize,
    pub(crate) every: Duration,
}

/// What happens to one direction. The default is plain forwarding.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WayRules {
    pub(crate) delay: Duration,
    pub(crate) stalled: bool,
    pub(crate) dribble: Option<Dribble>,
    /// How often this direction was half-closed.
    pub(crate) half_closes: u64,
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    ways: [WayRules; 2],
    /// Whether new connections are closed at once.
    pub(crate) refusing: bool,
    /// How often all connections were cut.
    pub(crate) cuts: u64,
}

impl Rules {
    pub(crate) fn way(&self, way: Way) -> WayRules {
        self.ways[way as usize]
    }

    pub(crate) fn way_mut(&mut self, way: Way) -> &mut WayRules {
        &mut self.ways[way as usize]
    }

    /// Plain forwarding from now on. What was cut or half-closed stays so.
    pub(crate) fn heal(&mut self) {
        self.refusing = false;
        for way in &mut self.ways {
            *way = WayRules { half_closes: way.half_closes, ..WayRules::default() };
        }
    }
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) open: usize,
    pub(crate) accepted: u64,
    bytes: [u64; 2],
}

impl Counts {
    pub(crate) fn bytes(&self, way: Way) -> u64 {
        self.bytes[way as usize]
    }

    pub(crate) fn bytes_mut(&mut self, way: Way) -> &mut u64 {
        &mut self.bytes[way as usize]
    }
}

/// What a proxy, its controls and its connections share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) rules: watch::Sender<Rules>,
    pub(crate) counts: watch::Sender<Counts>,
}
