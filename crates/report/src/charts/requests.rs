//! "How many requests does a delivery take?": requests per delivery, and how many deliveries an answer brings.

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Row},
};
use crate::{
    dataset::{Lane, per},
    numbers::{requests_interval, three_digits, tick},
    ranking::median_of,
    summary::LaneSummary,
    text::{Measured, extremes_answer, list},
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "How many requests does a delivery take?";

/// The figure; none where no lane delivered anything.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let measured: Vec<Measured<'_>> = input.data.lanes.iter().filter_map(|lane| measured(input, lane)).collect();
    if measured.is_empty() {
        return Ok(None);
    }
    let bars = Bars {
        rows: (0_u8..).zip(&input.data.lanes).map(|lane| row(input, lane)).collect(),
        key: Vec::new(),
        sides: None,
        line: None,
        tick: Some(|requests| tick(requests, "")),
    };
    let [wide, narrow] = bars.draw("requests-bars", TITLE, "Bars of requests per delivery with intervals.")?;
    Ok(Some(Figure {
        id: "requests-bars",
        title: TITLE,
        answer: answer(input, &measured),
        wide,
        narrow,
        note: "Requests that subscribers completed in the window over deliveries in it, those that brought nothing and those that \
               publish included; intervals are over blocks. Behind it, how many deliveries an answer brought that brought any: \
               several share one where they come in faster than they are asked for."
            .to_owned(),
        table: table(input),
    }))
}

fn measured<'a>(input: Input<'_>, lane: &'a Lane) -> Option<Measured<'a>> {
    let value = input.summary.lane(&lane.info.lane)?.requests_per_delivery?;
    let blocks = lane.cost_per_block(|cell| per(cell.window.requests, cell.window.deliveries));
    Some(Measured { lane, value, interval: median_of(&blocks).1 })
}

fn row(input: Input<'_>, (index, lane): (u8, &Lane)) -> Row {
    let Some(Measured { value, interval, .. }) = measured(input, lane) else {
        return Row::new(input.data, lane);
    };
    let brought = input.summary.lane(&lane.info.lane).and_then(|numbers| numbers.deliveries_per_response);
    let brought = brought.filter(|_| value > 0.0);
    let brought = brought.map_or_else(String::new, |n| format!(", {} per answer", three_digits(n)));
    let value_words = format!("{}{brought}", requests_interval(value, interval));
    Row { value: value_words, ..Row::single(input.data, (index, lane), value, interval) }
}

fn answer(input: Input<'_>, measured: &[Measured<'_>]) -> String {
    let without = measured.iter().filter(|m| m.value <= 0.0 && !input.data.is_floor(m.lane)).map(|m| m.lane);
    let without: Vec<&Lane> = without.collect();
    let with = |m: &Measured<'_>| {
        if m.value <= 0.0 {
            format!("no request with {}", list(&without))
        } else {
            format!("{} with {}", requests_interval(m.value, None), m.lane.label())
        }
    };
    extremes_answer((input.data, input.verdict), measured, Measured::is_below, |least, most| match most {
        None => format!("A delivery takes {}, the only lane measured.", with(least)),
        Some(most) => format!("A delivery takes {}, and {}.", with(least), with(most)),
    })
}

fn table(input: Input<'_>) -> TableView {
    let row = |(index, lane): (usize, &Lane)| {
        let numbers: &LaneSummary = input.summary.lane(&lane.info.lane)?;
        let cells = [
            measured(input, lane).map(|m| requests_interval(m.value, m.interval)),
            numbers.deliveries_per_response.map(three_digits),
        ];
        let cells = cells.map(CellView::or_not_measured).into();
        Some(RowView { head: lane_head(input.data, index), cells })
    };
    TableView {
        caption:
            "Requests per delivery, and deliveries per answer that brought any; a lane without requests has no answers."
                .to_owned(),
        head: ["lane", "requests/delivery", "deliveries/answer"].map(str::to_owned).to_vec(),
        rows: input.data.lanes.iter().enumerate().filter_map(row).collect(),
    }
}
