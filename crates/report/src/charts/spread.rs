//! "How far apart do the subscribers of one message get it?": the fan-out spread from p50 to p99 with intervals, beside the
//! lane's delay.

use measure::{NoiseFloor, Ratio, compare::is_difference};

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, Scale, WIDE, log_range, log_ticks, svg},
};
use crate::{
    columns::whole_interval,
    dataset::{Dataset, Lane},
    numbers::{NOT_MEASURED, count, factor_interval, float, time, time_interval, time_tick, whole},
    ranking::{ratio_of, receive_lag},
    summary::Quantiles,
    text::{INVALID_FIGURE, unseen, widest},
    verdict::Status,
    view::{CellView, RowView, TableView, lane_head},
};

const ID: &str = "latency-fanout";
const TITLE: &str = "How far apart do the subscribers of one message get it?";

/// One lane's row.
struct Row<'a> {
    index: usize,
    lane: &'a Lane,
    floor: bool,
    spread: &'a Quantiles,
    p50: f64,
    delay: Option<f64>,
}

/// The figure; none when no lane brought publications enough to more than one subscriber.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let rows: Vec<Row<'_>> = input
        .data
        .lanes
        .iter()
        .enumerate()
        .filter_map(|(index, lane)| {
            let numbers = input.summary.lane(&lane.info.lane)?;
            let positive = |ns: Option<u64>| ns.map(float).filter(|&ns| ns > 0.0);
            let (spread, delay) = (&numbers.fanout_spread_ns, positive(numbers.response_time_ns.p50));
            let floor = input.data.is_floor(lane);
            Some(Row { index, lane, floor, spread, p50: positive(spread.p50)?, delay })
        })
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let words: Vec<String> = rows.iter().map(Row::words).collect();
    let description =
        format!("Bars of fan-out spread from p50 to p99, logarithmic, one per lane. {}", words.join("; "));
    let draw = |form: Form| {
        let height = form.spread_top() + form.spread_pitch() * i32::try_from(rows.len()).unwrap_or(0) + 48;
        svg((form, height), (ID, TITLE, &description), |pen| paint(pen, form, height, &rows))
    };
    let scenario = &input.data.header.scenario;
    let audience = f64::from(scenario.subscribers) / f64::from(scenario.rooms.max(1));
    Ok(Some(Figure {
        id: ID,
        title: TITLE,
        answer: answer(input, &rows),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: format!(
            "From the first to the last subscriber of one publication, with {} subscribers a room on average; of those who got it, where \
             more than one did. Bars run from the p50 to the p99, whiskers are intervals over blocks, and the axis is logarithmic. Clients that ask \
             by the clock ask at different times, so theirs is most of an interval by design.",
            count(whole(audience.round()))
        ),
        table: table(input),
    }))
}

impl Form {
    /// From row to row: on a phone the label stands above.
    const fn spread_pitch(self) -> i32 {
        if self.narrow { 54 } else { 40 }
    }

    /// Below the key.
    const fn spread_top(self) -> i32 {
        if self.narrow { 44 } else { 26 }
    }
}

impl Row<'_> {
    fn ink(&self) -> Ink {
        if self.floor { Ink::Muted } else { u8::try_from(self.index).map_or(Ink::Text, Ink::Lane) }
    }

    fn label(&self) -> String {
        if self.floor { format!("{} (floor)", self.lane.label()) } else { self.lane.label() }
    }

    fn p99(&self) -> Option<f64> {
        self.spread.p99.map(float)
    }

    /// Beside the bar.
    fn value(&self) -> String {
        self.p99().map_or_else(|| time(self.p50), |p99| format!("{} to {}", time(self.p50), time(p99)))
    }

    fn words(&self) -> String {
        let text = |ns: Option<f64>| ns.map_or_else(|| NOT_MEASURED.to_owned(), time);
        let (p99, delay) = (text(self.p99()), text(self.delay));
        format!("{}: spread p50 {}, p99 {p99}, delay p50 {delay}", self.label(), time(self.p50))
    }
}

fn ratio(a: &Lane, b: &Lane) -> Option<Ratio> {
    ratio_of(&a.fanout_spread.p50_per_block(), &b.fanout_spread.p50_per_block())
}

/// How one lane's spread compares with another's, when the run carries a difference: beyond what two runs of one lane differed
/// by, and beyond what stamped reads waited for their turn.
fn difference(data: &Dataset, a: &Lane, b: &Lane) -> Option<Ratio> {
    let twins = data.twin.as_ref().zip(data.twinned());
    let noise = twins.and_then(|(twin, lane)| ratio(twin, lane));
    let noise = noise.map_or(1.0, |ratio| NoiseFloor::from_twin(&ratio).factor());
    let smallest = data.choices().into_iter().filter_map(|lane| lane.fanout_spread.merged.quantile_ns(0.5)).min();
    let lag = receive_lag(data).zip(smallest.filter(|&ns| ns > 0));
    let lag = lag.map_or(1.0, |(lag, smallest)| 1.0 + float(lag) / float(smallest));
    let factor = noise.max(lag);
    let floor = NoiseFloor::from_twin(&Ratio { point: factor, low: factor.recip(), high: factor });
    ratio(a, b).filter(|ratio| is_difference(ratio, floor))
}

fn answer(input: Input<'_>, rows: &[Row<'_>]) -> String {
    if input.verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let mut choices: Vec<&Row<'_>> = rows.iter().filter(|row| !row.floor).collect();
    choices.sort_by(|a, b| a.p50.total_cmp(&b.p50));
    let within = |row: &Row<'_>| format!("within {} of the first", time(row.p50));
    match choices.as_slice() {
        [] => "Only the floor was measured.".to_owned(),
        [only] => {
            let name = only.lane.label();
            format!(
                "{name} brings half of its messages to the last subscriber {}, the only lane measured.",
                within(only)
            )
        }
        several => {
            let proven =
                |a: &&Row<'_>, b: &&Row<'_>| difference(input.data, b.lane, a.lane).filter(|ratio| ratio.point > 1.0);
            let Some((least, most, found)) = widest(several, proven) else {
                let lanes: Vec<&Lane> = rows.iter().filter(|row| !row.floor).map(|row| row.lane).collect();
                return unseen(&lanes, |a, b| ratio(a, b).is_some());
            };
            let farther = |row: &&Row<'_>| difference(input.data, most.lane, row.lane).is_some_and(|r| r.point > 1.0);
            let is_other = |row: &&&Row<'_>| row.lane.info.lane != most.lane.info.lane;
            let plainly = if choices.iter().filter(is_other).all(farther) {
                format!(" {} spreads most.", most.lane.label())
            } else {
                String::new()
            };
            format!(
                "{} brings half of its messages to the last subscriber {}, {} within {}: {} as far apart.{plainly}",
                least.lane.label(),
                within(least),
                most.lane.label(),
                time(most.p50),
                factor_interval(&found)
            )
        }
    }
}

fn paint(pen: &Pen<'_>, form: Form, height: i32, rows: &[Row<'_>]) -> Result<(), DrawError> {
    // Values are printed beyond the axis in the wide form, beside the name in the narrow one.
    let (left, right) = if form.narrow { (12, form.width - 16) } else { (170, form.width - 150) };
    let (top, bottom) = (form.spread_top(), height - 44);
    let ends = rows.iter().flat_map(|row| {
        let intervals = [row.spread.p50_ci, row.spread.p99_ci].map(whole_interval);
        let intervals = intervals.into_iter().flatten().flat_map(|(low, high)| [low, high]);
        [Some(row.p50), row.p99(), row.delay].into_iter().flatten().chain(intervals).filter(|&ns| ns > 0.0)
    });
    let range = log_range(ends);
    let x = Scale::log(range.clone(), (left, right));
    for tick in log_ticks(&range) {
        let at = x.px(tick);
        for foot in (1..).map(|place| top + place * form.spread_pitch()).take(rows.len()) {
            // Names stand above bars in the narrow form.
            pen.line(&[(at, foot - form.spread_pitch() + if form.narrow { 26 } else { 0 }), (at, foot)], Ink::Rule, 1)?;
        }
        let align = if at < 24 { Align::Start } else { Align::Middle };
        pen.text((at, bottom + 14), &time_tick(tick), Ink::Muted, align)?;
    }
    pen.text((right, bottom + 34), "time, log scale", Ink::Muted, Align::End)?;
    key(pen, form)?;
    for (row, place) in rows.iter().zip(1..) {
        let foot = top + place * form.spread_pitch();
        let middle = foot - if form.narrow { 16 } else { 20 };
        if form.narrow {
            pen.text((4, foot - 38), &row.label(), row.ink(), Align::Start)?;
            pen.text((form.width - 4, foot - 38), &row.value(), Ink::Text, Align::End)?;
        } else {
            pen.name((left - 14, middle), &row.label(), form, row.ink(), Align::End)?;
            pen.text((right + 16, middle), &row.value(), Ink::Text, Align::Start)?;
        }
        bar(pen, row, &x, middle)?;
        pen.tip((left, foot - form.spread_pitch()), (right, foot), row.words());
    }
    Ok(())
}

/// What the marks mean.
fn key(pen: &Pen<'_>, form: Form) -> Result<(), DrawError> {
    let (x, y) = if form.narrow { (4, 28) } else { (396, 10) };
    pen.bar((if form.narrow { 4 } else { 170 }, 7), (if form.narrow { 32 } else { 198 }, 13), Ink::Muted)?;
    pen.text((if form.narrow { 40 } else { 206 }, 10), "spread, p50 to p99", Ink::Text, Align::Start)?;
    pen.line(&[(x + 14, y - 8), (x + 14, y + 8)], Ink::Text, 2)?;
    pen.text((x + 36, y), "the lane's delay, p50", Ink::Text, Align::Start)
}

fn bar(pen: &Pen<'_>, row: &Row<'_>, x: &Scale, y: i32) -> Result<(), DrawError> {
    let ink = row.ink();
    let from = x.px(row.p50);
    if let Some(p99) = row.p99() {
        let half = if row.floor { 1 } else { 3 };
        pen.bar((from, y - half), (x.px(p99), y + half), ink)?;
    }
    for interval in [row.spread.p50_ci, row.spread.p99_ci] {
        if let Some((low, high)) = whole_interval(interval).filter(|&(low, _)| low > 0.0) {
            pen.interval((x.px(low), y + 10), (x.px(high), y + 10), ink)?;
        }
    }
    if let Some(delay) = row.delay {
        let at = x.px(delay);
        pen.line(&[(at, y - 9), (at, y + 9)], Ink::Text, 2)?;
    }
    pen.mark((from, y), &row.lane.info.mark, ink)
}

fn table(input: Input<'_>) -> TableView {
    let row = |(index, lane): (usize, &Lane)| {
        let numbers = input.summary.lane(&lane.info.lane)?;
        let n = &numbers.fanout_spread_ns;
        let plain = |ns: Option<u64>| ns.map(|ns| time(float(ns)));
        let with = |ns: Option<u64>, ci| ns.map(|ns| time_interval(float(ns), whole_interval(ci)));
        let cells = [
            with(n.p50, n.p50_ci),
            plain(n.p75),
            plain(n.p90),
            plain(n.p95),
            with(n.p99, n.p99_ci),
            plain(n.max),
            with(numbers.response_time_ns.p50, numbers.response_time_ns.p50_ci),
        ];
        Some(RowView { head: lane_head(input.data, index), cells: cells.map(CellView::or_not_measured).into() })
    };
    let head = ["lane", "p50", "p75", "p90", "p95", "p99", "max", "delay, p50"];
    TableView {
        caption: "Fan-out spread, from the first to the last subscriber of a publication, and the delay beside it."
            .to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: input.data.lanes.iter().enumerate().filter_map(row).collect(),
    }
}
