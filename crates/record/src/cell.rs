//! One lane in one block: what was counted and timed, before anything is derived from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bytes by ledger category; categories are the names of `docs/METHODOLOGY.md`.
pub type ByteCounts = BTreeMap<String, u64>;

/// One lane in one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The lane's printed name.
    pub lane: String,
    /// Whether this is the second run of the lane that shows the noise.
    pub twin: bool,
    /// Which block, from 0.
    pub block: u32,
    /// Its place in the block's shuffled order, from 0.
    pub order: u32,
    /// 0 for the first run of the cell; 1 for its repetition at the block's end, because the first one was disturbed.
    #[serde(default)]
    pub attempt: u32,
    /// Subscribers that were connected.
    pub subscribers: u32,
    /// Publications due in the window.
    pub publishes: u64,
    /// Publications due in the whole cell.
    pub offered: u64,
    /// Of `offered`, those written to the uplink.
    pub sent: u64,
    /// Of `offered`, those that the server acknowledged.
    pub acked: u64,
    /// The first and the last instant of writing lie this far apart in what was due, and in what was done: achieved rate.
    pub offered_span_ns: u64,
    /// See `offered_span_ns`.
    pub sent_span_ns: u64,
    /// From the due instant to the delivery; publications due in the window.
    pub response_time: Histogram,
    /// From the actual write to the delivery; publications due in the window.
    pub service_time: Histogram,
    /// From the due instant to the actual write, once per publication.
    pub publish_delay: Histogram,
    /// From opening a connection to the first delivery or the first position, once per subscriber.
    pub time_to_first_delivery: Histogram,
    /// From the first to the last subscriber of one publication, once per publication.
    pub fanout_spread: Histogram,
    /// How long a stamped read waited for its turn to be decoded, once per batch of ready sockets.
    pub receive_lag: Histogram,
    /// From the arrival of an answer to the writing of the request that follows it at once; none for lanes that do not ask
    /// again at once. Of the whole cell.
    pub rearm_gap: Option<Histogram>,
    /// Publications due in the window, followed until the deadline.
    pub deliveries: Deliveries,
    /// Totals of the arrival window.
    pub window: Window,
    /// Totals of the connections' whole lives, against the kernel's own counters.
    pub kernel: Kernel,
    /// What the server spent in the window.
    pub server: ServerCost,
    /// CPU of the generator in the window, all threads.
    pub generator_cpu_ns: u64,
    /// What the machine did; none where the kernel does not tell.
    pub machine: Option<Machine>,
    /// Memory of the server by number of connections.
    pub memory: Option<Memory>,
    /// The realised phase of every poller, as a share of its interval.
    pub phases: Vec<f32>,
    /// Subscriptions opened in the window; none unless opening them is what was measured.
    #[serde(default)]
    pub connects: Option<Connects>,
    /// What no server that keeps the feed contract does, by its code: a payload that changed, an offset that does not
    /// increase, a publication that nobody made. One is too many.
    pub violations: BTreeMap<String, u64>,
    /// Failures by their code; empty is well.
    pub errors: BTreeMap<String, u64>,
}

/// What the machine did in the time of [`Segments`], in steps of 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Share of the generator's CPU that was busy, 0 to 1; none when it had no CPU of its own.
    pub generator_core_busy: Option<f64>,
    /// CPU that the hypervisor took away, in cores.
    pub steal: f64,
    /// CPU that other processes used, in cores.
    pub others_cores: f64,
}

/// A histogram of nanoseconds, in the text form of the `measure` crate's recorder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(pub String);

/// The ledger of deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Publications due in the window times their subscribers.
    pub expected: u64,
    /// Of these, delivered at least once before the deadline.
    pub delivered: u64,
    /// Of these, never delivered.
    pub lost: u64,
    /// Deliveries of something delivered before.
    pub duplicated: u64,
    /// First deliveries of something older than what was delivered before, by the order in which it was published.
    pub reordered: u64,
    /// Delivered from the ring after a resume.
    pub replayed: u64,
    /// Publications that a gap item told of.
    pub gaps_told: u64,
}

/// Totals of the arrival window: everything received or charged in it, whatever publication it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its length.
    pub length_ns: u64,
    /// Deliveries that arrived in it.
    pub deliveries: u64,
    /// Stream bytes from the server, by category.
    pub down: ByteCounts,
    /// Stream bytes to the server, by category.
    pub up: ByteCounts,
    /// TCP segments; none where the kernel does not tell.
    pub segments: Option<Segments>,
    /// Requests that subscribers completed.
    pub requests: u64,
    /// Of these, those whose answer carried a publication.
    pub responses_with_items: u64,
    /// Connections opened in the time of [`Segments`].
    pub new_connections: u64,
}

/// TCP segments of the subscribers' connections from before the first publication to after the last delivery: reading
/// them at the edges of the window would keep the generator from receiving. Of a lane that asks by the clock, and polls as
/// often when nothing is published, they are the window's all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// First deliveries in the same time.
    pub deliveries: u64,
    /// From the server.
    pub down: u64,
    /// To the server.
    pub up: u64,
}

/// Every subscriber connection over its whole life: the drivers' ledger against the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Connections read at their end.
    pub connections: u64,
    /// Of these, those whose ledger and kernel agree to the byte in both directions.
    pub matched: u64,
    /// Connections that ended by reset and could not be compared.
    pub reset: u64,
    /// The ledger, from the server, by category.
    pub down: ByteCounts,
    /// The ledger, to the server, by category.
    pub up: ByteCounts,
    /// What the kernel says was received.
    pub bytes_down: u64,
    /// What the kernel says was sent.
    pub bytes_up: u64,
}

/// What the server process spent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCost {
    /// Its CPU time in the window, all threads.
    pub cpu_ns: u64,
    /// CPU time outside the kernel in the time of [`Segments`], in steps of 10 ms.
    pub user_ns: Option<u64>,
    /// CPU time in the kernel, likewise.
    pub system_ns: Option<u64>,
    /// Context switches of all its threads, likewise.
    pub context_switches: Option<u64>,
}

/// The server's memory at two or more sizes of the fleet, one growing fresh process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// In the order they were taken.
    pub points: Vec<MemoryPoint>,
}

/// Subscriptions that were opened at instants fixed before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connects {
    /// How many were due in the window.
    pub due: u64,
    /// From the due instant until the subscription stood; never for one that did not.
    pub time: Histogram,
    /// From the due instant until it was begun.
    pub delay: Histogram,
}

/// One reading of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPoint {
    /// Subscriber connections open.
    pub connections: u64,
    /// `Pss_Anon` of the server.
    pub user_bytes: u64,
    /// Slabs and socket pages of the whole host, both ends of every connection; none without the rights to read them.
    pub kernel_bytes: Option<u64>,
}

/// One publication of the cell before it: `[n, room, due, sent, first, median, last, delivered]` in the file.
///
/// Instants are nanoseconds from the start of the cell's window; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Publication {
    /// The cell's number of it.
    pub n: u64,
    /// The room's number.
    pub room: u32,
    /// When it was due.
    pub due_ns: i64,
    /// When it was written.
    pub sent_ns: Option<i64>,
    /// When the first subscriber had it.
    pub first_ns: Option<i64>,
    /// When half of those who got it had it.
    pub median_ns: Option<i64>,
    /// When the last of those who got it had it.
    pub last_ns: Option<i64>,
    /// How many subscribers got it.
    pub delivered: u32,
}

type Row = (u64, u32, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>, u32);

impl From<Row> for Publication {
    fn from((n, room, due_ns, sent_ns, first_ns, median_ns, last_ns, delivered): Row) -> Self {
        Self { n, room, due_ns, sent_ns, first_ns, median_ns, last_ns, delivered }
    }
}

impl From<Publication> for Row {
    fn from(p: Publication) -> Self {
        (p.n, p.room, p.due_ns, p.sent_ns, p.first_ns, p.median_ns, p.last_ns, p.delivered)
    }
}
