//! The rules that a verdict is made of, one entry each, with the reason for its limit.

use measure::Recorder;
use record::Cell;

use crate::{
    dataset::{Dataset, Lane, per, values},
    detect,
    numbers::{count, factor, float, percent, three_digits},
    verdict::Status,
};

/// A rule about one cell.
pub(crate) struct Rule {
    /// What should be true.
    pub(crate) name: &'static str,
    /// What is so when it is not.
    pub(crate) broken: &'static str,
    /// What the run is then.
    pub(crate) status: Status,
    /// Whether one cell is enough, of repeated ones too; otherwise more than a third of the lane's cells.
    pub(crate) single_fires: bool,
    /// Above it the cell breaks the rule.
    pub(crate) limit: f64,
    /// The cell's value; none when the record does not hold it.
    pub(crate) value: fn(&Dataset, &Lane, &Cell) -> Option<f64>,
    /// The value in words.
    pub(crate) show: fn(f64) -> String,
}

/// Counts have no tolerance.
const NONE: f64 = 0.0;
/// A feed that is more than 1 % thinner than offered is another workload.
const RATE_SHORTFALL: f64 = 0.01;
/// Below this a span says more about one late wake-up than about the rate.
const SPAN_SLACK_NS: f64 = 5e6;
/// A receiver that is busy for more of its core queues, and its queue would be read as delay.
const GENERATOR_BUSY: f64 = 0.9;
/// A publisher later than this share of the fastest lane's median would be read as that lane's delay.
const PUBLISHER_LATE: f64 = 0.1;
/// What the hypervisor takes comes in slices of milliseconds, longer than a delivery over loopback.
const STEAL: f64 = 0.01;
/// Other processes on two cores displace the server or the generator.
const OTHERS: f64 = 0.05;
/// Blocks that far apart did not measure the same thing.
const BLOCK_SPREAD: f64 = 2.0;

/// The rules of every run, the invalidating ones first.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "no delivery was lost",
        broken: "deliveries were lost",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |data, _, cell| {
            let missing = cell.deliveries.expected.saturating_sub(cell.deliveries.delivered);
            (!data.is_silent()).then(|| float(cell.deliveries.lost.max(missing)))
        },
        show: whole,
    },
    Rule {
        name: "no more was delivered than expected",
        broken: "more was delivered than expected",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |data, _, cell| {
            (!data.is_silent()).then(|| float(cell.deliveries.delivered.saturating_sub(cell.deliveries.expected)))
        },
        show: whole,
    },
    Rule {
        name: "no delivery came twice",
        broken: "deliveries came twice",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |data, _, cell| (!data.is_silent()).then(|| float(cell.deliveries.duplicated)),
        show: whole,
    },
    Rule {
        name: "every delivery was in order",
        broken: "deliveries came out of order without a gap being told",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |data, _, cell| {
            let told = cell.deliveries.gaps_told > 0;
            (!data.is_silent()).then(|| if told { 0.0 } else { float(cell.deliveries.reordered) })
        },
        show: whole,
    },
    Rule {
        name: "nothing came that nobody published, and nothing was changed",
        broken: "deliveries that no server may make",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |_, _, cell| Some(float(cell.violations.values().sum())),
        show: whole,
    },
    Rule {
        name: "every lane was asked for the same work",
        broken: "expected deliveries differ from publications times subscribers of a room",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |data, lane, cell| (!data.is_silent()).then(|| unequal_work(data, lane, cell)),
        show: whole,
    },
    Rule {
        name: "stream bytes equal the kernel's, connection by connection",
        broken: "connections whose ledger and kernel disagree",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |_, _, cell| unmatched(cell),
        show: whole,
    },
    Rule {
        name: "the clock never ran backwards",
        broken: "something arrived before it was sent: the clock is not monotonic",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |_, _, cell| negative(cell),
        show: whole,
    },
    Rule {
        name: "the feed was published at its rate (at most 1 % short)",
        broken: "publications were not written or not acknowledged",
        status: Status::Invalid,
        single_fires: false,
        limit: RATE_SHORTFALL,
        value: |_, _, cell| Some((1.0 - per(cell.sent, cell.offered)?).max(1.0 - per(cell.acked, cell.sent)?)),
        show: percent,
    },
    Rule {
        name: "publishing took no longer than planned (at most 1 %)",
        broken: "publishing took longer than planned",
        status: Status::Invalid,
        single_fires: false,
        limit: RATE_SHORTFALL,
        value: |_, _, cell| {
            let late = float(cell.sent_span_ns) - SPAN_SLACK_NS - float(cell.offered_span_ns);
            (cell.offered_span_ns > 0).then(|| late.max(0.0) / float(cell.offered_span_ns))
        },
        show: percent,
    },
    Rule {
        name: "the generator's core had room (at most 90 % busy)",
        broken: "the generator's core was too busy to be trusted",
        status: Status::Invalid,
        single_fires: false,
        limit: GENERATOR_BUSY,
        value: |_, _, cell| cell.machine?.generator_core_busy,
        show: percent,
    },
    Rule {
        name: "the publisher was on time (p50 at most 10 % of the fastest lane's)",
        broken: "the publisher's own delay is too large a share of the fastest lane's p50",
        status: Status::Invalid,
        single_fires: false,
        limit: PUBLISHER_LATE,
        value: publisher_late,
        show: percent,
    },
    Rule {
        name: "the hypervisor took nothing (at most 1 % of a core)",
        broken: "the hypervisor took a share of a core",
        status: Status::Suspect,
        single_fires: false,
        limit: STEAL,
        value: |_, _, cell| Some(cell.machine?.steal),
        show: percent,
    },
    Rule {
        name: "nobody else used the machine (at most 5 % of a core)",
        broken: "other processes used a share of a core",
        status: Status::Suspect,
        single_fires: false,
        limit: OTHERS,
        value: |_, _, cell| Some(cell.machine?.others_cores),
        show: percent,
    },
    Rule {
        name: "blocks agree (p50 within x2 of the lane's median block)",
        broken: "the p50 of blocks is far from the lane's median block",
        status: Status::Suspect,
        single_fires: false,
        limit: BLOCK_SPREAD,
        value: block_spread,
        show: factor,
    },
    Rule {
        name: "no second mode at 40 to 44 ms (Nagle's algorithm)",
        broken: "deliveries waited at 40 to 44 ms for delayed acknowledgements: Nagle's algorithm is on and writes come in pieces",
        status: Status::Suspect,
        single_fires: false,
        limit: NONE,
        value: delayed_acks,
        show: percent,
    },
    Rule {
        name: "pollers asked at phases that are spread evenly",
        broken: "poll phases are not spread evenly; their distance from an even spread, 5 % of random draws exceed 1.36",
        status: Status::Suspect,
        single_fires: false,
        limit: detect::UNEVEN_PHASES,
        value: |_, lane, cell| {
            if lane.info.interval_ns.is_some() { detect::unevenness(&cell.phases) } else { Some(NONE) }
        },
        show: three_digits,
    },
];

/// Those of a run in which opening subscriptions is what was measured.
pub(crate) const CONNECT_RULES: &[Rule] = &[
    Rule {
        name: "every subscription that was begun stood",
        broken: "subscriptions did not come to stand",
        status: Status::Invalid,
        single_fires: true,
        limit: NONE,
        value: |_, _, cell| {
            let times = Recorder::from_text(&cell.connects.as_ref()?.time.0).ok()?;
            Some(float(times.undelivered_count()))
        },
        show: whole,
    },
    Rule {
        name: "subscriptions were begun on time (p50 at most 10 % of the fastest lane's)",
        broken: "the generator's own delay is too large a share of the fastest lane's time to stand",
        status: Status::Invalid,
        single_fires: false,
        limit: PUBLISHER_LATE,
        value: |data, lane, cell| {
            let delay = lane.connect_delay.blocks.iter().find(|timing| timing.block == cell.block)?.p50?;
            let fastest = data.lanes.iter().filter_map(|lane| lane.connect_time.merged.quantile_ns(0.5)).min()?;
            per(delay, fastest)
        },
        show: percent,
    },
];

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u64")]
fn whole(value: f64) -> String {
    count(value as u64)
}

/// How many deliveries a cell expected too many or too few, by its own publications, and by those of the block's other lanes
/// that ask as often: lanes with another interval watch another part of the feed. Rooms of unequal size allow one per
/// publication.
fn unequal_work(data: &Dataset, lane: &Lane, cell: &Cell) -> f64 {
    let (rooms, subscribers) = (u64::from(data.header.scenario.rooms), u64::from(data.header.scenario.subscribers));
    let due = cell.publishes.saturating_mul(subscribers);
    let off = cell.deliveries.expected.saturating_mul(rooms).abs_diff(due);
    let allowed = if rooms > 0 && subscribers.is_multiple_of(rooms) { 0 } else { cell.publishes.saturating_mul(rooms) };
    let own = per(off.saturating_sub(allowed), rooms).unwrap_or(0.0).ceil();
    let alike = data.lanes.iter().chain(&data.twin).filter(|other| other.info.interval_ns == lane.info.interval_ns);
    let neighbours = alike.flat_map(Lane::all_cells).filter(|other| other.block == cell.block);
    let most = neighbours.map(|other| other.deliveries.expected).max().unwrap_or(0);
    own.max(float(most.saturating_sub(cell.deliveries.expected)))
}

/// Samples below zero of what cannot be: an arrival before its instant, a write before it was due. None when a histogram
/// cannot be read, which [`Dataset::new`] refuses for all but repeated cells.
fn negative(cell: &Cell) -> Option<f64> {
    let of_feed = [&cell.response_time, &cell.service_time, &cell.publish_delay, &cell.receive_lag];
    let of_connects = cell.connects.iter().flat_map(|connects| [&connects.time, &connects.delay]);
    let taken = of_feed.into_iter().chain(of_connects).filter(|histogram| !histogram.0.is_empty());
    let counts: Result<Vec<u64>, _> =
        taken.map(|histogram| Recorder::from_text(&histogram.0).map(|recorder| recorder.negative_count())).collect();
    counts.ok().filter(|counts| !counts.is_empty()).map(|counts| float(counts.into_iter().sum()))
}

/// The share of deliveries that waited for a delayed acknowledgement. A round trip that was put there may be as long, and is no
/// such wait.
fn delayed_acks(data: &Dataset, _: &Lane, cell: &Cell) -> Option<f64> {
    if data.is_silent() || data.header.rtt_ns.is_some() {
        return None;
    }
    let times = Recorder::from_text(&cell.response_time.0).ok()?;
    Some(detect::delayed_acks(&times).unwrap_or(NONE))
}

/// Connections that disagree, or at least 1 when only the totals do; none when no connection could be compared.
fn unmatched(cell: &Cell) -> Option<f64> {
    let kernel = &cell.kernel;
    let totals_agree =
        kernel.down.values().sum::<u64>() == kernel.bytes_down && kernel.up.values().sum::<u64>() == kernel.bytes_up;
    let unmatched = kernel.connections.saturating_sub(kernel.matched).max(u64::from(!totals_agree));
    (kernel.connections > 0).then(|| float(unmatched))
}

/// The median publish delay of the cell as a share of the smallest median response time of any lane.
fn publisher_late(data: &Dataset, lane: &Lane, cell: &Cell) -> Option<f64> {
    let delay = lane.publish_delay.blocks.iter().find(|timing| timing.block == cell.block)?.p50?;
    let fastest = data.lanes.iter().filter_map(|lane| lane.response_time.merged.quantile_ns(0.5)).min()?;
    per(delay, fastest)
}

/// How many times the cell's median response time is above or below the median block's.
fn block_spread(_: &Dataset, lane: &Lane, cell: &Cell) -> Option<f64> {
    let blocks = lane.response_time.p50_per_block();
    let median = measure::intervals::median(&values(&blocks))?;
    let (_, p50) = blocks.into_iter().find(|(block, _)| *block == cell.block)?;
    (p50 > 0.0 && median > 0.0).then(|| (p50 / median).max(median / p50))
}
