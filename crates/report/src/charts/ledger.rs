//! "Did every message arrive, once?": what became of every delivery that was expected. A run in which all is well has one
//! bar; else every lane has its own.

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Fill, Part, Row},
    common::Ink,
};
use crate::{
    dataset::Lane,
    numbers::{count, float},
    summary::DeliveriesSummary,
    text::ledger_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "Did every message arrive, once?";
/// Pixels that losses have at least: one of thousands must be seen.
const LOST_PX: i32 = 3;

/// The figure; none where nothing was expected.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let ledgers: Vec<DeliveriesSummary> = input.data.lanes.iter().map(|lane| ledger(input, lane)).collect();
    let total = |value: fn(&DeliveriesSummary) -> Option<u64>| ledgers.iter().filter_map(value).sum::<u64>();
    let all = DeliveriesSummary {
        expected: Some(total(|d| d.expected)),
        delivered: Some(total(|d| d.delivered)),
        lost: Some(ledgers.iter().map(lost).sum()),
        duplicated: Some(total(|d| d.duplicated)),
        reordered: Some(total(|d| d.reordered)),
        replayed: Some(total(|d| d.replayed)),
        gaps_told: Some(total(|d| d.gaps_told)),
    };
    let expected = all.expected.unwrap_or(0);
    if expected == 0 {
        return Ok(None);
    }
    let lanes = (0_u8..).zip(&input.data.lanes).zip(&ledgers);
    let is_whole = ledgers.iter().all(|ledger| ledger.expected.is_some() && problems(ledger).is_empty());
    let rows = match ledgers.as_slice() {
        [_, _, ..] if is_whole => vec![sum(&ledgers, &all)],
        _ => lanes.map(|((index, lane), ledger)| row(input, (index, lane), ledger)).collect(),
    };
    let bars = Bars { rows, key: Vec::new(), sides: None, line: None, tick: None };
    let [wide, narrow] =
        bars.draw("delivery-ledger", TITLE, "Bars of deliveries that arrived, and of those that were lost.")?;
    Ok(Some(Figure {
        id: "delivery-ledger",
        title: TITLE,
        answer: ledger_answer(input.verdict, expected, &problems(&all)),
        wide,
        narrow,
        note: "Expected are the publications due in the windows times their subscribers, followed until the deadline. One that never \
               came is lost, counts as infinitely late, and is drawn red, at least three pixels of it. A cell that was run again is \
               here with its repetition; what went wrong in its first run is among the verdict's reasons."
            .to_owned(),
        table: table(input, &ledgers),
    }))
}

fn ledger(input: Input<'_>, lane: &Lane) -> DeliveriesSummary {
    input.summary.lane(&lane.info.lane).map(|numbers| numbers.deliveries).unwrap_or_default()
}

/// What was not delivered, whether the record calls it lost or not.
fn lost(ledger: &DeliveriesSummary) -> u64 {
    let missing = ledger.expected.unwrap_or(0).saturating_sub(ledger.delivered.unwrap_or(0));
    missing.max(ledger.lost.unwrap_or(0))
}

/// What is not as it should be, in words.
fn problems(ledger: &DeliveriesSummary) -> Vec<String> {
    let beyond = ledger.delivered.unwrap_or(0).saturating_sub(ledger.expected.unwrap_or(0));
    let counts = [
        (Some(lost(ledger)), "lost"),
        (Some(beyond), "more than expected"),
        (ledger.duplicated, "duplicated"),
        (ledger.reordered, "reordered"),
        (ledger.gaps_told, "in gaps that were told"),
    ];
    let told = |(n, what): (Option<u64>, &str)| n.filter(|&n| n > 0).map(|n| format!("{} {what}", count(n)));
    counts.into_iter().filter_map(told).collect()
}

fn parts(ledger: &DeliveriesSummary, name: &str, fill: Fill) -> Vec<Part> {
    let (delivered, lost) = (ledger.delivered.unwrap_or(0), lost(ledger));
    let mut parts = vec![Part::new(float(delivered), fill, String::new())];
    if lost > 0 {
        let tip = format!("{name}: {} lost", count(lost));
        parts.push(Part { least: LOST_PX, ..Part::new(float(lost), Fill::ink(Ink::Alarm), tip) });
    }
    parts
}

fn value(ledger: &DeliveriesSummary) -> String {
    let [delivered, expected] = [ledger.delivered, ledger.expected].map(|n| count(n.unwrap_or(0)));
    let replayed = ledger.replayed.filter(|&n| n > 0).map(|n| format!("{} replayed", count(n)));
    std::iter::once(format!("{delivered} of {expected}"))
        .chain(problems(ledger))
        .chain(replayed)
        .collect::<Vec<_>>()
        .join(", ")
}

fn row(input: Input<'_>, (index, lane): (u8, &Lane), ledger: &DeliveriesSummary) -> Row {
    let unmeasured = Row::new(input.data, lane);
    if ledger.expected.is_none() {
        return unmeasured;
    }
    let right = parts(ledger, &unmeasured.name, Fill::lane(input.data, index, lane));
    Row { right, value: value(ledger), alarm: !problems(ledger).is_empty(), ..unmeasured }
}

/// All lanes in one bar.
fn sum(ledgers: &[DeliveriesSummary], all: &DeliveriesSummary) -> Row {
    let name = format!("All {} lanes", ledgers.len());
    Row {
        right: parts(all, &name, Fill::ink(Ink::Muted)),
        name,
        floor: false,
        left: Vec::new(),
        total: None,
        value: value(all),
        alarm: false,
    }
}

fn table(input: Input<'_>, ledgers: &[DeliveriesSummary]) -> TableView {
    let row = |(index, d): (usize, &DeliveriesSummary)| {
        let counts = [d.expected, d.delivered, d.lost, d.duplicated, d.reordered, d.replayed, d.gaps_told];
        let cells = counts.map(|n| CellView::or_not_measured(n.map(count))).into();
        RowView { head: lane_head(input.data, index), cells }
    };
    let head = ["lane", "expected", "delivered", "lost", "duplicated", "reordered", "replayed", "gaps told"];
    TableView {
        caption: "The ledger of deliveries, all blocks".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: ledgers.iter().enumerate().map(row).collect(),
    }
}
