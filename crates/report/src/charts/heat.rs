//! "When were messages late?": a heat map of delay over time, one row per lane, blocks side by side.
//!
//! Blocks are not laid over one another: a stall of one block would fade to a sixth there. Side by side it keeps its full
//! strength, and a drift or pollers in step show as a shape that returns in every block.

use std::collections::BTreeSet;

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, WIDE, fine, svg},
    spells,
};
use crate::{
    dataset::{Dataset, Lane},
    numbers::{NOT_MEASURED, count, float, time, time_tick},
    timeline::{Part, STEPS_PER_DECADE, Window, lower_edge},
    view::{CellView, RowView, TableView, lane_head},
};

const ID: &str = "latency-heat";
const TITLE: &str = "When were messages late?";
/// The largest share of each strength of colour but the last, and their words.
const SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];
const WORDS: [&str; 5] = ["5 %", "10 %", "20 %", "40 %", "more"];
/// How opaque the lane's colour is in each.
const OPACITIES: [&str; 5] = [".18", ".36", ".56", ".78", "1"];
/// Where a row begins in which nothing came at all: 100 µs.
const NOWHERE: i32 = 50;
/// Points of the drawing that make a pixel.
const UNIT: i32 = fine((1, 0)).0;
/// What all rows together are at most high, unless a row would be lower than its name.
const ROWS_PX: i32 = 640;

/// One lane's row.
struct Row<'a> {
    index: usize,
    lane: &'a Lane,
    floor: bool,
    /// The lowest step that is drawn, and how many are.
    first: i32,
    steps: i32,
}

/// The figure; none when the record holds no publication that was due in a window.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let lanes = input.data.lanes.iter().enumerate();
    let rows: Vec<Row<'_>> = lanes.filter_map(|(index, lane)| Row::new(input.data, index, lane)).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let words = rows.iter().map(|row| format!("{}: {}", row.label(), told(&row.lane.timeline.whole)));
    let description = format!(
        "Heat map of the delay of publications over time, logarithmic, one row per lane, blocks side by side. {}",
        words.collect::<Vec<_>>().join("; ")
    );
    let draw = |form: Form| {
        let layout = Layout::new(form, &rows);
        let drawn = svg((form, layout.height), (ID, TITLE, &description), |pen| paint(pen, &layout, &rows))?;
        // plotters draws one element per rectangle, which would be ten times as long.
        Ok::<_, DrawError>(drawn.replacen("<g class=\"tips\">", &(cells(&layout, &rows) + "<g class=\"tips\">"), 1))
    };
    Ok(Some(Figure {
        id: ID,
        title: TITLE,
        answer: spells::answer(input),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: "Every publication stands where it was due, at what half of those who got it waited; the stronger the colour, the larger \
               its share of what was due in that column. Blocks stand side by side: a stall is a column that rises in one block, a \
               drift a slope that returns in every block, pollers in step a saw-tooth. The axis is logarithmic, and a decade is \
               equally high in all rows; each row begins at its own lane's lowest delay. In an empty column nothing was due."
            .to_owned(),
        table: table(input, &rows),
    }))
}

impl<'a> Row<'a> {
    fn new(data: &Dataset, index: usize, lane: &'a Lane) -> Option<Self> {
        let whole = &lane.timeline.whole;
        let first = whole.steps.keys().next().copied().unwrap_or(NOWHERE);
        let beyond = whole.steps.keys().next_back().map_or(NOWHERE, |last| last + 1);
        // A decade at least, so that there is a tick.
        let steps = (beyond - first).max(STEPS_PER_DECADE);
        (whole.publications > 0).then_some(Self { index, lane, floor: data.is_floor(lane), first, steps })
    }

    fn ink(&self) -> Ink {
        if self.floor { Ink::Muted } else { u8::try_from(self.index).map_or(Ink::Text, Ink::Lane) }
    }

    fn label(&self) -> String {
        if self.floor { format!("{} (floor)", self.lane.label()) } else { self.lane.label() }
    }
}

/// Where everything stands in one form.
struct Layout {
    form: Form,
    /// Of the drawing, in pixels.
    height: i32,
    /// Where columns begin and end, in pixels.
    span: (i32, i32),
    /// The upper and the lower edge of every row, in pixels.
    rows: Vec<(i32, i32)>,
    /// The height of a step, in points of the drawing; even, because a line is drawn along its middle.
    step: i32,
    /// All that any lane has.
    blocks: Vec<u32>,
    /// Whether a publication reached nobody.
    never: bool,
}

impl Layout {
    fn new(form: Form, rows: &[Row<'_>]) -> Self {
        let never = rows.iter().any(|row| row.lane.timeline.whole.never > 0);
        let steps: i32 = rows.iter().map(|row| row.steps).sum();
        let step = (ROWS_PX * UNIT / steps).clamp(UNIT, 3 * UNIT) / 2 * 2;
        let least = if form.narrow { 12 } else { 34 };
        let mut y = if form.narrow { 36 + if never { 18 } else { 0 } } else { 18 };
        let above = if form.narrow { 34 } else { 16 } + if never { 10 } else { 0 };
        let edges = rows.iter().map(|row| {
            let top = y + above;
            y = top + least.max((row.steps * step + UNIT - 1) / UNIT);
            (top, y)
        });
        let rows_at: Vec<(i32, i32)> = edges.collect();
        let windows = rows.iter().flat_map(|row| &row.lane.timeline.windows);
        let blocks: BTreeSet<u32> = windows.map(|window| window.block).collect();
        Self {
            form,
            height: y + 44,
            span: if form.narrow { (62, form.width - 4) } else { (232, form.width - 12) },
            rows: rows_at,
            step,
            blocks: blocks.into_iter().collect(),
            never,
        }
    }

    fn fine_parts<'a>(&self, window: &'a Window) -> &'a [Part] {
        if self.form.narrow { &window.coarse } else { &window.fine }
    }

    /// Where a part of a block begins, in points of the drawing; the part behind the last one begins where the block ends.
    fn x(&self, place: usize, part: usize, parts: usize) -> i32 {
        let [place, part, parts, blocks] =
            [place, part, parts, self.blocks.len()].map(|n| i32::try_from(n).unwrap_or(1));
        let gap = if self.form.narrow { 3 * UNIT } else { 6 * UNIT };
        let (left, _) = fine((self.span.0, 0));
        let width = ((self.span.1 - self.span.0) * UNIT + gap) / blocks - gap;
        left + place * (width + gap) + width * part / parts
    }

    /// Every window of a row with its block's place.
    fn windows<'a>(&self, row: &Row<'a>) -> impl Iterator<Item = (usize, &'a Window)> {
        let windows = row.lane.timeline.windows.iter();
        windows.filter_map(|window| Some((self.blocks.iter().position(|&block| block == window.block)?, window)))
    }
}

/// Which of the five, none where there is nothing.
fn strength(part: &Part, step: i32) -> Option<usize> {
    let share = part.share(step);
    (share > 0.0).then(|| SHARES.iter().take_while(|&&most| share > most).count())
}

/// The rows' cells and the legend's: one path for all cells of one strength in a row, with a line along neighbours.
fn cells(layout: &Layout, rows: &[Row<'_>]) -> String {
    let mut out = String::new();
    for (row, &(_, bottom)) in rows.iter().zip(&layout.rows) {
        let mut paths = [const { Vec::new() }; 5];
        for (place, window) in layout.windows(row) {
            let parts = layout.fine_parts(window);
            for step in row.first..row.first + row.steps {
                let y = bottom * UNIT - (step - row.first) * layout.step - layout.step / 2;
                let mut at = 0;
                for run in parts.chunk_by(|a, b| strength(a, step) == strength(b, step)) {
                    let (from, to) = (layout.x(place, at, parts.len()), layout.x(place, at + run.len(), parts.len()));
                    at += run.len();
                    if let Some(path) = strength(&run[0], step).and_then(|strength| paths.get_mut(strength)) {
                        path.push(format!("M{from} {y}h{}", to - from));
                    }
                }
            }
        }
        let ink = if row.floor { "muted".to_owned() } else { format!("lane-{}", row.index) };
        out.push_str(&group(&ink, layout.step, &paths.map(|path| path.concat())));
    }
    let (xs, y) = legend(layout.form);
    let swatches = xs.map(|x| format!("M{} {}h{}", x * UNIT, y * UNIT, 20 * UNIT));
    out + &group("muted", 12 * UNIT, &swatches)
}

fn group(ink: &str, width: i32, paths: &[String; 5]) -> String {
    let path = |(data, opacity): (&String, &str)| format!("<path d=\"{data}\" opacity=\"{opacity}\"/>");
    let paths: String = paths.iter().zip(OPACITIES).filter(|(data, _)| !data.is_empty()).map(path).collect();
    format!("<g fill=\"none\" stroke=\"var(--{ink})\" stroke-width=\"{width}\">{paths}</g>")
}

/// Where the swatches of the legend begin, and their middle.
fn legend(form: Form) -> ([i32; 5], i32) {
    if form.narrow { ([4, 76, 148, 220, 292], 28) } else { ([520, 598, 682, 766, 850], 10) }
}

fn paint(pen: &Pen<'_>, layout: &Layout, rows: &[Row<'_>]) -> Result<(), DrawError> {
    let (form, (left, right)) = (layout.form, layout.span);
    let (xs, y) = legend(form);
    let words = "share of what was due in a column, up to";
    if form.narrow {
        pen.text((4, 10), words, Ink::Muted, Align::Start)?;
    } else {
        pen.text((xs[0] - 12, y), words, Ink::Muted, Align::End)?;
    }
    for (x, words) in xs.into_iter().zip(WORDS) {
        pen.text((x + 26, y), words, Ink::Muted, Align::Start)?;
    }
    if layout.never {
        let (x, y) = if form.narrow { (9, 46) } else { (8, 10) };
        pen.mark((x, y), "triangle", Ink::Alarm)?;
        pen.text((x + 10, y), "a publication reached nobody", Ink::Text, Align::Start)?;
    }
    for (row, &(top, bottom)) in rows.iter().zip(&layout.rows) {
        let name = row.label();
        if form.narrow {
            pen.text((4, top - if layout.never { 28 } else { 17 }), &name, row.ink(), Align::Start)?;
        } else {
            pen.name((156, i32::midpoint(top, bottom)), &name, form, row.ink(), Align::End)?;
        }
        axis(pen, layout, row, bottom)?;
        marks(pen, layout, row, (top, bottom))?;
    }
    let foot = layout.height - 32;
    for (place, block) in layout.blocks.iter().enumerate() {
        let [from, to] = [0, 1].map(|part| layout.x(place, part, 1) / UNIT);
        let few = layout.blocks.len() <= 12;
        if few || place == 0 || place + 1 == layout.blocks.len() {
            let words = if form.narrow || !few { format!("{}", block + 1) } else { format!("block {}", block + 1) };
            pen.text((i32::midpoint(from, to), foot), &words, Ink::Muted, Align::Middle)?;
        }
    }
    let words = if form.narrow {
        "blocks, each from start to end of its window"
    } else {
        "time: one window after the other, each from its start to its end; up: delay, log scale"
    };
    pen.text((right, foot + 20), words, Ink::Muted, Align::End)?;
    if form.narrow { Ok(()) } else { pen.line(&[(left, foot - 10), (right, foot - 10)], Ink::Rule, 1) }
}

/// The decades of a row, with as many labels as there is room for.
fn axis(pen: &Pen<'_>, layout: &Layout, row: &Row<'_>, bottom: i32) -> Result<(), DrawError> {
    let (left, right) = layout.span;
    let decade = STEPS_PER_DECADE * layout.step;
    let every = (14 * UNIT + decade - 1) / decade;
    for step in (row.first..=row.first + row.steps).filter(|step| step % STEPS_PER_DECADE == 0) {
        let y = bottom * UNIT - (step - row.first) * layout.step;
        pen.curve(vec![(left * UNIT, y), (right * UNIT, y)], Ink::Rule, 1)?;
        if step / STEPS_PER_DECADE % every == 0 {
            pen.text((left - 8, y / UNIT), &time_tick(lower_edge(step).round()), Ink::Muted, Align::End)?;
        }
    }
    Ok(())
}

/// What never came, at the top edge, and what a pointer reads.
fn marks(pen: &Pen<'_>, layout: &Layout, row: &Row<'_>, (top, bottom): (i32, i32)) -> Result<(), DrawError> {
    for (place, window) in layout.windows(row) {
        let parts = layout.fine_parts(window);
        for (at, _) in parts.iter().enumerate().filter(|(_, part)| part.never > 0) {
            let middle = i32::midpoint(layout.x(place, at, parts.len()), layout.x(place, at + 1, parts.len()));
            pen.mark((middle / UNIT, top - 7), "triangle", Ink::Alarm)?;
        }
        let parts = &window.coarse;
        for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.publications > 0) {
            let [from, to] = [at, at + 1].map(|at| layout.x(place, at, parts.len()) / UNIT);
            let [begin, end] =
                [at, at + 1].map(|at| time_tick(float(window.length_ns * at as u64 / parts.len() as u64)));
            let words = format!("{}, block {}, {begin} to {end}: {}", row.label(), window.block + 1, told(part));
            pen.tip((from, top), (to, bottom), words);
        }
    }
    Ok(())
}

/// A delay that may be infinite.
fn late(ns: f64) -> String {
    if ns.is_finite() { time(ns) } else { "never".to_owned() }
}

/// A part in words, without a full stop.
fn told(part: &Part) -> String {
    let [p50, largest] = [part.p50_ns, part.largest_ns].map(|ns| ns.map_or_else(|| NOT_MEASURED.to_owned(), late));
    let never = if part.never > 0 { format!(", {} reached nobody", count(part.never)) } else { String::new() };
    format!("p50 {p50}, largest {largest}, {} due{never}", count(part.publications))
}

fn table(input: Input<'_>, rows: &[Row<'_>]) -> TableView {
    let row = |row: &Row<'_>, what: &str, value: fn(&Part) -> Option<f64>| {
        let tenths = row.lane.timeline.tenths.iter().map(|part| CellView::or_not_measured(value(part).map(late)));
        let cells = std::iter::once(CellView::plain(what.to_owned())).chain(tenths).collect();
        RowView { head: lane_head(input.data, row.index), cells }
    };
    let tenths = (0..10).map(|tenth| format!("{}–{} %", tenth * 10, tenth * 10 + 10));
    TableView {
        caption: "Delay by tenth of the window, all blocks: the p50 over publications of what half of their subscribers waited, and \
                  the largest delay of a subscriber who got one."
            .to_owned(),
        head: ["lane", "delay"].map(str::to_owned).into_iter().chain(tenths).collect(),
        rows: rows
            .iter()
            .flat_map(|lane| [row(lane, "p50", |part| part.p50_ns), row(lane, "largest", |part| part.largest_ns)])
            .collect(),
    }
}
