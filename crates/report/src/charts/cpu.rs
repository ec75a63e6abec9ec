//! "What does one delivery cost the server?": CPU per delivery with its interval, beside the floor.

use measure::Ratio;

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Row},
};
use crate::{
    columns::both,
    dataset::Lane,
    numbers::{factor, factor_interval, time, time_interval, time_tick},
    ranking::Metric,
    summary::ServerSummary,
    text::figure_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "What does one delivery cost the server?";

/// The figure; none when no CPU was measured.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let choices = (0_u8..).zip(&input.data.lanes).filter(|(_, lane)| !input.data.is_floor(lane));
    let rows: Vec<Row> = choices.map(|lane| row(input, lane)).collect();
    if !rows.iter().any(Row::is_measured) {
        return Ok(None);
    }
    let floor = input.data.floor().and_then(|lane| {
        let cpu = input.summary.lane(&lane.info.lane)?.server.cpu_ns_per_delivery?;
        Some((cpu, format!("{} (floor) {}", lane.label(), time(cpu))))
    });
    let bars = Bars { rows, key: Vec::new(), sides: None, line: floor, tick: Some(time_tick) };
    let [wide, narrow] = bars.draw("cpu-bars", TITLE, "Bars of server CPU per delivery with intervals.")?;
    Ok(Some(Figure {
        id: "cpu-bars",
        title: TITLE,
        answer: figure_answer(input.parts(), Metric::Cpu, ("costs", "much"), time),
        wide,
        narrow,
        note: "CPU time of the whole server process in the window over deliveries in it; the median over blocks with its interval, and \
               as a multiple of the floor. It holds the work of taking the publications too, which is the same for every lane and pulls \
               ratios toward 1. On loopback about half of the absolute value is the receiver's TCP work, which the kernel charges to the \
               sender: read the ratio to the floor."
            .to_owned(),
        table: table(input),
    }))
}

fn row(input: Input<'_>, (index, lane): (u8, &Lane)) -> Row {
    let server = input.summary.lane(&lane.info.lane).map(|numbers| &numbers.server);
    let Some((server, cpu)) = server.and_then(|server| Some((server, server.cpu_ns_per_delivery?))) else {
        return Row::new(input.data, lane);
    };
    let interval = both(server.cpu_ns_per_delivery_ci);
    let ratio = server.cpu_ratio_to_raw.map_or_else(String::new, |ratio| format!(", {} floor", factor(ratio)));
    let value = format!("{}{ratio}", time_interval(cpu, interval));
    Row { value, ..Row::single(input.data, (index, lane), cpu, interval) }
}

fn table(input: Input<'_>) -> TableView {
    let row = |index: usize, server: &ServerSummary, generator: Option<f64>| {
        let ratio = server.cpu_ratio_to_raw.zip(both(server.cpu_ratio_to_raw_ci));
        let ratio = ratio.map(|(point, (low, high))| factor_interval(&Ratio { point, low, high }));
        let cells = [
            server.cpu_ns_per_delivery.map(|ns| time_interval(ns, both(server.cpu_ns_per_delivery_ci))),
            ratio,
            generator.map(time),
        ];
        RowView {
            head: lane_head(input.data, index),
            cells: cells.into_iter().map(CellView::or_not_measured).collect(),
        }
    };
    let rows = input.data.lanes.iter().enumerate().filter_map(|(index, lane)| {
        let numbers = input.summary.lane(&lane.info.lane)?;
        Some(row(index, &numbers.server, numbers.generator.cpu_ns_per_delivery))
    });
    let head = ["lane", "server CPU/delivery", "x floor, by block", "generator CPU/delivery"];
    TableView {
        caption: "CPU of the server and of the generator per delivery.".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
