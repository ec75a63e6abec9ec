//! What about the machine can move a number beside its CPUs: read once, before the first block. A member is none where
//! it could not be read, and in records older than it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Settings and readings of the machine and of the path to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Timer interrupts of the kernel per second.
    pub hz: Option<u32>,
    /// What the kernel keeps time with: `tsc`.
    pub clocksource: Option<String>,
    /// The governors of the CPUs in use, each once; none where the kernel does not scale their frequency.
    pub governors: Option<Vec<String>>,
    /// The policy that the server's process was found under: `SCHED_RR 10`.
    pub server_scheduling: Option<String>,
    /// The policy that the generator's loop was found under.
    pub generator_scheduling: Option<String>,
    /// The kinds of queueing disciplines of the loopback interface: `noqueue` is none.
    pub loopback_qdiscs: Option<Vec<String>>,
    /// The shortest of some handshakes with the server itself, before any delay that the run puts there: SYN out, SYN-ACK in.
    pub round_trip_ns: Option<u64>,
    /// Of one connection to the server, opened as the generator opens all of them.
    pub socket: Option<SocketOptions>,
    /// Settings of the kernel by their names, `net.core.somaxconn`.
    pub sysctls: BTreeMap<String, String>,
}

/// Options of the generator's end of a connection, as the kernel tells them, not as they were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketOptions {
    /// `TCP_NODELAY`.
    pub no_delay: Option<bool>,
    /// `TCP_NOTSENT_LOWAT`.
    pub notsent_lowat_bytes: Option<u64>,
    /// `SO_SNDBUF`, the kernel's own overhead included.
    pub send_buffer_bytes: Option<u64>,
    /// `SO_RCVBUF`, likewise.
    pub receive_buffer_bytes: Option<u64>,
    /// `TCP_CONGESTION`.
    pub congestion: Option<String>,
}
