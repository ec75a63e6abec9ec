//! The words of the page that come from the run's circumstances rather than from its numbers.

use std::collections::BTreeMap;

use record::{Publisher, Scenario};

use crate::{
    dataset::{Dataset, Lane},
    drift,
    numbers::{count, float, three_digits, time, time_tick},
    summary::Summary,
};

/// Under the first table.
pub(crate) const LANES_HINT: &str = "Delay counts from the instant a publication was due; intervals are over blocks. Bytes are stream bytes of both \
    directions. A bold value is proven better than that of every other lane but the floor.";
/// Under the table of what server and generator spent.
pub(crate) const COSTS_HINT: &str = "Context switches are of all threads of the server over the whole feed. How CPU was split is read in steps \
    of 10 ms, and given from 2 s of CPU on. The generator's core is given for its busiest block.";
/// Where latency would be.
pub(crate) const EMPTY_LATENCY: &str =
    "Fewer than 20 publications were due in the windows, too few for a median; the scenario feed would fill this.";

/// Where bytes would be.
const EMPTY_BYTES: &str = "No delivery arrived in a window; the scenario feed would fill this.";
/// Where CPU would be.
const EMPTY_CPU: &str =
    "The server's CPU per delivery was not measured; a run of the scenario feed on Linux would fill this.";
/// Where costs would be, in a run behind a round trip that was put there.
pub(crate) const TIMES_ONLY: &str = "Only times were measured behind the round trip: bytes, requests, CPU and memory were not; a run without it would fill this.";

/// The round trip that the run put before its server, if it did.
pub(crate) fn round_trip(data: &Dataset) -> Option<String> {
    let rtt = time_tick(float(data.header.rtt_ns?));
    Some(format!("{rtt} round trip put between subscribers and server"))
}

/// The feed's load, or what else was done, piece by piece.
pub(crate) fn load(scenario: &Scenario) -> Vec<String> {
    let published = format!("{}/s a room, {}", scenario.rate_hz, scenario.arrivals);
    let size = format!("{} B", count(scenario.size_bytes.into()));
    match (scenario.publisher, scenario.connect_rate_hz) {
        (Publisher::Nobody, Some(rate)) => vec![format!("{rate} subscriptions opened a second, nothing published")],
        (Publisher::Nobody, None) => vec!["nothing published".to_owned()],
        (Publisher::Neutral, _) => vec![published, size],
        (Publisher::Members, _) => vec![published, size, "published by the subscribers".to_owned()],
    }
}

/// What stands where there is no figure of bytes, and none of CPU.
pub(crate) const fn empty_costs(data: &Dataset) -> [&'static str; 2] {
    if data.header.rtt_ns.is_some() { [TIMES_ONLY; 2] } else { [EMPTY_BYTES, EMPTY_CPU] }
}

/// From what a lane at a distance was computed, and how often it would ask; none for a lane that has no such numbers.
pub(crate) fn computed_how(lane: &Lane, summary: &Summary) -> Option<String> {
    let numbers = summary.lane(&lane.info.lane)?;
    let (computed, gap, half) =
        (numbers.computed_at_50ms_rtt?, numbers.rearm_gap_ns?.p50?, numbers.response_time_ns.p50?);
    Some(format!(
        "The next request reaches the server a round trip and {} after an answer left it, and what is published meanwhile waits \
         for it. Publications come at random at the rate of this run; to the wait are added the way to the subscriber and the \
         {} that half of the deliveries took here. Each subscriber would make {} requests a second.",
        time(float(gap)),
        time(float(half)),
        three_digits(computed.requests_per_second)
    ))
}

/// What somebody must not read into this run.
pub(crate) fn limits(data: &Dataset, summary: &Summary) -> Vec<String> {
    let (header, scenario) = (&data.header, &data.header.scenario);
    let mut limits = Vec::new();
    if let Some(round_trip) = round_trip(data) {
        limits.push(format!(
            "{round_trip}, half of it each way, always the same and without loss. Only times are measured behind it. TCP's own round \
             trips (connecting, its windows) end at the proxy that delays, so that a real network costs more of them than this."
        ));
    } else if header.host.loopback {
        limits.push(
            "Both ends share one host over loopback: there is no round trip, no loss and no bandwidth limit. A transport that waits \
             for round trips, as polling does, loses more on a real network than here."
                .to_owned(),
        );
    }
    let publishes = data.lanes.iter().filter(|lane| lane.is_measured()).map(Lane::publishes).min().unwrap_or(0);
    let beyond = [(20, "the p50"), (1_000, "the p99"), (10_000, "the p99.9")];
    let lacking = beyond.into_iter().find(|&(needed, _)| publishes < needed);
    if let Some((needed, quantile)) = lacking.filter(|_| !data.is_silent()) {
        limits.push(format!(
            "The {} publications of the lane with the fewest do not carry {quantile}: it needs {}, so that ten lie beyond it.",
            count(publishes),
            count(needed)
        ));
    }
    limits.push(format!(
        "It is one workload: {} subscribers in {} rooms, {}. Other rates, sizes and fan-outs are other runs.",
        count(scenario.subscribers.into()),
        count(scenario.rooms.into()),
        load(scenario).join(", ")
    ));
    if summary.noise_floor.response_time_p50.is_none() && !data.is_silent() {
        let why = if data.twin.is_some() { "A lane ran twice in too few blocks" } else { "No lane ran twice" };
        limits.push(format!("{why}, so the noise of this host is not known; intervals alone decide."));
    }
    if header.lanes.iter().all(|lane| summary.lane(&lane.lane).is_some_and(|l| l.bytes_per_delivery.down.tls.is_none()))
    {
        limits.push("Nothing was encrypted; TLS costs CPU, and bytes per record.".to_owned());
    }
    if header.rtt_ns.is_none() && data.all_cells().any(|cell| cell.memory.is_some()) {
        limits.push(
            "Memory is a line through two sizes of the fleet, and says nothing about a fleet of another order."
                .to_owned(),
        );
    }
    limits
}

/// Which cells were run again, and what became of their first run; none when none was.
pub(crate) fn repeated(data: &Dataset) -> Option<String> {
    let lanes = data.lanes.iter().map(|lane| (lane, "")).chain(data.twin.iter().map(|lane| (lane, " (twin)")));
    let again = |(lane, twin): (&Lane, &str)| {
        let name = format!("{}{twin}", lane.info.lane);
        lane.repeated.iter().map(|cell| format!("{name}, block {}", cell.block + 1)).collect::<Vec<_>>()
    };
    let cells: Vec<String> = lanes.flat_map(again).collect();
    (!cells.is_empty()).then(|| {
        format!(
            "Disturbed and run again at the end of the block: {}. Figures are of the repetition; both are in the record, and a \
             wrong count counts in either.",
            cells.join("; ")
        )
    })
}

/// What was seen of drift inside the windows: a line for every lane that drifts, or one for all; none where windows are too
/// short or too few for it.
pub(crate) fn drift(data: &Dataset) -> Vec<String> {
    let tested: Vec<&Lane> = data.lanes.iter().filter(|lane| drift::of(lane).is_some()).collect();
    let seen: Vec<String> = tested.iter().filter_map(|lane| drift::sentence(lane)).collect();
    if seen.is_empty() && !tested.is_empty() {
        return vec![
            "No drift was seen: delays in the last third of the windows are like those in the first.".to_owned(),
        ];
    }
    seen
}

/// How memory was measured, or that it was not.
pub(crate) fn memory_note(data: &Dataset, summary: &Summary) -> String {
    let memory = |lane: &record::Lane| summary.lane(&lane.lane).map(|l| l.server.memory_bytes_per_connection);
    let any = data.header.lanes.iter().filter_map(memory).any(|m| m.user.is_some());
    let kernel = data.header.lanes.iter().filter_map(memory).any(|m| m.kernel.is_some());
    if !any {
        return "Memory was not measured in this run; the scenario idle would fill it.".to_owned();
    }
    let points = data.all_cells().filter_map(|cell| cell.memory.as_ref()).map(|memory| memory.points.len()).max();
    let kernel = if kernel {
        "Kernel memory is half of what the whole host grew by, since both ends of every connection are on it."
    } else {
        "Kernel memory needs the right to read the kernel's slabs, and was not measured."
    };
    format!(
        "Memory per connection is the slope between the smallest and the largest of {} fleet sizes in one growing server: an \
         estimate. {kernel}",
        points.unwrap_or(0)
    )
}

/// Failures by lane and code.
pub(crate) fn errors(data: &Dataset) -> Vec<String> {
    let mut by_lane: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for cell in data.all_cells() {
        for (code, n) in &cell.errors {
            *by_lane.entry((&cell.lane, code)).or_default() += n;
        }
    }
    by_lane.into_iter().map(|((lane, code), n)| format!("{lane}: {code}, {} times.", count(n))).collect()
}

/// What wrote the record.
pub(crate) fn provenance(data: &Dataset) -> String {
    let (header, tool) = (&data.header, &data.header.tool);
    let commit = tool.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {commit}"));
    format!("Record format {}, written by feedbench {}{commit}; seed {}.", header.version, tool.version, header.seed)
}
