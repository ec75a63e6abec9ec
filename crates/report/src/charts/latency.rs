//! "How late does a message arrive?": the delay at every quantile from the median to what the evidence carries.
//!
//! The horizontal axis is logarithmic in the share that is still later, so that p50, p90, p99 stand evenly apart.

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, Scale, WIDE, log_range, log_ticks, spread, svg},
};
use crate::{
    columns::whole_interval,
    dataset::Lane,
    numbers::{NOT_MEASURED, float, time, time_interval, time_tick},
    ranking::Metric,
    summarise::largest_quantile,
    summary::Quantiles,
    text::figure_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "How late does a message arrive?";
/// The quantiles that are named, by the share that is later.
const NAMED: [(&str, f64); 6] =
    [("p50", 0.5), ("p75", 0.25), ("p90", 0.1), ("p95", 0.05), ("p99", 0.01), ("p99.9", 0.001)];
/// Points of a line between the median and its end.
const POINTS: u32 = 48;

/// One lane's line.
struct Line<'a> {
    index: u8,
    lane: &'a Lane,
    floor: bool,
    /// How many there are for one that is later, and the delay in nanoseconds.
    points: Vec<(f64, f64)>,
    numbers: &'a Quantiles,
}

/// The figure; none when no lane has enough samples for a median.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let lines: Vec<Line<'_>> = (0_u8..)
        .zip(&input.data.lanes)
        .filter_map(|(index, lane)| {
            let numbers = &input.summary.lane(&lane.info.lane)?.response_time_ns;
            let points = points(lane);
            let floor = input.data.is_floor(lane);
            (!points.is_empty()).then_some(Line { index, lane, floor, points, numbers })
        })
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let answer = figure_answer(input.parts(), Metric::Delay, ("delivers half within", "long"), time);
    let description = format!(
        "Lines of delay over quantile, logarithmic, one per lane. {}",
        lines.iter().map(Line::words).collect::<Vec<_>>().join("; ")
    );
    let draw = |form: Form, height| {
        svg((form, height), ("latency-quantiles", TITLE, &description), |pen| paint(pen, form, height, &lines))
    };
    Ok(Some(Figure {
        id: "latency-quantiles",
        title: TITLE,
        answer,
        wide: draw(WIDE, 430)?,
        narrow: draw(NARROW, 400)?,
        note: "Response time: from the instant at which a publication was due to its arrival. Both axes are logarithmic. Lines end \
               where fewer than ten publications lie beyond; whiskers beside p50 and p99 are intervals over blocks."
            .to_owned(),
        table: table(input),
    }))
}

fn points(lane: &Lane) -> Vec<(f64, f64)> {
    let Some(largest) = largest_quantile(lane.publishes()) else {
        return Vec::new();
    };
    let (first, last) = (2.0_f64, (1.0 - largest).recip());
    let step = |i: u32| first * (last / first).powf(f64::from(i) / f64::from(POINTS));
    let point = |one_in: f64| Some((one_in, float(lane.response_time.merged.quantile_ns(1.0 - one_in.recip())?)));
    (0..=POINTS).map(step).filter_map(point).filter(|&(_, ns)| ns > 0.0).collect()
}

impl Form {
    /// Where lines end; labels stand beyond.
    const fn lines_end(self) -> i32 {
        self.labels_start() - if self.narrow { 20 } else { 24 }
    }

    const fn labels_start(self) -> i32 {
        self.width - if self.narrow { 98 } else { 156 }
    }
}

impl Line<'_> {
    const fn ink(&self) -> Ink {
        if self.floor { Ink::Muted } else { Ink::Lane(self.index) }
    }

    fn stroke(&self) -> Ink {
        if self.floor { Ink::Muted } else { Ink::of_line(self.index, self.lane) }
    }

    fn label(&self) -> String {
        if self.floor { format!("{} (floor)", self.lane.label()) } else { self.lane.label() }
    }

    fn words(&self) -> String {
        let quantile = |value: Option<u64>| value.map_or_else(|| NOT_MEASURED.to_owned(), |ns| time(float(ns)));
        format!("{}: p50 {}, p99 {}", self.label(), quantile(self.numbers.p50), quantile(self.numbers.p99))
    }
}

fn paint(pen: &Pen<'_>, form: Form, height: i32, lines: &[Line<'_>]) -> Result<(), DrawError> {
    let (left, right) = (if form.narrow { 58 } else { 64 }, form.lines_end());
    let (top, bottom) = (28, height - 34);
    let delays = lines.iter().flat_map(|line| line.points.iter().map(|&(_, ns)| ns));
    let range = log_range(delays);
    let end = lines.iter().filter_map(|line| line.points.last()).map(|&(one_in, _)| one_in).fold(2.0, f64::max);
    let y = Scale::log(range.clone(), (bottom, top));
    // Room for the marks of the first and the last quantile.
    let x = Scale::log(1.9..end * 1.03, (left, right));

    pen.text((left - 6, 10), "delay, log scale", Ink::Muted, Align::Start)?;
    for tick in log_ticks(&range) {
        let at = y.px(tick);
        pen.line(&[(left, at), (right, at)], Ink::Rule, 1)?;
        pen.text((left - 8, at), &time_tick(tick), Ink::Muted, Align::End)?;
    }
    for (name, later) in NAMED.iter().filter(|(_, later)| later.recip() <= end * 1.01) {
        let at = x.px(later.recip());
        pen.line(&[(at, top), (at, bottom)], Ink::Rule, 1)?;
        pen.text((at, bottom + 16), name, Ink::Muted, Align::Middle)?;
    }
    // Whiskers side by side, not on one another, and towards the middle, because labels stand on the outside.
    let step = if form.narrow { 3 } else { 6 };
    let mut aside = 0;
    for line in lines {
        line_of(pen, line, (&x, &y), aside)?;
        aside += if line.floor { 0 } else { step };
    }
    labels(pen, form, lines, &y, (top, bottom))
}

fn line_of(pen: &Pen<'_>, line: &Line<'_>, (x, y): (&Scale, &Scale), aside: i32) -> Result<(), DrawError> {
    let ink = line.ink();
    let path = line.points.iter().map(|&(one_in, ns)| (x.fine(one_in), y.fine(ns))).collect();
    pen.curve(path, line.stroke(), if line.floor { 1 } else { 2 })?;
    if line.floor {
        return Ok(());
    }
    for (one_in, interval, aside) in [(2.0, line.numbers.p50_ci, aside), (100.0, line.numbers.p99_ci, -aside)] {
        if let Some((low, high)) = whole_interval(interval) {
            let at = x.px(one_in) + aside;
            pen.interval((at, y.px(low)), (at, y.px(high)), ink)?;
        }
    }
    let n = line.numbers;
    for (value, (name, later)) in [n.p50, n.p75, n.p90, n.p95, n.p99, n.p999].into_iter().zip(NAMED) {
        if let Some(ns) = value {
            let (x, y) = (x.px(later.recip()), y.px(float(ns)));
            pen.mark((x, y), &line.lane.info.mark, ink)?;
            let interval = match name {
                "p50" => n.p50_ci,
                "p99" => n.p99_ci,
                _ => [None; 2],
            };
            let value = time_interval(float(ns), whole_interval(interval));
            pen.tip((x - 7, y - 7), (x + 7, y + 7), format!("{}, {name}: {value}", line.label()));
        }
    }
    Ok(())
}

/// At the ends of the lines.
fn labels(pen: &Pen<'_>, form: Form, lines: &[Line<'_>], y: &Scale, span: (i32, i32)) -> Result<(), DrawError> {
    let (right, start) = (form.lines_end(), form.labels_start());
    let ends: Vec<i32> = lines.iter().filter_map(|line| line.points.last()).map(|&(_, ns)| y.px(ns)).collect();
    let wanted: Vec<(i32, i32)> =
        ends.iter().zip(lines).map(|(end, line)| (*end, form.name_height(&line.label()))).collect();
    for ((line, end), middle) in lines.iter().zip(&ends).zip(spread(&wanted, span)) {
        pen.line(&[(right + 2, *end), (start - 4, middle)], line.ink(), 1)?;
        pen.name((start, middle), &line.label(), form, line.ink(), Align::Start)?;
    }
    Ok(())
}

fn table(input: Input<'_>) -> TableView {
    let names = ["p50", "p75", "p90", "p95", "p99", "p99.9", "max"];
    let mut rows = Vec::new();
    for (index, lane) in input.data.lanes.iter().enumerate() {
        let Some(numbers) = input.summary.lane(&lane.info.lane) else {
            continue;
        };
        for (what, n) in [("response", &numbers.response_time_ns), ("service", &numbers.service_time_ns)] {
            let plain = |value: Option<u64>| CellView::or_not_measured(value.map(|ns| time(float(ns))));
            let with = |value: Option<u64>, interval| {
                CellView::or_not_measured(value.map(|ns| time_interval(float(ns), whole_interval(interval))))
            };
            let mut cells = vec![CellView::plain(what.to_owned())];
            cells.extend([with(n.p50, n.p50_ci), plain(n.p75), plain(n.p90), plain(n.p95), with(n.p99, n.p99_ci)]);
            cells.extend([plain(n.p999), plain(n.max)]);
            rows.push(RowView { head: lane_head(input.data, index), cells });
        }
    }
    TableView {
        caption: "Delay by quantile. Response time counts from the due instant, service time from the actual write."
            .to_owned(),
        head: ["lane", "time"].into_iter().chain(names).map(str::to_owned).collect(),
        rows,
    }
}
