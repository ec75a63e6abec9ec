//! `summary.json`, version 1: the shape. `summarise` fills it.
//!
//! The format is stable: members may be added, none changes its name, its nesting or its meaning. What was not measured is
//! null, never zero; what was measured and is zero is zero.

use serde::{Serialize, Serializer};

use crate::{claims::Withdrawn, ranking::RankEntry, verdict::Status};

/// A point's interval, lower end first; both null when there are too few blocks.
pub type Interval<T> = [Option<T>; 2];

/// One run in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Of this format.
    pub version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The profile's name.
    pub profile: String,
    /// Where every random choice came from.
    pub seed: u64,
    /// Whether the numbers hold.
    pub verdict: VerdictSummary,
    /// The machine.
    pub host: HostSummary,
    /// The round trip that was put between subscribers and server; null without one. With one, only times were measured.
    pub rtt_ns: Option<u64>,
    /// The header profile of the drivers.
    pub headers: String,
    /// By printed name, in the header's order.
    #[serde(serialize_with = "in_order")]
    pub lanes: Vec<(String, LaneSummary)>,
    /// What two runs of the same lane differed by.
    pub noise_floor: NoiseSummary,
    /// Three metrics one after the other; empty for an INVALID run.
    pub ranking: Vec<RankEntry>,
}

/// Whether the numbers hold, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictSummary {
    /// The worst outcome of all checks.
    pub status: Status,
    /// One sentence per broken rule.
    pub reasons: Vec<String>,
    /// Single claims that are smaller than their noise.
    pub withdrawn: Vec<Withdrawn>,
}

/// The machine, as far as it decides whether two runs may be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostSummary {
    /// Tells hosts apart and names none.
    pub id: String,
    /// CPUs in use.
    pub cores: u32,
    /// The kernel's release.
    pub kernel: String,
    /// Both ends on one host over loopback.
    pub loopback: bool,
    /// Whether real-time scheduling was in force.
    pub realtime: bool,
}

/// One lane over all blocks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneSummary {
    /// Blocks with a cell of this lane.
    pub blocks: u64,
    /// Publications due in the windows of all blocks.
    pub publishes: u64,
    /// The ledger of deliveries.
    pub deliveries: DeliveriesSummary,
    /// From the due instant to the delivery.
    pub response_time_ns: Quantiles,
    /// From the actual write to the delivery.
    pub service_time_ns: Quantiles,
    /// From the due instant to the actual write.
    pub publish_delay_ns: Quantiles,
    /// How long a stamped read waited to be decoded.
    pub receive_lag_ns: Quantiles,
    /// From the first to the last subscriber of one publication.
    pub fanout_spread_ns: Quantiles,
    /// From opening a connection to the first delivery or position.
    pub time_to_first_delivery_ns: Quantiles,
    /// From an answer to the request that follows it at once; null for lanes that do not ask again at once.
    pub rearm_gap_ns: Option<Quantiles>,
    /// The lane at a distance, by a model; null where `rearm_gap_ns` is, and where the model does not hold.
    pub computed_at_50ms_rtt: Option<Computed>,
    /// Totals of the windows over deliveries in them. All null behind a round trip that was put there, as is what follows
    /// up to `generator`.
    pub bytes_per_delivery: BytesSummary,
    /// Handshake bytes per connection, both directions.
    pub setup_bytes: Option<f64>,
    /// Stream bytes of both directions that a subscriber costs in a minute in which nothing is published; null where something
    /// is.
    pub idle_per_minute: Option<f64>,
    /// From the instant a subscription was due until it stood, one sample a subscription; null unless opening them is what was
    /// measured, as are the other figures per connect.
    pub connect_time_ns: Option<Quantiles>,
    /// Handshake bytes of a subscription, both directions, over all its connections; null where a connection ended by reset.
    pub bytes_per_connect: Option<f64>,
    /// Requests that subscribers completed, per delivery.
    pub requests_per_delivery: Option<f64>,
    /// Null when no response carried a publication.
    pub deliveries_per_response: Option<f64>,
    /// What the server spent.
    pub server: ServerSummary,
    /// What the generator spent.
    pub generator: GeneratorSummary,
    /// Whether delays changed inside the windows; null for windows below 3 s and for fewer than six blocks.
    pub drift: Option<DriftSummary>,
    /// Every block for itself.
    pub cells: Vec<CellSummary>,
}

/// `record::Deliveries` over all blocks; null when the lane was not measured, and where nothing was published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeliveriesSummary {
    /// Publications times their subscribers.
    pub expected: Option<u64>,
    /// At least once, before the deadline.
    pub delivered: Option<u64>,
    /// Never.
    pub lost: Option<u64>,
    /// More than once.
    pub duplicated: Option<u64>,
    /// After a later one of the same room.
    pub reordered: Option<u64>,
    /// From the ring, after a resume.
    pub replayed: Option<u64>,
    /// Publications that gap items told of.
    pub gaps_told: Option<u64>,
}

/// Quantiles in nanoseconds. One is given only when at least ten independent samples lie beyond it over all blocks, and null
/// when its rank falls among deliveries that never came. Intervals are of the median over blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// The median: 20 samples.
    pub p50: Option<u64>,
    /// 40 samples.
    pub p75: Option<u64>,
    /// 100 samples.
    pub p90: Option<u64>,
    /// 200 samples.
    pub p95: Option<u64>,
    /// 1,000 samples.
    pub p99: Option<u64>,
    /// 10,000 samples.
    #[serde(rename = "p99.9")]
    pub p999: Option<u64>,
    /// One sample; null as soon as one delivery never came.
    pub max: Option<u64>,
    /// Of the per-block medians.
    pub p50_ci: Interval<u64>,
    /// Of the per-block 99th percentiles; null with the p99.
    pub p99_ci: Interval<u64>,
}

/// A lane over a network with this round trip: computed from its medians on loopback, not measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Computed {
    /// The round trip, half of it each way.
    pub rtt_ns: u64,
    /// Half of the deliveries arrive within this.
    pub p50_ns: u64,
    /// 99 of 100 do.
    pub p99_ns: u64,
    /// Of one subscriber.
    pub requests_per_second: f64,
    /// Publications that find no request waiting, 0 to 1.
    pub share_delayed: f64,
}

/// Bytes per delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct BytesSummary {
    /// From the server.
    pub down: CategoryBytes,
    /// To the server.
    pub up: CategoryBytes,
    /// Both directions, without TCP and IP.
    pub stream_total: Option<f64>,
    /// Over blocks.
    pub stream_total_ci: Interval<f64>,
    /// With TCP and IP.
    pub ip_total: Option<f64>,
}

/// Bytes per delivery in one direction, each byte in one category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CategoryBytes {
    /// The bytes of `data`.
    pub payload: Option<f64>,
    /// The rest of the publication's JSON.
    pub envelope: Option<f64>,
    /// What the transport adds in a body or frame.
    pub framing: Option<f64>,
    /// Heads of exchanges that carried something.
    pub http_head: Option<f64>,
    /// Exchanges that carried nothing.
    pub empty_polls: Option<f64>,
    /// Pings, pongs and what carries them.
    pub heartbeat: Option<f64>,
    /// Until hello or the first position.
    pub handshake: Option<f64>,
    /// What TLS adds; null when no lane of the run had it.
    pub tls: Option<f64>,
    /// 52 bytes per segment, over the deliveries of the same time: the whole feed, not its window.
    pub tcp_ip: Option<f64>,
}

/// What the server spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ServerSummary {
    /// The median over blocks.
    pub cpu_ns_per_delivery: Option<f64>,
    /// Over blocks.
    pub cpu_ns_per_delivery_ci: Interval<f64>,
    /// Paired block by block with the floor lane.
    pub cpu_ratio_to_raw: Option<f64>,
    /// Over blocks.
    pub cpu_ratio_to_raw_ci: Interval<f64>,
    /// The share of its CPU that was spent outside the kernel, over all blocks; null below 2 s of CPU, of which the kernel's steps
    /// of 10 ms would tell too little.
    pub cpu_user_share: Option<f64>,
    /// Of all its threads, the median over blocks; of the whole feed, not its window.
    pub context_switches_per_delivery: Option<f64>,
    /// Over blocks.
    pub context_switches_per_delivery_ci: Interval<f64>,
    /// For a subscription that comes and goes, the median over blocks.
    pub cpu_ns_per_connect: Option<f64>,
    /// Over blocks.
    pub cpu_ns_per_connect_ci: Interval<f64>,
    /// The slope between the smallest and the largest fleet.
    pub memory_bytes_per_connection: MemorySummary,
}

/// Growth of memory per subscriber connection, the median over blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct MemorySummary {
    /// `Pss_Anon` of the server.
    pub user: Option<f64>,
    /// Over blocks.
    pub user_ci: Interval<f64>,
    /// Slabs and socket pages, half of the growth: both ends of a connection are on one host.
    pub kernel: Option<f64>,
    /// Over blocks.
    pub kernel_ci: Interval<f64>,
}

/// What the generator spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct GeneratorSummary {
    /// The median over blocks, all its threads.
    pub cpu_ns_per_delivery: Option<f64>,
    /// The share of its CPU that was busy, in the busiest block; null when it had none of its own.
    pub busiest_core: Option<f64>,
}

/// The median delay in the last third of the windows as a multiple of that in the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriftSummary {
    /// The median over blocks.
    pub ratio: f64,
    /// Over blocks.
    pub ratio_ci: Interval<f64>,
    /// Whether the interval leaves 1 out.
    pub seen: bool,
}

/// One lane in one block.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CellSummary {
    /// The block's number, from 0.
    pub block: u32,
    /// Its place in the block's order, from 0.
    pub order: u32,
    /// It was run again because the first run was disturbed; this is the second.
    pub repeated: bool,
    /// The median delay.
    pub response_time_p50_ns: Option<u64>,
    /// The 99th percentile of the delay; of one block, so with less evidence than the lane's.
    pub response_time_p99_ns: Option<u64>,
    /// Both directions.
    pub stream_bytes_per_delivery: Option<f64>,
    /// The server's.
    pub cpu_ns_per_delivery: Option<f64>,
}

/// The largest bound of the twin pair's ratio, as a factor; null without a twin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct NoiseSummary {
    /// Of the median delay.
    pub response_time_p50: Option<f64>,
    /// Of the server's CPU.
    pub cpu_ns_per_delivery: Option<f64>,
    /// Of the stream bytes.
    pub stream_total: Option<f64>,
}

impl Summary {
    /// The lane of that printed name.
    pub fn lane(&self, name: &str) -> Option<&LaneSummary> {
        self.lanes.iter().find(|(lane, _)| lane == name).map(|(_, summary)| summary)
    }
}

fn in_order<S: Serializer>(lanes: &[(String, LaneSummary)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(lanes.iter().map(|(name, summary)| (name, summary)))
}
