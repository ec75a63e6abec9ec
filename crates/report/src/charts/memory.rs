//! "What does a connection hold in memory?": the server process' own memory and the kernel's, per subscriber connection.

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Fill, Part, Row},
    common::Ink,
};
use crate::{
    columns::both,
    dataset::Lane,
    numbers::{NOT_MEASURED, memory_interval, tick},
    prose::memory_note,
    summary::MemorySummary,
    text::{Measured, extremes_answer},
    view::{CellView, RowView, TableView, lane_head},
};

/// On the page its absence is told in other words.
pub(crate) const ID: &str = "memory-bars";

const TITLE: &str = "What does a connection hold in memory?";
/// Of the axis.
const KIB: f64 = 1024.0;

/// The figure; none when no memory was measured.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let rows: Vec<Row> = (0_u8..).zip(&input.data.lanes).map(|lane| row(input, lane)).collect();
    if !rows.iter().any(Row::is_measured) {
        return Ok(None);
    }
    let plain = Fill::ink(Ink::Muted);
    let bars = Bars {
        rows,
        key: vec![("server process", plain.clone()), ("kernel", plain.pale())],
        sides: None,
        line: None,
        tick: Some(|kib| tick(kib, "KiB")),
    };
    let what = "Stacked bars of memory per connection, the server process and the kernel, with intervals.";
    let [wide, narrow] = bars.draw(ID, TITLE, what)?;
    Ok(Some(Figure {
        id: ID,
        title: TITLE,
        answer: answer(input),
        wide,
        narrow,
        note: memory_note(input.data, input.summary),
        table: table(input),
    }))
}

fn memory(input: Input<'_>, lane: &Lane) -> MemorySummary {
    let numbers = input.summary.lane(&lane.info.lane);
    numbers.map_or_else(MemorySummary::default, |numbers| numbers.server.memory_bytes_per_connection)
}

fn row(input: Input<'_>, (index, lane): (u8, &Lane)) -> Row {
    let unmeasured = Row::new(input.data, lane);
    let MemorySummary { user, user_ci, kernel, kernel_ci } = memory(input, lane);
    let words = |bytes: Option<f64>, ci| {
        bytes.map_or_else(|| NOT_MEASURED.to_owned(), |bytes| memory_interval(bytes, both(ci)))
    };
    let (user_words, kernel_words) = (words(user, user_ci), words(kernel, kernel_ci));
    let whole = Fill::lane(input.data, index, lane);
    let part = |bytes: Option<f64>, ci, fill, tip| {
        let interval = both(ci).map(|(low, high)| (low / KIB, high / KIB));
        bytes.map(|bytes| Part { interval, ..Part::new(bytes / KIB, fill, tip) })
    };
    let parts = [
        part(user, user_ci, whole.clone(), format!("{}, server process: {user_words}", unmeasured.name)),
        part(kernel, kernel_ci, whole.pale(), format!("{}, kernel: {kernel_words}", unmeasured.name)),
    ];
    let right: Vec<Part> = parts.into_iter().flatten().collect();
    if right.is_empty() {
        return unmeasured;
    }
    Row { right, value: format!("{user_words} + kernel {kernel_words}"), ..unmeasured }
}

/// Of the server process alone: the kernel's part is about the connection, and most of it is the same for every lane.
fn answer(input: Input<'_>) -> String {
    let measured = |lane| {
        let MemorySummary { user, user_ci, .. } = memory(input, lane);
        Some(Measured { lane, value: user?, interval: both(user_ci) })
    };
    let measured: Vec<Measured<'_>> = input.data.lanes.iter().filter_map(measured).collect();
    let holds = |m: &Measured<'_>| format!("{} holds {}", m.lane.label(), memory_interval(m.value, None));
    extremes_answer((input.data, input.verdict), &measured, Measured::is_below, |least, most| match most {
        None => format!("In the server process a subscriber of {}, the only lane measured.", holds(least)),
        Some(most) => format!("In the server process a subscriber of {}, one of {}.", holds(least), holds(most)),
    })
}

fn table(input: Input<'_>) -> TableView {
    let row = |(index, lane): (usize, &Lane)| {
        let MemorySummary { user, user_ci, kernel, kernel_ci } = memory(input, lane);
        let text = |bytes: Option<f64>, ci| bytes.map(|bytes| memory_interval(bytes, both(ci)));
        let cells = [text(user, user_ci), text(kernel, kernel_ci)].map(CellView::or_not_measured);
        RowView { head: lane_head(input.data, index), cells: cells.into() }
    };
    TableView {
        caption: "Memory per subscriber with all its connections, the median over blocks with its interval".to_owned(),
        head: ["lane", "server process", "kernel"].map(str::to_owned).to_vec(),
        rows: input.data.lanes.iter().enumerate().map(row).collect(),
    }
}
