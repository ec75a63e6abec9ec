//! "How many bytes a second does one subscriber cost at this rate?": stream bytes of the windows over their length and their
//! subscribers. Where nothing was published, by the minute.

use record::Cell;

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Fill, Part, Row},
    bytes::SIDES,
};
use crate::{
    dataset::{Dataset, Lane, per},
    numbers::{NOT_MEASURED, rate_interval, slow_rate_interval, tick, volume},
    ranking::{Metric, difference, median_of},
    text::{Measured, extremes_answer},
    view::{CellView, RowView, TableView, lane_head},
};

/// How a run counts.
struct Unit {
    title: &'static str,
    /// In nanoseconds.
    length_ns: f64,
    /// Of them make an hour.
    an_hour: f64,
    head: &'static str,
    print: fn(f64, Option<(f64, f64)>) -> String,
    tick: fn(f64) -> String,
}

const SECOND: Unit = Unit {
    title: "How many bytes a second does one subscriber cost at this rate?",
    length_ns: 1e9,
    an_hour: 3_600.0,
    head: "a second, both",
    print: rate_interval,
    tick: |bytes| tick(bytes, "B/s"),
};
const MINUTE: Unit = Unit {
    title: "How many bytes a minute does a subscriber cost that hears nothing?",
    length_ns: 60e9,
    an_hour: 60.0,
    head: "a minute, both",
    print: slow_rate_interval,
    tick: |bytes| tick(bytes, "B/min"),
};

/// One lane's bytes in a unit of time.
struct Rate<'a> {
    index: u8,
    down: f64,
    up: f64,
    both: Measured<'a>,
}

/// The figure; none where no bytes were measured, and where subscriptions came and went.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    if input.data.header.scenario.connect_rate_hz.is_some() {
        return Ok(None);
    }
    let unit = if input.data.is_silent() { &MINUTE } else { &SECOND };
    let rates: Vec<Rate<'_>> =
        (0_u8..).zip(&input.data.lanes).filter_map(|(index, lane)| rate(unit, index, lane)).collect();
    if rates.is_empty() {
        return Ok(None);
    }
    let bars = Bars {
        rows: input.data.lanes.iter().map(|lane| row(input.data, unit, lane, of(&rates, lane))).collect(),
        key: Vec::new(),
        sides: Some(SIDES),
        line: None,
        tick: Some(unit.tick),
    };
    let [wide, narrow] = bars.draw("bytes-rate", unit.title, "Bars of stream bytes in time, down and up.")?;
    let hours = rates.iter().filter(|rate| !input.data.is_floor(rate.both.lane));
    let hours: Vec<String> =
        hours.map(|rate| format!("{} {}", rate.both.lane.label(), volume(rate.both.value * unit.an_hour))).collect();
    Ok(Some(Figure {
        id: "bytes-rate",
        title: unit.title,
        answer: answer(input, unit, &rates),
        wide,
        narrow,
        note: format!(
            "Stream bytes of all windows over their length and their subscribers, without TCP and IP; right of zero what goes down \
             to the subscriber, left of it what goes up. The value is of both, and its interval over blocks is drawn at \
             the right end. An hour like these windows, heartbeats as they fell into them: {}.",
            if hours.is_empty() { NOT_MEASURED.to_owned() } else { hours.join(", ") }
        ),
        table: table(input, unit, &rates),
    }))
}

fn rate<'a>(unit: &Unit, index: u8, lane: &'a Lane) -> Option<Rate<'a>> {
    let down = |cell: &Cell| cell.window.down.values().sum::<u64>();
    let up = |cell: &Cell| cell.window.up.values().sum::<u64>();
    let watched_ns = |cell: &Cell| u64::from(cell.subscribers) * cell.window.length_ns;
    let over_all = |bytes: &dyn Fn(&Cell) -> u64| {
        per(lane.sum(bytes), lane.sum(watched_ns)).filter(|_| !lane.times_only).map(|per_ns| per_ns * unit.length_ns)
    };
    let blocks = lane.cost_per_block(|cell| Some(per(down(cell) + up(cell), watched_ns(cell))? * unit.length_ns));
    let both = |cell: &Cell| down(cell) + up(cell);
    let both = Measured { lane, value: over_all(&both)?, interval: median_of(&blocks).1 };
    Some(Rate { index, down: over_all(&down)?, up: over_all(&up)?, both })
}

fn of<'r, 'a>(rates: &'r [Rate<'a>], lane: &Lane) -> Option<&'r Rate<'a>> {
    rates.iter().find(|rate| rate.both.lane.info.lane == lane.info.lane)
}

fn row(data: &Dataset, unit: &Unit, lane: &Lane, rate: Option<&Rate<'_>>) -> Row {
    let unmeasured = Row::new(data, lane);
    let Some(&Rate { index, down, up, both: Measured { value, interval, .. } }) = rate else {
        return unmeasured;
    };
    let part = |bytes, way: &str| {
        let tip = format!("{} {way}: {}", unmeasured.name, (unit.print)(bytes, None));
        vec![Part::new(bytes, Fill::lane(data, index, lane), tip)]
    };
    Row {
        left: part(up, "up"),
        right: part(down, "down"),
        total: interval.map(|interval| (value, interval)),
        value: (unit.print)(value, interval),
        ..unmeasured
    }
}

/// Lanes that are given the same feed differ in bytes a second as they differ in bytes per delivery, where blocks are paired.
fn answer(input: Input<'_>, unit: &Unit, rates: &[Rate<'_>]) -> String {
    let measured: Vec<Measured<'_>> = rates.iter().map(|rate| rate.both).collect();
    let differ = |least: &Measured<'_>, most: &Measured<'_>| {
        if input.data.is_silent() {
            return least.is_below(most);
        }
        difference(input.data, Metric::Bytes, most.lane, least.lane).is_some_and(|ratio| ratio.point > 1.0)
    };
    let has =
        |rate: &Measured<'_>| format!("{} costs a subscriber {}", rate.lane.label(), (unit.print)(rate.value, None));
    extremes_answer((input.data, input.verdict), &measured, differ, |least, most| match most {
        None => format!("{}, the only lane measured.", has(least)),
        Some(most) => format!("{}, {} {}.", has(least), most.lane.label(), (unit.print)(most.value, None)),
    })
}

fn table(input: Input<'_>, unit: &Unit, rates: &[Rate<'_>]) -> TableView {
    let row = |(index, lane): (usize, &Lane)| {
        let rate = of(rates, lane);
        let cells = [
            rate.map(|rate| (unit.print)(rate.down, None)),
            rate.map(|rate| (unit.print)(rate.up, None)),
            rate.map(|rate| (unit.print)(rate.both.value, rate.both.interval)),
            rate.map(|rate| volume(rate.both.value * unit.an_hour)),
        ];
        RowView { head: lane_head(input.data, index), cells: cells.map(CellView::or_not_measured).into() }
    };
    TableView {
        caption: "Stream bytes of one subscriber.".to_owned(),
        head: ["lane", "down", "up", unit.head, "an hour, both"].map(str::to_owned).to_vec(),
        rows: input.data.lanes.iter().enumerate().map(row).collect(),
    }
}
