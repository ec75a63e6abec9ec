//! The lanes as plain text, for a terminal.

use crate::{
    columns::{COLUMNS, row},
    dataset::Dataset,
    prose::round_trip,
    summary::Summary,
    text::computed,
    verdict::Verdict,
};

/// One line per lane in the header's order, columns aligned, numbers right-aligned; below them the
/// round trip that was put before the server, and what is computed for a lane.
pub(crate) fn table(data: &Dataset, summary: &Summary, verdict: &Verdict) -> String {
    let head = std::iter::once("lane".to_owned()).chain(COLUMNS.iter().map(|column| column.head.to_owned())).collect();
    let mut rows: Vec<Vec<String>> = vec![head];
    for lane in &data.lanes {
        let cells = row(data, summary, verdict, lane);
        rows.push(std::iter::once(lane.info.lane.clone()).chain(cells.into_iter().map(|cell| cell.text)).collect());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=COLUMNS.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).skip(1).map(|(text, width)| format!("  {text:>width$}"));
        let name = format!("{:<width$}", row[0], width = widths[0]);
        let line = std::iter::once(name).chain(cells).collect::<Vec<_>>().concat();
        format!("{}\n", line.trim_end())
    };
    let distance = round_trip(data).map(|words| format!("{words}: only times are measured behind it.\n"));
    let below = data.lanes.iter().filter_map(|lane| Some(format!("{}\n", computed(lane, summary)?)));
    rows.iter().map(line).chain(distance).chain(below).collect::<Vec<_>>().concat()
}
