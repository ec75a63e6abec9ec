//! A server that loses, doubles and swaps a known number of deliveries: the ledger must count exactly those.

use std::fs;

use anyhow::Context as _;
use fault::golden::Told;
use record::Deliveries;
use report::{
    Dataset, Status,
    calibration::{Check, Row},
};

use super::bench::{Bench, Run, argument, floor};

/// Constant arrivals, so that the window holds the same publications of each room whenever it is run: 200 of 20 subscribers.
const SET: [&str; 6] =
    ["rooms=4", "subscribers=20", "rate_hz=100.0", "arrivals=constant", "warm_up=500ms", "window=2s"];

/// Publications of a room that lie well inside of the window, from the 51st to the 250th.
const HIT: [u64; 2] = [61, 240];

/// Of every kind, for each subscriber: 1 % of what the window holds for it.
const EACH: u32 = 2;

/// Subscribers, as in [`SET`].
const SUBSCRIBERS: u32 = 20;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let name = "ledger".to_owned();
    let told = bench.folder("ledger-told.jsonl");
    let mut golden =
        vec![format!("--first={}", HIT[0]), format!("--last={}", HIT[1]), format!("--seed={}", bench.seed())];
    golden.extend(["lose", "double", "swap"].map(|fault| format!("--{fault}={EACH}")));
    golden.extend(["--tell".to_owned(), argument(&told)]);
    let run = Run { name, lanes: vec![floor()?], set: &SET, golden: Some(golden), ..Run::default() };
    let record = bench.run(&run)?;
    let told = read(&fs::read_to_string(&told).context("the golden server did not say what it did")?)?;
    let mut ledger = Deliveries::default();
    // All cells: what a server did to one that was repeated is told too.
    for (cell, _) in &record.cells {
        ledger.expected += cell.deliveries.expected;
        ledger.delivered += cell.deliveries.delivered;
        ledger.lost += cell.deliveries.lost;
        ledger.duplicated += cell.deliveries.duplicated;
        ledger.reordered += cell.deliveries.reordered;
    }
    let planned = u64::from(EACH) * u64::from(SUBSCRIBERS) * record.cells.len() as u64;
    let mut rows = judge(&ledger, &told, planned);
    let invalid = report::verdict(&Dataset::new(&record)?).status == Status::Invalid;
    rows.push(exact("such a run is INVALID (1 is yes)", u64::from(invalid), 1));
    Ok(Check {
        question: "Is every lost, doubled and swapped delivery counted, and nothing else?".to_owned(),
        how: "The golden server loses, doubles and swaps 1 % of the deliveries each, by a seeded plan with exact numbers, and says \
              at its end how many it did. The generator's ledger must say the same, to the one."
            .to_owned(),
        rows,
        runs: vec![run.name],
        ..Check::default()
    })
}

/// What all servers of a run told, one line each.
fn read(lines: &str) -> anyhow::Result<Told> {
    let mut sum = Told::default();
    for line in lines.lines() {
        let told: Told = serde_json::from_str(line)?;
        sum.lost += told.lost;
        sum.doubled += told.doubled;
        sum.swapped += told.swapped;
    }
    Ok(sum)
}

/// The ledger against what the server told, and that against its plan.
pub(super) fn judge(ledger: &Deliveries, told: &Told, planned: u64) -> Vec<Row> {
    vec![
        exact("lost", ledger.lost, told.lost),
        exact("duplicated", ledger.duplicated, told.doubled),
        exact("reordered", ledger.reordered, told.swapped),
        exact("delivered", ledger.delivered, ledger.expected - told.lost.min(ledger.expected)),
        exact("lost, as the server planned it", told.lost, planned),
        exact("doubled, as the server planned it", told.doubled, planned),
        exact("swapped, as the server planned it", told.swapped, planned),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn exact(name: &str, measured: u64, expected: u64) -> Row {
    Row::near(name, "", Some(measured as f64), expected as f64, 0.0)
}
