//! A subscriber that asks again as soon as there was an answer is a gate that is shut for a round trip and the time to ask
//! again: [`report::Gate`], the model with which reports compute what they do not measure, held against a round trip here.

use std::time::Duration;

use measure::Recorder;
use record::{Cell, Record};
use report::{
    Gate,
    calibration::{Check, Row},
};
use transport::{Lane, lane};

use super::bench::{Bench, Run, cells, median_and_spread, ms, quantile_ms, response};

/// The round trip at which the gate is looked at.
const RTT: Duration = Duration::from_millis(100);

/// Of each lane, and the first one twice as often.
const BLOCKS: u32 = 2;

/// How far what is measured at the gate may be from what is computed.
const TOLERANCE: f64 = 0.1;

/// What counts as delayed at the gate: well above what a delivery takes without one, well below the round trip.
const DELAYED: Duration = Duration::from_millis(10);

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let lanes: Vec<Lane> =
        lane::standard(transport::ALL).into_iter().filter(|lane| lane.build().hold().is_some()).collect();
    let set = &["window=5s", "warm_up=1s"];
    let run = Run { name: "gate".to_owned(), lanes, set, blocks: BLOCKS, rtt: Some(RTT), ..Run::default() };
    let record = bench.run(&run)?;
    let mut rows = Vec::new();
    for lane in &run.lanes {
        rows.extend(judge(lane, &record)?);
    }
    Ok(Check {
        question: "Is a lane that asks again after every answer delayed as the model of its gate says?".to_owned(),
        how: "At a round trip of 100 ms, requests a second, the share of deliveries that wait, and the p99 beyond those that do \
              not, the median of the cells, are held against the gate model that reports compute with."
            .to_owned(),
        rows,
        runs: vec![run.name],
        ..Check::default()
    })
}

/// What one cell says.
struct Seen {
    requests_per_second: f64,
    /// In percent.
    late: f64,
    /// Beyond what a delivery takes that finds the gate open, in milliseconds.
    p99: f64,
}

fn judge(lane: &Lane, record: &Record) -> anyhow::Result<Vec<Row>> {
    let name = lane.to_string();
    let (mut seen, mut gaps) = (Vec::new(), Recorder::new());
    for (cell, _) in cells(record).into_iter().filter(|(cell, _)| cell.lane == name) {
        seen.extend(see(cell)?);
        if let Some(gap) = &cell.rearm_gap {
            gaps.merge(&Recorder::from_text(&gap.0)?);
        }
    }
    let (Some(hold), Some(gap)) = (lane.build().hold(), gaps.quantile_ns(0.5).map(Duration::from_nanos)) else {
        return Ok(vec![Row::bounded(format!("{name}: time to ask again"), "ms", None, None, Some(ms(RTT)))]);
    };
    let gate = Gate::new(record.header.scenario.rate_hz, (RTT + gap).as_secs_f64(), hold.as_secs_f64());
    let row = |what: &str, unit: &str, value: fn(&Seen) -> f64, expected: f64| {
        let values: Vec<f64> = seen.iter().map(value).collect();
        let (measured, spread) = median_and_spread(&values);
        Row::near(format!("{name}: {what}"), unit, measured, expected, expected * TOLERANCE).spread(spread)
    };
    let delayed = 100.0 * gate.share_later_than(DELAYED.as_secs_f64());
    Ok(vec![
        row("requests", "a second", |seen| seen.requests_per_second, gate.requests_per_second()),
        row("delayed by over 10 ms", "%", |seen| seen.late, delayed),
        row("p99 beyond the open gate", "ms", |seen| seen.p99, 1000.0 * gate.wait_s(0.99)),
    ])
}

/// None of a cell without a p99.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn see(cell: &Cell) -> anyhow::Result<Option<Seen>> {
    let times = response(cell)?;
    let client_seconds = f64::from(cell.subscribers) * Duration::from_nanos(cell.window.length_ns).as_secs_f64();
    // More than half find the gate open, so a quarter of all is the time without it.
    let (Some(open), Some(p99)) = (quantile_ms(&times, 0.25), quantile_ms(&times, 0.99)) else { return Ok(None) };
    let limit = open + ms(DELAYED);
    let is_late = |(ns, _): &(u64, u64)| ms(Duration::from_nanos(*ns)) > limit;
    let late: u64 = times.buckets().filter(is_late).map(|(_, count)| count).sum();
    Ok(Some(Seen {
        requests_per_second: cell.window.requests as f64 / client_seconds,
        late: 100.0 * late as f64 / times.len() as f64,
        p99: p99 - open,
    }))
}
