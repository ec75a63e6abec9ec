//! The lanes as plain text, for a terminal.

use crate::{
    claims::Withdrawn,
    columns::{columns, row},
    dataset::Dataset,
    prose::{self, round_trip},
    summary::Summary,
    text::computed,
    verdict::Verdict,
};

/// One line per lane in the header's order, columns aligned, numbers right-aligned; below them the
/// round trip that was put before the server, what is computed for a lane, and what the page says beside its table: claims
/// withdrawn, cells run again, drift.
pub(crate) fn table(data: &Dataset, summary: &Summary, verdict: &Verdict) -> String {
    let columns = columns(summary);
    let head = std::iter::once("lane".to_owned()).chain(columns.iter().map(|column| column.head.to_owned())).collect();
    let mut rows: Vec<Vec<String>> = vec![head];
    for lane in &data.lanes {
        let cells = row(data, summary, verdict, lane);
        rows.push(std::iter::once(lane.info.lane.clone()).chain(cells.into_iter().map(|cell| cell.text)).collect());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).skip(1).map(|(text, width)| format!("  {text:>width$}"));
        let name = format!("{:<width$}", row[0], width = widths[0]);
        let line = std::iter::once(name).chain(cells).collect::<Vec<_>>().concat();
        format!("{}\n", line.trim_end())
    };
    let distance = round_trip(data).map(|words| format!("{words}: only times are measured behind it.\n"));
    let below = data.lanes.iter().filter_map(|lane| Some(format!("{}\n", computed(lane, summary)?)));
    let beside = beside(data, verdict).into_iter().map(|words| format!("{words}\n"));
    rows.iter().map(line).chain(distance).chain(below).chain(beside).collect::<Vec<_>>().concat()
}

/// Of the differences that are not claimed only how many there are: the page and the summary have each.
fn beside(data: &Dataset, verdict: &Verdict) -> Vec<String> {
    let (pairs, alone): (Vec<_>, Vec<_>) = verdict.withdrawn.iter().partition(|claim| claim.against.is_some());
    let pairs = match pairs.len() {
        0 => None,
        1 => Some("1 difference between lanes is smaller than the noise, and not claimed.".to_owned()),
        n => Some(format!("{n} differences between lanes are smaller than the noise, and not claimed.")),
    };
    let alone = alone.into_iter().map(Withdrawn::sentence);
    alone.chain(pairs).chain(prose::repeated(data)).chain(prose::drift(data)).collect()
}
