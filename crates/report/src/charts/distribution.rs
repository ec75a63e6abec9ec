//! "How are the delays spread?": one row per lane on a common logarithmic time axis.

use std::collections::BTreeMap;

use super::{
    DrawError, Figure, Input,
    common::{Align, FinePx, Form, Ink, NARROW, Pen, Scale, WIDE, fine, log_range, log_ticks, svg},
};
use crate::{
    dataset::Lane,
    numbers::{NOT_MEASURED, float, percent, time, time_tick},
    text::INVALID_FIGURE,
    verdict::Status,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "How are the delays spread?";
/// Fine enough to show two humps a factor of 1.3 apart, coarse enough for a thousand publications.
const BINS_PER_DECADE: f64 = 16.0;
/// Of which a pointer reads the sum: a quarter of a decade.
const BINS_PER_TIP: i32 = 4;

/// Where the first row begins.
const TOP: i32 = 8;

/// One lane's row.
struct Row<'a> {
    index: u8,
    lane: &'a Lane,
    floor: bool,
    /// By bin: the share of deliveries.
    shares: BTreeMap<i32, f64>,
    p50: Option<u64>,
    p95: Option<u64>,
}

/// The figure; none without samples.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let rows: Vec<Row<'_>> = (0_u8..)
        .zip(&input.data.lanes)
        .filter_map(|(index, lane)| {
            let numbers = &input.summary.lane(&lane.info.lane)?.response_time_ns;
            let shares = shares(lane);
            let floor = input.data.is_floor(lane);
            (!shares.is_empty()).then_some(Row { index, lane, floor, shares, p50: numbers.p50, p95: numbers.p95 })
        })
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let words = rows.iter().map(Row::words).collect::<Vec<_>>().join("; ");
    let description = format!("One histogram per lane on a logarithmic time axis. {words}");
    let draw = |form: Form| {
        let height = form.pitch() * i32::try_from(rows.len()).unwrap_or(0) + 54;
        svg((form, height), ("latency-spread", TITLE, &description), |pen| paint(pen, form, height, &rows))
    };
    Ok(Some(Figure {
        id: "latency-spread",
        title: TITLE,
        answer: answer(input, &rows),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: "The height is the share of deliveries in equal steps of the logarithm; every row is scaled to its own largest step, so \
               compare shapes and places, not heights. The mark is the p50."
            .to_owned(),
        table: table(input),
    }))
}

impl Form {
    /// From row to row: on a phone the label stands above.
    const fn pitch(self) -> i32 {
        if self.narrow { 74 } else { 58 }
    }

    /// The foot of a row, counted from one.
    const fn base(self, place: i32) -> i32 {
        TOP + place * self.pitch() - 6
    }

    /// How high the largest step of every row is.
    const fn tallest(self) -> i32 {
        if self.narrow { 44 } else { 46 }
    }
}

impl Row<'_> {
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
        format!("{}: p50 {}, p95 {}", self.lane.label(), quantile(self.p50), quantile(self.p95))
    }
}

fn answer(input: Input<'_>, rows: &[Row<'_>]) -> String {
    if input.verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let choices = rows.iter().filter(|row| !row.floor);
    let mut spans: Vec<(u64, &Row<'_>)> = choices.filter_map(|row| Some((row.p95?, row))).collect();
    spans.sort_by_key(|&(p95, _)| p95);
    let between = |row: &Row<'_>| {
        let [p50, p95] = [row.p50, row.p95].map(|ns| time(float(ns.unwrap_or(0))));
        format!("{} has its p50 at {p50} and its p95 at {p95}", row.lane.label())
    };
    match spans.as_slice() {
        [] => "Too few publications for a p95.".to_owned(),
        [(_, only)] => format!("{}.", between(only)),
        [(_, near), .., (_, far)] => format!("{}; {}.", between(near), between(far)),
    }
}

fn shares(lane: &Lane) -> BTreeMap<i32, f64> {
    let recorder = &lane.response_time.merged;
    let mut shares = BTreeMap::new();
    for (upper_ns, count) in recorder.buckets() {
        *shares.entry(bin(float(upper_ns.max(1)))).or_insert(0.0) += float(count) / float(recorder.len());
    }
    shares
}

#[expect(clippy::cast_possible_truncation, reason = "a logarithm of nanoseconds is a small number")]
fn bin(ns: f64) -> i32 {
    (ns.log10() * BINS_PER_DECADE).floor() as i32
}

fn lower_edge(bin: i32) -> f64 {
    10_f64.powf(f64::from(bin) / BINS_PER_DECADE)
}

fn paint(pen: &Pen<'_>, form: Form, height: i32, rows: &[Row<'_>]) -> Result<(), DrawError> {
    let (left, right) = if form.narrow { (10, form.width - 14) } else { (170, form.width - 30) };
    let (top, bottom) = (TOP, height - 46);
    let edges = rows.iter().flat_map(|row| {
        let (first, last) = (row.shares.keys().next(), row.shares.keys().next_back());
        [first.map(|&bin| lower_edge(bin)), last.map(|&bin| lower_edge(bin + 1))].into_iter().flatten()
    });
    let range = log_range(edges);
    let x = Scale::log(range.clone(), (left, right));
    for tick in log_ticks(&range) {
        let at = x.px(tick);
        if form.narrow {
            // Names stand above rows.
            for base in (1..).map(|place| form.base(place)).take(rows.len()) {
                pen.line(&[(at, base - form.tallest()), (at, base)], Ink::Rule, 1)?;
            }
        } else {
            pen.line(&[(at, top), (at, bottom)], Ink::Rule, 1)?;
        }
        pen.text((at, bottom + 14), &time_tick(tick), Ink::Muted, if at < 24 { Align::Start } else { Align::Middle })?;
    }
    pen.text((right, bottom + 34), "delay, log scale", Ink::Muted, Align::End)?;
    for (row, place) in rows.iter().zip(1..) {
        let (base, tallest) = (form.base(place), form.tallest());
        let name = row.label();
        if form.narrow {
            pen.text((left, base - 56), &name, row.ink(), Align::Start)?;
        } else {
            pen.name((left - 14, base - 14), &name, form, row.ink(), Align::End)?;
        }
        let outline = outline(row, &x, base, tallest);
        pen.shade(outline.clone(), row.ink())?;
        pen.curve(outline, row.stroke(), 1)?;
        pen.line(&[(left, base), (right, base)], Ink::Rule, 1)?;
        tips(pen, row, &x, (base - tallest, base));
        if let Some(p50) = row.p50.filter(|&ns| ns > 0) {
            let at = x.px(float(p50));
            pen.mark((at, base), &row.lane.info.mark, row.ink())?;
            pen.tip((at - 6, base - 6), (at + 6, base + 6), format!("{name}: p50 {}", time(float(p50))));
        }
    }
    Ok(())
}

/// Several steps together: a single one is too narrow to point at.
fn tips(pen: &Pen<'_>, row: &Row<'_>, x: &Scale, (top, bottom): (i32, i32)) {
    let mut together: BTreeMap<i32, f64> = BTreeMap::new();
    for (bin, share) in &row.shares {
        *together.entry(bin.div_euclid(BINS_PER_TIP)).or_insert(0.0) += share;
    }
    for (group, share) in together {
        let [from, to] = [group, group + 1].map(|group| lower_edge(group * BINS_PER_TIP));
        let words = format!("{}, {} to {}: {} of deliveries", row.label(), time(from), time(to), percent(share));
        pen.tip((x.px(from), top), (x.px(to), bottom), words);
    }
}

/// Steps from the left foot to the right one.
#[expect(clippy::cast_possible_truncation, reason = "pixels")]
fn outline(row: &Row<'_>, x: &Scale, base: i32, tallest: i32) -> Vec<FinePx> {
    let largest = row.shares.values().copied().fold(0.0, f64::max);
    let (Some(&first), Some(&last)) = (row.shares.keys().next(), row.shares.keys().next_back()) else {
        return Vec::new();
    };
    let (_, base) = fine((0, base));
    let (tallest, _) = fine((tallest, 0));
    let mut points = vec![(x.fine(lower_edge(first)), base)];
    for bin in first..=last {
        let share = row.shares.get(&bin).copied().unwrap_or(0.0);
        let y = base - (share / largest * f64::from(tallest)).round() as i32;
        points.extend([(x.fine(lower_edge(bin)), y), (x.fine(lower_edge(bin + 1)), y)]);
    }
    points.push((x.fine(lower_edge(last + 1)), base));
    points
}

fn table(input: Input<'_>) -> TableView {
    let limits_ns: [u64; 7] = [1_000_000, 2_000_000, 5_000_000, 10_000_000, 100_000_000, 500_000_000, 1_000_000_000];
    let row = |(index, lane): (usize, &Lane)| {
        let recorder = &lane.response_time.merged;
        let within = |limit: u64| {
            let below: u64 = recorder.buckets().take_while(|&(upper, _)| upper <= limit).map(|(_, count)| count).sum();
            (!recorder.is_empty()).then(|| percent(float(below) / float(recorder.len())))
        };
        let cells = limits_ns.into_iter().map(|limit| CellView::or_not_measured(within(limit))).collect();
        RowView { head: lane_head(input.data, index), cells }
    };
    TableView {
        caption: "Share of all expected deliveries that arrived within a delay.".to_owned(),
        head: std::iter::once("lane".to_owned())
            .chain(limits_ns.into_iter().map(|ns| format!("within {}", time_tick(float(ns)))))
            .collect(),
        rows: input.data.lanes.iter().enumerate().map(row).collect(),
    }
}
