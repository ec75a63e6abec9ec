//! The look of all figures: inks that follow the page's theme, type sizes, scales, marks, direct labels.
//!
//! plotters knows fixed colours only. Each ink is drawn as a colour that nothing else uses and replaced by a CSS variable of
//! the page afterwards, so a figure means nothing outside of a page.

use std::{cell::RefCell, ops::Range};

use plotters::{
    backend::SVGBackend,
    coord::{Shift, combinators::IntoLogRange, ranged1d::Ranged, types::RangedCoordf64},
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle},
    prelude::{Color, RGBColor, ShapeStyle},
    style::{
        IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::DrawError;
use crate::{dataset::Lane, look};

/// The page's system stack.
const FONTS: &str = "system-ui, sans-serif";
/// plotters writes sizes divided by this.
const FONT_SCALE: f64 = 1.24;
/// Of all text in figures.
const FONT_PX: f64 = 13.0;

/// plotters knows whole pixels only, which would make stairs of curves: the drawing is this much larger than its view.
const FINE: i32 = 4;

/// Where placeholders of dashed lines begin, beyond those of all other inks.
const DASHED: u8 = 0x10;

/// A point in pixels from the top left.
pub(super) type Px = (i32, i32);

/// A point in the pixels of the drawing, of which [`FINE`] make one of the view.
pub(super) type FinePx = (i32, i32);

/// The same point in the drawing.
pub(super) const fn fine((x, y): Px) -> FinePx {
    (x * FINE, y * FINE)
}

/// One of the two forms of every figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// Of the view box.
    pub(super) width: i32,
    /// For phones: labels stand above what they name.
    pub(super) narrow: bool,
}

/// For 600 px and more.
pub(super) const WIDE: Form = Form { width: 920, narrow: false };
/// For phones.
pub(super) const NARROW: Form = Form { width: 380, narrow: true };

/// From row to row of a lane's name.
const NAME_ROW: i32 = 14;

impl Form {
    /// A lane's name in the rows in which it stands beside a figure: what is in brackets stands below the rest of it where
    /// there is no room for both.
    fn rows(self, name: &str) -> Vec<&str> {
        let most = if self.narrow { 13 } else { 23 };
        match name.find(" (").filter(|_| name.chars().count() > most) {
            Some(at) => vec![&name[..at], &name[at + 1..]],
            None => vec![name],
        }
    }

    /// How wide a lane's name is at most: which font a reader has is not known.
    pub(super) fn name_width(self, name: &str) -> i32 {
        let longest = self.rows(name).into_iter().map(|row| row.chars().count()).max().unwrap_or(0);
        8 * i32::try_from(longest).unwrap_or(0)
    }

    /// How high a lane's name is, with what keeps it apart from the next.
    pub(super) fn name_height(self, name: &str) -> i32 {
        4 + self.rows(name).iter().map(|_| NAME_ROW).sum::<i32>()
    }
}

/// A colour by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text.
    Text,
    /// Ticks, notes and the floor.
    Muted,
    /// Grid lines.
    Rule,
    /// The page's background.
    Ground,
    /// What makes a run INVALID; for areas.
    Alarm,
    /// Stripes of the background over what is below, by their pattern.
    Hatch(u8),
    /// A lane by its index.
    Lane(u8),
    /// The same in dashes, for lines alone: a lane by its index, and the pattern.
    Dashed(u8, u8),
    /// A ledger category by its index.
    Category(u8),
}

impl Ink {
    const fn placeholder(self) -> RGBColor {
        match self {
            Self::Text => RGBColor(0xFE, 0, 0),
            Self::Muted => RGBColor(0xFE, 0, 1),
            Self::Rule => RGBColor(0xFE, 0, 2),
            Self::Ground => RGBColor(0xFE, 0, 3),
            Self::Alarm => RGBColor(0xFE, 0, 4),
            Self::Lane(index) => RGBColor(0xFE, 1, index),
            Self::Category(index) => RGBColor(0xFE, 2, index),
            Self::Hatch(pattern) => RGBColor(0xFE, 3, pattern),
            Self::Dashed(index, pattern) => RGBColor(0xFE, DASHED + pattern, index),
        }
    }

    fn css(kind: u8, index: u8, id: &str) -> String {
        match (kind, index) {
            (0, 0) => "var(--ink)".to_owned(),
            (0, 1) => "var(--muted)".to_owned(),
            (0, 2) => "var(--rule)".to_owned(),
            (0, 3) => "var(--ground)".to_owned(),
            (0, _) => "var(--red)".to_owned(),
            (1, index) => format!("var(--lane-{index})"),
            (2, index) => format!("var(--category-{index})"),
            (3, pattern) => format!("url(#{id}-hatch-{pattern})"),
            // The colour is the value of an attribute; the dashes are another attribute behind it.
            (kind, index) => {
                let dashes = look::dashes(kind.saturating_sub(DASHED), FINE);
                format!("var(--lane-{index})\" stroke-dasharray=\"{dashes}")
            }
        }
    }

    /// Of a lane's line.
    pub(super) fn of_line(index: u8, lane: &Lane) -> Self {
        look::pattern(lane).map_or(Self::Lane(index), |pattern| Self::Dashed(index, pattern))
    }
}

/// Where a text stands relative to its point; vertically always centred on it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Align {
    /// Begins there.
    Start,
    /// Centred there.
    Middle,
    /// Ends there.
    End,
}

/// Draws in pixels with inks.
pub(super) struct Pen<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// What a pointer reads where: the upper left and the lower right corner of each place.
    tips: RefCell<Vec<(Px, Px, String)>>,
}

impl Pen<'_> {
    /// What is read where the pointer rests between two corners; the later of two that overlap wins.
    pub(super) fn tip(&self, from: Px, to: Px, text: String) {
        self.tips.borrow_mut().push((from, to, text));
    }

    /// A line of text.
    pub(super) fn text(&self, at: Px, text: &str, ink: Ink, align: Align) -> Result<(), DrawError> {
        let h_pos = match align {
            Align::Start => HPos::Left,
            Align::Middle => HPos::Center,
            Align::End => HPos::Right,
        };
        let size = FONT_PX * f64::from(FINE) * FONT_SCALE;
        let colour = ink.placeholder();
        let style = TextStyle::from((FONTS, size).into_font()).color(&colour);
        self.area.draw_text(text, &style.pos(Pos::new(h_pos, VPos::Center)), fine(at))
    }

    /// A lane's name at a point: in two rows around it where it is too long for one.
    pub(super) fn name(&self, (x, y): Px, name: &str, form: Form, ink: Ink, align: Align) -> Result<(), DrawError> {
        let rows = form.rows(name);
        let above = if rows.len() > 1 { NAME_ROW / 2 } else { 0 };
        for (row, place) in rows.iter().zip(0..) {
            self.text((x, y - above + NAME_ROW * place), row, ink, align)?;
        }
        Ok(())
    }

    /// Connected points.
    pub(super) fn line(&self, points: &[Px], ink: Ink, width: u32) -> Result<(), DrawError> {
        self.curve(points.iter().copied().map(fine).collect(), ink, width)
    }

    /// Connected points where a pixel is too coarse.
    pub(super) fn curve(&self, points: Vec<FinePx>, ink: Ink, width: u32) -> Result<(), DrawError> {
        self.area.draw(&PathElement::new(points, stroke(ink, width)))
    }

    /// A filled rectangle from the upper left to the lower right corner.
    pub(super) fn bar(&self, from: Px, to: Px, ink: Ink) -> Result<(), DrawError> {
        self.area.draw(&Rectangle::new([fine(from), fine(to)], fill(ink)))
    }

    /// A filled outline, see-through.
    pub(super) fn shade(&self, points: Vec<FinePx>, ink: Ink) -> Result<(), DrawError> {
        self.area.draw(&Polygon::new(points, ink.placeholder().mix(0.25).filled()))
    }

    /// A circle around the ground, which hides what is below.
    pub(super) fn ring(&self, at: Px, radius: i32, ink: Ink) -> Result<(), DrawError> {
        self.area.draw(&Circle::new(fine(at), radius * FINE, fill(Ink::Ground)))?;
        self.area.draw(&Circle::new(fine(at), radius * FINE, stroke(ink, 2)))
    }

    /// A filled circle, see-through.
    pub(super) fn disc(&self, at: Px, radius: i32, ink: Ink) -> Result<(), DrawError> {
        self.area.draw(&Circle::new(fine(at), radius * FINE, ink.placeholder().mix(0.25).filled()))
    }

    /// An interval: a line with caps, upright when both ends have the same x.
    pub(super) fn interval(&self, from: Px, to: Px, ink: Ink) -> Result<(), DrawError> {
        let (dx, dy) = if from.0 == to.0 { (3, 0) } else { (0, 4) };
        self.line(&[from, to], ink, 1)?;
        for (x, y) in [from, to] {
            self.line(&[(x - dx, y - dy), (x + dx, y + dy)], ink, 1)?;
        }
        Ok(())
    }

    /// A lane's mark by its name in the record; a `line` has none.
    pub(super) fn mark(&self, (x, y): Px, mark: &str, ink: Ink) -> Result<(), DrawError> {
        let polygon = |points: &[Px]| {
            self.area.draw(&Polygon::new(points.iter().copied().map(fine).collect::<Vec<_>>(), fill(ink)))
        };
        match mark {
            "circle" => self.area.draw(&Circle::new(fine((x, y)), 4 * FINE, fill(ink))),
            "square" => self.bar((x - 4, y - 4), (x + 4, y + 4), ink),
            "triangle" => polygon(&[(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)]),
            "diamond" => polygon(&[(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)]),
            "cross" => {
                self.line(&[(x - 4, y - 4), (x + 4, y + 4)], ink, 2)?;
                self.line(&[(x - 4, y + 4), (x + 4, y - 4)], ink, 2)
            }
            _ => Ok(()),
        }
    }
}

fn stroke(ink: Ink, width: u32) -> ShapeStyle {
    ink.placeholder().stroke_width(width * FINE.unsigned_abs())
}

fn fill(ink: Ink) -> ShapeStyle {
    ink.placeholder().filled()
}

/// Draws one form of a figure. `id` is unique on the page; `title` and `description` are for screen readers.
pub(super) fn svg(
    (form, height): (Form, i32),
    (id, title, description): (&str, &str, &str),
    draw: impl FnOnce(&Pen<'_>) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let mut text = String::new();
    let size = ((form.width * FINE).unsigned_abs(), (height * FINE).unsigned_abs());
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let pen = Pen { area, tips: RefCell::default() };
    draw(&pen)?;
    pen.area.present()?;
    let tips = pen.tips.take();
    drop(pen);
    let id = format!("{id}-{}", if form.narrow { "narrow" } else { "wide" });
    let dressed = dress(&text, size, (&id, title, description));
    let tips: String = tips.iter().map(tip).collect();
    let body = dressed.trim_end().strip_suffix("</svg>").unwrap_or(&dressed);
    Ok(if tips.is_empty() { dressed } else { format!("{body}<g class=\"tips\">{tips}</g></svg>") })
}

/// A place that shows its text: browsers do so for a title by themselves, without a script.
fn tip((from, to, text): &(Px, Px, String)) -> String {
    let ((left, top), (right, bottom)) = (fine(*from), fine(*to));
    let (width, height, text) = (right - left, bottom - top, escape(text));
    format!("<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"><title>{text}</title></rect>")
}

/// Gives plotters' drawing the page's inks, a size that follows the page and words for screen readers.
fn dress(drawing: &str, (width, height): (u32, u32), (id, title, description): (&str, &str, &str)) -> String {
    let (_, body) = drawing.split_once('>').unwrap_or(("", drawing));
    let [title, description] = [title, description].map(escape);
    let hatches: Vec<String> = look::stripes()
        .filter(|(pattern, _)| body.contains(&format!("\"#FE03{pattern:02X}\"")))
        .map(|(pattern, turn)| {
            format!(
                "<defs><pattern id=\"{id}-hatch-{pattern}\" width=\"24\" height=\"24\" patternUnits=\"userSpaceOnUse\" \
                 patternTransform=\"rotate({turn})\"><rect width=\"8\" height=\"24\" fill=\"var(--ground)\"/></pattern></defs>"
            )
        })
        .collect();
    let mut out = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{title}</title><desc id=\"{id}-desc\">{description}</desc>{}",
        hatches.concat()
    );
    // Every default that plotters writes out is one that a reader of the page would have to skip.
    let body = body.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    let mut rest = body.as_str();
    while let Some((before, after)) = rest.split_once("\"#FE") {
        let hex = |range: Range<usize>| after.get(range).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (kind, index) = (hex(0..2).unwrap_or(0), hex(2..4).unwrap_or(0));
        out.push_str(before);
        out.push('"');
        out.push_str(&Ink::css(kind, index, id));
        rest = after.get(4..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Maps values to pixels.
pub(super) enum Scale {
    /// Equal differences are equally far apart.
    Linear(RangedCoordf64, (i32, i32)),
    /// Equal ratios are equally far apart.
    Log(plotters::coord::combinators::LogCoord<f64>, (i32, i32)),
}

impl Scale {
    /// From zero to `most`.
    pub(super) fn from_zero(most: f64, pixels: (i32, i32)) -> Self {
        Self::Linear((0.0..most).into(), fine(pixels))
    }

    /// Over a range of positive values.
    pub(super) fn log(range: Range<f64>, pixels: (i32, i32)) -> Self {
        Self::Log(range.log_scale().into(), fine(pixels))
    }

    /// The pixel where the value stands.
    pub(super) fn px(&self, value: f64) -> i32 {
        (self.fine(value) + FINE / 2).div_euclid(FINE)
    }

    /// Where the value stands in the drawing.
    pub(super) fn fine(&self, value: f64) -> i32 {
        match self {
            Self::Linear(coord, pixels) => coord.map(&value, *pixels),
            Self::Log(coord, pixels) => coord.map(&value, *pixels),
        }
    }
}

/// 1, 2 and 5 times powers of ten: the steps of all axes.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

/// A range of whole steps around positive values, at least a decade.
pub(super) fn log_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let low = steps(low / 10.0, low).last().copied().unwrap_or(low);
    let high = steps(high, high * 10.0).first().copied().unwrap_or(high);
    low..high.max(low * 10.0)
}

/// The ticks of a logarithmic axis: decades, with 2 and 5 between them where there are few.
pub(super) fn log_ticks(range: &Range<f64>) -> Vec<f64> {
    let all = steps(range.start, range.end);
    if range.end / range.start <= 150.0 {
        return all;
    }
    all.into_iter().filter(|tick| (tick.log10() - tick.log10().round()).abs() < 1e-9).collect()
}

fn steps(low: f64, high: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut decade = 10_f64.powf(low.log10().floor());
    while decade <= high {
        // A hair of room: a step computed from powers may miss itself by a rounding.
        ticks.extend(STEPS.map(|step| step * decade).into_iter().filter(|&t| t >= low * 0.999 && t <= high * 1.001));
        decade *= 10.0;
    }
    ticks
}

/// The ticks of an axis from zero: at most `count` steps beyond it, the last one at or above `most`.
pub(super) fn linear_ticks(most: f64, count: usize) -> Vec<f64> {
    let rough = (most / f64::from(u32::try_from(count).unwrap_or(1))).max(f64::MIN_POSITIVE);
    let step = steps(rough, rough * 10.0).first().copied().unwrap_or(rough);
    let mut ticks = vec![0.0];
    let mut index = 1_u32;
    while ticks.last().is_some_and(|&last| last < most) {
        ticks.push(step * f64::from(index));
        index += 1;
    }
    ticks
}

/// Moves labels apart that would touch, keeping their order: each is where its middle should stand and how high it is, the
/// answer is in the order given.
pub(super) fn spread(wanted: &[(i32, i32)], (top, bottom): (i32, i32)) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&index| wanted[index].0);
    let half = |index: usize| wanted[index].1 / 2;
    let mut placed: Vec<i32> = wanted.iter().map(|&(middle, _)| middle).collect();
    let mut least = top;
    for &index in &order {
        placed[index] = placed[index].max(least + half(index));
        least = placed[index] + half(index);
    }
    let mut most = bottom;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(most - half(index));
        most = placed[index] - half(index);
    }
    placed
}
