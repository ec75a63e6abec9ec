//! A subscriber that asks every T meets a publication at a uniform place of its interval: half of all wait less than T/2, and
//! 99 % less than 0.99 T, plus what the request takes.

use std::time::Duration;

use record::Record;
use report::calibration::{Check, Row};
use transport::{Lane, lane};

use super::bench::{Bench, Run, cells, median_and_spread, ms, quantile_ms, response};

/// What a request and the generator's own lateness may add to the slowest percent.
const REQUEST: Duration = Duration::from_millis(5);

/// How far a quantile may be from the clock's, as a share of T, on either side.
const P50: [f64; 2] = [0.45, 0.55];
const P99: [f64; 2] = [0.95, 1.02];

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let run = run();
    let record = bench.once(&run)?;
    let mut rows = Vec::new();
    for lane in &run.lanes {
        rows.extend(judge(lane, &record)?);
    }
    Ok(Check {
        question: "Is the delay of a lane that asks by the clock what its interval makes it?".to_owned(),
        how: "A subscriber that asks every T meets a Poisson feed at a uniform place of its interval. So the p50 is T/2 and the \
              p99 0.99 T, plus what a request takes."
            .to_owned(),
        rows,
        runs: vec![run.name],
        ..Check::default()
    })
}

/// The run that this check and that of the phases look at.
pub(super) fn run() -> Run<'static> {
    let lanes = lane::standard(transport::ALL).into_iter().filter(|lane| lane.build().interval().is_some()).collect();
    Run { name: "clock".to_owned(), lanes, blocks: 6, ..Run::default() }
}

fn judge(lane: &Lane, record: &Record) -> anyhow::Result<[Row; 2]> {
    let name = lane.to_string();
    let interval = ms(lane.build().interval().unwrap_or_default());
    let (mut p50s, mut p99s) = (Vec::new(), Vec::new());
    for (cell, _) in cells(record).into_iter().filter(|(cell, _)| cell.lane == name) {
        let times = response(cell)?;
        p50s.extend(quantile_ms(&times, 0.5));
        p99s.extend(quantile_ms(&times, 0.99));
    }
    let row = |what: &str, values: &[f64], expected: f64, [low, high]: [f64; 2], more: f64| {
        let (measured, spread) = median_and_spread(values);
        let (low, high) = (interval * low, interval * high + more);
        let row = Row::bounded(format!("{name}: {what}"), "ms", measured, Some(low), Some(high));
        let expected = interval * expected;
        Row { expected: Some(expected), bias: measured.map(|measured| measured - expected), ..row }.spread(spread)
    };
    Ok([row("p50", &p50s, 0.5, P50, 0.0), row("p99", &p99s, 0.99, P99, ms(REQUEST))])
}
