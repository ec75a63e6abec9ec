//! "Which differences did this run prove?": every lane as a multiple of one, metric by metric, beside what is only noise.

use std::ops::Range;

use measure::Ratio;

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, Scale, WIDE, fine, log_ticks, svg},
};
use crate::{
    choice::reference,
    dataset::Lane,
    numbers::{NOT_MEASURED, factor, factor_interval, tick},
    ranking::{Metric, claim_floor, difference, noise_floor, ratio},
    text::{DIFFERENCES, INVALID_FIGURE, join},
    verdict::Status,
    view::{CellView, HeadView, RowView, TableView, lane_head},
};

const TITLE: &str = "Which differences did this run prove?";
/// Above the rows of a panel.
const PANEL_HEAD: i32 = 36;
/// Below them: the axis.
const PANEL_FOOT: i32 = 46;
/// Where the first panel begins.
const KEY: i32 = 24;

/// Noise below this factor would be printed as none.
const SEEN: f64 = 1.01;

/// One metric.
struct Panel<'a> {
    metric: Metric,
    /// The factor below which nothing is claimed.
    floor: f64,
    rows: Vec<Row<'a>>,
}

/// One lane as a multiple of the reference.
struct Row<'a> {
    index: u8,
    lane: &'a Lane,
    ratio: Option<Ratio>,
    proven: bool,
}

/// The figure; none when no lane has a ratio to the reference.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let Some(reference) = reference(input.data, input.verdict) else {
        return Ok(None);
    };
    let panels: Vec<Panel<'_>> =
        Metric::ALL.into_iter().filter_map(|metric| Panel::of(input, metric, reference)).collect();
    let name = reference.label();
    let words: Vec<String> = panels.iter().map(|panel| panel.words(input)).collect();
    let description = format!("Ratios to {name} with intervals on logarithmic axes. {}", words.join(". "));
    let draw = |form: Form| {
        let height = KEY + panels.iter().map(|panel| panel.height(form)).sum::<i32>();
        svg((form, height), (DIFFERENCES, TITLE, &description), |pen| paint(pen, form, input, (&name, &panels)))
    };
    Ok(Some(Figure {
        id: DIFFERENCES,
        title: TITLE,
        answer: answer(input, &name, &panels),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: note(input, &name),
        table: table(input, reference),
    }))
}

fn answer(input: Input<'_>, name: &str, panels: &[Panel<'_>]) -> String {
    if input.verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let counted = |panel: &Panel<'_>| {
        let proven = panel.rows.iter().filter(|row| row.proven).count();
        format!("{proven} of {} in {}", panel.rows.len(), panel.metric.words())
    };
    format!("Lanes proven different from {name}: {}.", join(&panels.iter().map(counted).collect::<Vec<_>>()))
}

fn note(input: Input<'_>, name: &str) -> String {
    let chosen = if input.verdict.status == Status::Invalid {
        "which stands first in the run and is no recommendation"
    } else {
        "the lane that the answer speaks of"
    };
    let known = Metric::ALL.into_iter().any(|metric| noise_floor(input.data, metric).is_some());
    let noise = match input.data.twinned().filter(|_| known) {
        Some(twin) => format!(
            "The shaded band is what two runs of {} differed by, for delays at least the time that a read waited to be decoded",
            twin.label()
        ),
        None => {
            "No lane ran twice in six blocks, so that the shaded band is only the time that a read waited to be decoded"
                .to_owned()
        }
    };
    format!(
        "Each lane's value over that of {name}, {chosen}, in the same block: the median over blocks with its interval. {noise}. A \
         difference is proven when its whole interval lies beyond the band. Bytes are counted, not sampled, so that many of their \
         intervals are too narrow to see."
    )
}

impl<'a> Panel<'a> {
    /// None when no lane has a ratio by this metric.
    fn of(input: Input<'a>, metric: Metric, reference: &Lane) -> Option<Self> {
        let data = input.data;
        let valid = input.verdict.status != Status::Invalid;
        let is_row = |lane: &Lane| lane.is_measured() && !data.is_floor(lane) && lane.info.lane != reference.info.lane;
        let row = |(index, lane): (u8, &'a Lane)| Row {
            index,
            lane,
            ratio: ratio(metric, lane, reference),
            proven: valid && difference(data, metric, lane, reference).is_some(),
        };
        let rows: Vec<Row<'_>> = (0_u8..).zip(&data.lanes).filter(|(_, lane)| is_row(lane)).map(row).collect();
        let floor = claim_floor(data, metric).factor();
        rows.iter().any(|row| row.ratio.is_some()).then_some(Self { metric, floor, rows })
    }

    const fn title(&self) -> &'static str {
        match self.metric {
            Metric::Delay => "Delay, p50",
            Metric::Bytes => "Stream bytes per delivery",
            Metric::Cpu => "Server CPU per delivery",
        }
    }

    /// One height for all rows of the panel.
    fn pitch(&self, form: Form) -> i32 {
        let tallest = self.rows.iter().map(|row| form.name_height(&row.lane.label())).max().unwrap_or(0);
        if form.narrow { 42 } else { tallest.max(26) }
    }

    fn height(&self, form: Form) -> i32 {
        PANEL_HEAD + self.pitch(form) * i32::try_from(self.rows.len()).unwrap_or(0) + PANEL_FOOT
    }

    /// Around all intervals and the floor, with room at the ends.
    fn range(&self) -> Range<f64> {
        let ends = self.rows.iter().filter_map(|row| row.ratio).flat_map(|ratio| [ratio.low, ratio.high]);
        let ends = ends.chain([0.5, 2.0, self.floor, self.floor.recip()]);
        let (low, high) = ends.fold((1.0_f64, 1.0_f64), |(low, high), end| (low.min(end), high.max(end)));
        low * 0.9..high * 1.15
    }

    /// The width of the band.
    fn noise(&self, input: Input<'_>) -> String {
        match self.floor {
            floor if floor > SEEN => format!("noise up to {}", factor(floor)),
            _ if noise_floor(input.data, self.metric).is_some() => format!("noise below {}", factor(SEEN)),
            _ => "noise not known".to_owned(),
        }
    }

    fn words(&self, input: Input<'_>) -> String {
        let rows = self.rows.iter().map(|row| format!("{} {}", row.lane.label(), row.words(input)));
        format!("{}: {}", self.title(), rows.collect::<Vec<_>>().join("; "))
    }
}

impl Row<'_> {
    fn value(&self) -> String {
        self.ratio.as_ref().map_or_else(|| NOT_MEASURED.to_owned(), factor_interval)
    }

    fn words(&self, input: Input<'_>) -> String {
        match (self.ratio, self.proven) {
            (None, _) => NOT_MEASURED.to_owned(),
            (Some(_), true) => format!("{}, proven", self.value()),
            (Some(_), false) => format!("{}, {}", self.value(), unproven(input)),
        }
    }
}

/// What a hollow mark stands for.
fn unproven(input: Input<'_>) -> &'static str {
    if input.verdict.status == Status::Invalid { "not claimed" } else { "no difference seen" }
}

fn paint(pen: &Pen<'_>, form: Form, input: Input<'_>, (name, panels): (&str, &[Panel<'_>])) -> Result<(), DrawError> {
    key(pen, form, input)?;
    let mut top = KEY;
    for panel in panels {
        paint_panel(pen, form, (input, name, panel), top)?;
        top += panel.height(form);
    }
    Ok(())
}

fn key(pen: &Pen<'_>, form: Form, input: Input<'_>) -> Result<(), DrawError> {
    let y = 10;
    pen.mark((6, y), "circle", Ink::Text)?;
    pen.text((16, y), "proven", Ink::Muted, Align::Start)?;
    pen.ring((82, y), 4, Ink::Text)?;
    pen.text((92, y), unproven(input), Ink::Muted, Align::Start)?;
    band(pen, (220, 234), (y - 7, y + 7))?;
    pen.text((240, y), if form.narrow { "noise" } else { "smaller than the noise" }, Ink::Muted, Align::Start)
}

fn band(pen: &Pen<'_>, (left, right): (i32, i32), (top, bottom): (i32, i32)) -> Result<(), DrawError> {
    pen.shade([(left, top), (right, top), (right, bottom), (left, bottom)].map(fine).to_vec(), Ink::Muted)
}

fn paint_panel(
    pen: &Pen<'_>,
    form: Form,
    (input, name, panel): (Input<'_>, &str, &Panel<'_>),
    top: i32,
) -> Result<(), DrawError> {
    let (left, right) = if form.narrow { (8, form.width - 12) } else { (170, form.width - 190) };
    let (head, top, bottom) = (top + 18, top + PANEL_HEAD, top + panel.height(form) - PANEL_FOOT);
    let range = panel.range();
    let x = Scale::log(range.clone(), (left, right));
    let (title_at, noise_at, noise_align) =
        if form.narrow { (left, right, Align::End) } else { (0, right + 14, Align::Start) };
    pen.text((title_at, head), panel.title(), Ink::Text, Align::Start)?;
    pen.text((noise_at, head), &panel.noise(input), Ink::Muted, noise_align)?;
    for multiple in log_ticks(&range) {
        pen.text((x.px(multiple), bottom + 13), &format!("{}x", tick(multiple, "")), Ink::Muted, Align::Middle)?;
    }
    pen.text((right, bottom + 29), &format!("multiple of {name}, log scale"), Ink::Muted, Align::End)?;
    let pitch = panel.pitch(form);
    if !form.narrow {
        ground(pen, panel, &x, (top, bottom))?;
    }
    for (row, place) in panel.rows.iter().zip(0..) {
        let middle = top + pitch * place + pitch / 2;
        if form.narrow {
            // Words stand above the marks.
            ground(pen, panel, &x, (middle, middle + pitch / 2 - 3))?;
        }
        paint_row(pen, form, row, (&x, left, right), middle)?;
        let tip = format!("{}, {}: {}", row.lane.label(), panel.metric.words(), row.words(input));
        pen.tip((left, middle - pitch / 2), (right, middle + pitch / 2), tip);
    }
    Ok(())
}

/// What rows are read against: grid, noise, the reference.
fn ground(pen: &Pen<'_>, panel: &Panel<'_>, x: &Scale, (top, bottom): (i32, i32)) -> Result<(), DrawError> {
    for multiple in log_ticks(&panel.range()) {
        pen.line(&[(x.px(multiple), top), (x.px(multiple), bottom)], Ink::Rule, 1)?;
    }
    band(pen, (x.px(panel.floor.recip()), x.px(panel.floor)), (top, bottom))?;
    pen.line(&[(x.px(1.0), top), (x.px(1.0), bottom)], Ink::Muted, 1)
}

fn paint_row(
    pen: &Pen<'_>,
    form: Form,
    row: &Row<'_>,
    (x, left, right): (&Scale, i32, i32),
    middle: i32,
) -> Result<(), DrawError> {
    let (ink, words) = (Ink::Lane(row.index), if row.proven { Ink::Text } else { Ink::Muted });
    let y = if form.narrow { middle + 9 } else { middle };
    if form.narrow {
        pen.text((left, middle - 9), &row.lane.label(), Ink::Text, Align::Start)?;
        pen.text((right, middle - 9), &row.value(), words, Align::End)?;
    } else {
        pen.name((left - 14, middle), &row.lane.label(), form, Ink::Text, Align::End)?;
        pen.text((right + 14, middle), &row.value(), words, Align::Start)?;
    }
    let Some(ratio) = row.ratio else {
        return Ok(());
    };
    let (from, to) = (x.px(ratio.low), x.px(ratio.high));
    if from < to {
        pen.interval((from, y), (to, y), ink)?;
    }
    let at = (x.px(ratio.point), y);
    if row.proven { pen.mark(at, "circle", ink) } else { pen.ring(at, 4, ink) }
}

/// All pairs, those of the figure first.
fn table(input: Input<'_>, reference: &Lane) -> TableView {
    let is_choice = |lane: &Lane| lane.is_measured() && !input.data.is_floor(lane);
    let mut lanes: Vec<(usize, &Lane)> =
        input.data.lanes.iter().enumerate().filter(|(_, lane)| is_choice(lane)).collect();
    lanes.sort_by_key(|(_, lane)| lane.info.lane != reference.info.lane);
    let cell = |metric: Metric, a: &Lane, b: &Lane| {
        let Some(ratio) = ratio(metric, a, b) else {
            return CellView::or_not_measured(None);
        };
        let proven = input.verdict.status != Status::Invalid && difference(input.data, metric, a, b).is_some();
        let text = factor_interval(&ratio);
        if proven {
            CellView::plain(text)
        } else {
            CellView { text: format!("{text}, {}", unproven(input)), class: "faint" }
        }
    };
    let mut rows = Vec::new();
    for (place, (_, b)) in lanes.iter().enumerate() {
        for (index, a) in &lanes[place + 1..] {
            let HeadView { key, label, note } = lane_head(input.data, *index);
            let head = HeadView { key, label: format!("{label} / {}", b.label()), note };
            rows.push(RowView { head, cells: Metric::ALL.map(|metric| cell(metric, a, b)).into() });
        }
    }
    TableView {
        caption: "The first lane's value over the second's, by block; the median with its interval.".to_owned(),
        head: ["lanes", "delay p50", "bytes/delivery", "server CPU/delivery"].map(str::to_owned).to_vec(),
        rows,
    }
}
