//! The columns of the table that shows every lane at a glance, on the page and in the terminal.

use crate::{
    dataset::{Dataset, Lane},
    numbers::{NOT_MEASURED, bytes_interval, count, factor, float, memory_interval, three_digits, time, time_interval},
    ranking::Metric,
    summary::{Interval, LaneSummary, Summary},
    verdict::Verdict,
};

/// One column.
pub(crate) struct Column {
    /// Its head.
    pub(crate) head: &'static str,
    /// The metric that ranks it, when one does.
    metric: Option<Metric>,
    text: fn(&LaneSummary) -> Option<String>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// As printed.
    pub(crate) text: String,
    /// Proven better than every other lane that can be chosen.
    pub(crate) best: bool,
    /// A claim that was withdrawn, or nothing measured.
    pub(crate) faint: bool,
}

/// The columns of every run, without the lane's name.
const ALWAYS: &[Column] = &[
    Column {
        head: "p50",
        metric: Some(Metric::Delay),
        text: |lane| {
            let quantiles = &lane.response_time_ns;
            Some(time_interval(float(quantiles.p50?), whole_interval(quantiles.p50_ci)))
        },
    },
    Column {
        head: "p99",
        metric: None,
        text: |lane| {
            let quantiles = &lane.response_time_ns;
            Some(time_interval(float(quantiles.p99?), whole_interval(quantiles.p99_ci)))
        },
    },
    Column {
        head: "bytes/delivery",
        metric: Some(Metric::Bytes),
        text: |lane| {
            let bytes = &lane.bytes_per_delivery;
            Some(bytes_interval(bytes.stream_total?, None))
        },
    },
    Column { head: "requests/delivery", metric: None, text: |lane| lane.requests_per_delivery.map(three_digits) },
    Column {
        head: "server CPU (x floor)",
        metric: Some(Metric::Cpu),
        text: |lane| {
            let server = &lane.server;
            let cpu = time(server.cpu_ns_per_delivery?);
            Some(match server.cpu_ratio_to_raw {
                Some(ratio) => format!("{cpu} ({})", factor(ratio)),
                None => cpu,
            })
        },
    },
    Column {
        head: "memory/connection",
        metric: None,
        text: |lane| {
            let memory = &lane.server.memory_bytes_per_connection;
            Some(memory_interval(memory.user?, both(memory.user_ci)))
        },
    },
    Column { head: "lost", metric: None, text: |lane| lane.deliveries.lost.map(count) },
];

/// The columns of runs that have something to show in them.
const SOMETIMES: &[Column] = &[
    Column { head: "idle/minute", metric: None, text: |lane| Some(bytes_interval(lane.idle_per_minute?, None)) },
    Column {
        head: "connect p50",
        metric: None,
        text: |lane| {
            let quantiles = lane.connect_time_ns?;
            Some(time_interval(float(quantiles.p50?), whole_interval(quantiles.p50_ci)))
        },
    },
    Column {
        head: "connect p99",
        metric: None,
        text: |lane| {
            let quantiles = lane.connect_time_ns?;
            Some(time_interval(float(quantiles.p99?), whole_interval(quantiles.p99_ci)))
        },
    },
    Column { head: "bytes/connect", metric: None, text: |lane| Some(bytes_interval(lane.bytes_per_connect?, None)) },
    Column {
        head: "server CPU/connect",
        metric: None,
        text: |lane| {
            let server = &lane.server;
            Some(time_interval(server.cpu_ns_per_connect?, both(server.cpu_ns_per_connect_ci)))
        },
    },
];

/// All columns of this run but the lane's name.
pub(crate) fn columns(summary: &Summary) -> Vec<&'static Column> {
    let is_filled = |column: &&Column| summary.lanes.iter().any(|(_, lane)| (column.text)(lane).is_some());
    ALWAYS.iter().chain(SOMETIMES.iter().filter(is_filled)).collect()
}

/// A lane's values, in the order of [`columns`].
pub(crate) fn row(data: &Dataset, summary: &Summary, verdict: &Verdict, lane: &Lane) -> Vec<Value> {
    let name = &lane.info.lane;
    let numbers = summary.lane(name).filter(|_| lane.is_measured());
    let value = |column: &'static Column| {
        let text = numbers.and_then(column.text);
        let withdrawn = column.head == "p99" && verdict.withdrawn.iter().any(|claim| claim.is_tail_of(name));
        let best = column.metric.is_some_and(|metric| is_best(summary, metric, name));
        Value {
            faint: withdrawn || text.is_none(),
            best: best && !data.is_floor(lane),
            text: match text {
                Some(text) if withdrawn => format!("{text} withdrawn"),
                Some(text) => text,
                None => NOT_MEASURED.to_owned(),
            },
        }
    };
    columns(summary).into_iter().map(value).collect()
}

/// Alone on the first rank and tied with nobody: only then does the run show that it is the best.
fn is_best(summary: &Summary, metric: Metric, lane: &str) -> bool {
    summary
        .ranking
        .iter()
        .any(|entry| entry.why == metric.id() && entry.lane == lane && entry.rank == 1 && entry.ties_with.is_empty())
}

/// Both ends as floats, or nothing.
pub(crate) fn whole_interval(interval: Interval<u64>) -> Option<(f64, f64)> {
    both(interval).map(|(low, high)| (float(low), float(high)))
}

/// Both ends, or nothing.
pub(crate) fn both<T>(interval: Interval<T>) -> Option<(T, T)> {
    let [low, high] = interval;
    low.zip(high)
}
