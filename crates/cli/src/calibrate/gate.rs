//! A subscriber that asks again as soon as there was an answer is a gate that is shut for a round trip and the time to ask
//! again: [`report::Gate`], the model with which reports compute what they do not measure, held against a round trip here.

use std::time::Duration;

use measure::Recorder;
use record::Record;
use report::{
    Gate,
    calibration::{Check, Row},
};
use transport::{Lane, lane};

use super::bench::{Bench, Run, cells, ms, response};

/// The round trip at which the gate is looked at.
const RTT: Duration = Duration::from_millis(100);

/// How far what is measured at the gate may be from what is computed.
const TOLERANCE: f64 = 0.1;

/// What counts as delayed at the gate: well above what a delivery takes without one, well below the round trip.
const DELAYED: Duration = Duration::from_millis(10);

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let lanes: Vec<Lane> =
        lane::standard(transport::ALL).into_iter().filter(|lane| lane.build().hold().is_some()).collect();
    let set = &["window=5s", "warm_up=1s"];
    let run = Run { name: "gate".to_owned(), lanes, set, rtt: Some(RTT), ..Run::default() };
    let record = bench.run(&run)?;
    let mut rows = Vec::new();
    for lane in &run.lanes {
        rows.extend(judge(lane, &record)?);
    }
    Ok(Check {
        question: "Is a lane that asks again after every answer delayed as the model of its gate says?".to_owned(),
        how: "At a round trip of 100 ms, requests a second, the share of deliveries that wait, and the p99 beyond those that do \
              not are held against the gate model that reports compute with."
            .to_owned(),
        rows,
        runs: vec![run.name],
        ..Check::default()
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn judge(lane: &Lane, record: &Record) -> anyhow::Result<Vec<Row>> {
    let name = lane.to_string();
    let (mut times, mut gaps) = (Recorder::new(), Recorder::new());
    let (mut requests, mut client_seconds) = (0.0, 0.0);
    for (cell, _) in cells(record).into_iter().filter(|(cell, _)| cell.lane == name) {
        times.merge(&response(cell)?);
        if let Some(gap) = &cell.rearm_gap {
            gaps.merge(&Recorder::from_text(&gap.0)?);
        }
        requests += cell.window.requests as f64;
        client_seconds += f64::from(cell.subscribers) * Duration::from_nanos(cell.window.length_ns).as_secs_f64();
    }
    let (Some(hold), Some(gap)) = (lane.build().hold(), gaps.quantile_ns(0.5).map(Duration::from_nanos)) else {
        return Ok(vec![Row::bounded(format!("{name}: time to ask again"), "ms", None, None, Some(ms(RTT)))]);
    };
    let gate = Gate::new(record.header.scenario.rate_hz, (RTT + gap).as_secs_f64(), hold.as_secs_f64());
    let row = |what: &str, unit: &str, measured: Option<f64>, expected: f64| {
        Row::near(format!("{name}: {what}"), unit, measured, expected, expected * TOLERANCE)
    };
    let per_second = (client_seconds > 0.0).then(|| requests / client_seconds);

    // More than half find the gate open, so a quarter of all is the time without it.
    let open = times.quantile_ns(0.25).map(Duration::from_nanos);
    let late = open.map(|open| {
        let limit = u64::try_from((open + DELAYED).as_nanos()).unwrap_or(u64::MAX);
        let count: u64 = times.buckets().filter(|(bound, _)| *bound > limit).map(|(_, count)| count).sum();
        100.0 * count as f64 / times.len() as f64
    });
    let delayed = 100.0 * gate.share_later_than(DELAYED.as_secs_f64());
    let extra = |q: f64| Some(ms(Duration::from_nanos(times.quantile_ns(q)?).saturating_sub(open?)));
    Ok(vec![
        row("requests", "a second", per_second, gate.requests_per_second()),
        row("delayed by over 10 ms", "%", late, delayed),
        row("p99 beyond the open gate", "ms", extra(0.99), 1000.0 * gate.wait_s(0.99)),
    ])
}
