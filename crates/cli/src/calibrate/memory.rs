//! A server that touches 64 KiB for every connection: the slope of memory must grow by 64 KiB.

use record::Cell;
use report::calibration::{Check, Row};

use super::bench::{Bench, Run, cells, floor, median_and_spread};

/// What the golden server touches for every connection.
const TOUCHED_KIB: f64 = 64.0;

/// How far the slope may be from it.
const TOLERANCE: f64 = 0.02;

/// Memory is read at a fifth of the fleet and at all of it: 1,200 connections lie between.
const SET: [&str; 5] = ["rooms=10", "subscribers=1500", "rate_hz=1.0", "warm_up=50ms", "window=100ms"];

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let mut slopes = Vec::new();
    let mut runs = Vec::new();
    for (name, touched) in [("memory-0", 0), ("memory-64KiB", 64 * 1024)] {
        let golden = Some(vec![format!("--touch={touched}")]);
        let run = Run { name: name.to_owned(), lanes: vec![floor()?], set: &SET, golden, ..Run::default() };
        let record = bench.run(&run)?;
        slopes.push(cells(&record).into_iter().filter_map(|(cell, _)| slope_kib(cell)).collect::<Vec<_>>());
        runs.push(run.name);
    }
    Ok(Check {
        question: "Does memory per connection show what a connection takes?".to_owned(),
        how: "The golden server writes to 64 KiB for every connection, and to none. The slope between 300 and 1,500 connections, as \
              a report computes it, must differ by 64 KiB, within 2 %."
            .to_owned(),
        rows: vec![judge(&slopes[1], &slopes[0])],
        runs,
        ..Check::default()
    })
}

/// Growth of the server's anonymous memory per connection, between the smallest and the largest fleet.
#[expect(clippy::cast_precision_loss, reason = "bytes and connections far below 2^53")]
fn slope_kib(cell: &Cell) -> Option<f64> {
    let points = &cell.memory.as_ref()?.points;
    let (first, last) = (points.first()?, points.last()?);
    let connections = last.connections.checked_sub(first.connections).filter(|&connections| connections > 0)?;
    Some((last.user_bytes as f64 - first.user_bytes as f64) / connections as f64 / 1024.0)
}

/// The slopes of as many cells with and without what is touched, in KiB a connection.
pub(super) fn judge(with: &[f64], without: &[f64]) -> Row {
    let grown: Vec<f64> = with.iter().zip(without).map(|(with, without)| with - without).collect();
    let (measured, spread) = median_and_spread(&grown);
    let name = "slope with 64 KiB touched less slope without";
    Row::near(name, "KiB", measured, TOUCHED_KIB, TOUCHED_KIB * TOLERANCE).spread(spread)
}
