//! Where the rows of a figure of bars stand in one of its forms, and how a row is drawn.

use super::{
    DrawError,
    bars::{Bars, Fill, Part, Row, length},
    common::{Align, Form, Ink, Pen, Scale, linear_ticks},
};

/// How high a bar is.
const BAR: i32 = 22;
/// The floor's.
const THIN: i32 = 8;
/// From line to line of text.
const LINE: i32 = 18;
/// A character's width at most: which font a reader has is not known.
const CHARACTER: i32 = 8;
/// The shortest interval that is drawn; below it caps would be a blot.
const SEEN: i32 = 3;
/// What stands before an alarming value, with the gap.
const MARK: i32 = 16;
/// The left side's share of the right one's length at least, so that its name has room.
const LEFT_AT_LEAST: f64 = 0.15;

/// Of a text, at most.
fn width(text: &str) -> i32 {
    CHARACTER * i32::try_from(text.chars().count()).unwrap_or(0)
}

fn value_width(row: &Row) -> i32 {
    width(&row.value) + if row.alarm { MARK } else { 0 }
}

/// Where the entries of a key stand.
pub(super) fn key_places(key: &[(&'static str, Fill)], form: Form) -> Vec<(i32, i32)> {
    let left = form.bars_left();
    let (mut x, mut y) = (left, 12);
    let mut places = Vec::new();
    for (words, _) in key {
        let entry = 18 + width(words);
        if x > left && x + entry > form.width {
            (x, y) = (left, y + LINE + 4);
        }
        places.push((x, y));
        x += entry + 12;
    }
    places
}

impl Form {
    /// Where bars begin; in the wide form names stand before them.
    const fn bars_left(self) -> i32 {
        if self.narrow { 4 } else { 170 }
    }
}

/// Where everything of one form stands, in pixels.
pub(super) struct Frame {
    /// Which of the two.
    pub(super) form: Form,
    /// Of the drawing.
    pub(super) height: i32,
    /// Where rows begin.
    pub(super) top: i32,
    /// Where they end; the axis is below.
    pub(super) bottom: i32,
    rows: i32,
    /// From row to row.
    pitch: i32,
    /// On a phone, values too long to stand beside names have a line of their own.
    value_below: bool,
    /// From the left end of the left side to the right end of the right one.
    pub(super) span: (i32, i32),
    /// Between both sides.
    pub(super) zero: i32,
    /// From zero, of either side.
    pub(super) ticks: Vec<f64>,
    /// Of the left side.
    pub(super) left: Scale,
    /// Of the right one.
    pub(super) right: Scale,
}

impl Frame {
    /// With room for every name and every value.
    pub(super) fn new(bars: &Bars, form: Form) -> Self {
        let too_long = |row: &Row| width(&row.name) + CHARACTER + value_width(row) > form.width;
        let value_below = form.narrow && bars.rows.iter().any(too_long);
        let pitch = if form.narrow { BAR + 10 + LINE + if value_below { LINE } else { 0 } } else { BAR + 16 };
        let key = key_places(&bars.key, form).last().map_or(0, |&(_, y)| y + 14);
        let above = if bars.sides.is_some() || bars.line.is_some() { LINE + 2 } else { 0 };
        let top = 2 + key + above;
        let rows = i32::try_from(bars.rows.len()).unwrap_or(0);
        let bottom = top + pitch * rows;

        let most = |value: fn(&Row) -> f64| bars.rows.iter().map(value).fold(0.0, f64::max);
        let farthest = most(Row::reach).max(bars.line.as_ref().map_or(0.0, |(value, _)| *value));
        let left = most(|row| length(&row.left));
        // Where all are zero there is an axis all the same.
        let both = if left + farthest > 0.0 { left + farthest } else { 1.0 };
        let mut ticks = linear_ticks(both, if form.narrow { 3 } else { 6 });
        let beyond = ticks.iter().position(|&tick| tick >= farthest).unwrap_or(0);
        let right = ticks[beyond.max(1)];
        let left = if bars.sides.is_some() { left.max(right * LEFT_AT_LEAST) } else { 0.0 };
        ticks.retain(|&tick| tick <= right.max(left));
        let from = form.bars_left();
        let to = bars.rows.iter().map(|row| fitting(form, row, (left, right))).min().unwrap_or(form.width);
        let zero = from + share(to - from, left / (left + right));
        Self {
            form,
            height: bottom + if bars.tick.is_some() { 28 } else { 4 },
            top,
            bottom,
            rows,
            pitch,
            value_below,
            span: (from, to),
            zero,
            ticks,
            left: Scale::from_zero(left.max(f64::MIN_POSITIVE), (zero, from)),
            right: Scale::from_zero(right, (zero, to)),
        }
    }

    /// Of the bar of a row.
    pub(super) const fn middle(&self, place: i32) -> i32 {
        self.top + (place + 1) * self.pitch - 6 - BAR / 2
    }

    /// An upright line over all rows; on a phone behind their bars alone, because words stand between them.
    pub(super) fn upright(&self, pen: &Pen<'_>, at: i32, ink: Ink, width: u32) -> Result<(), DrawError> {
        if !self.form.narrow {
            return pen.line(&[(at, self.top), (at, self.bottom)], ink, width);
        }
        for place in 0..self.rows {
            let middle = self.middle(place);
            pen.line(&[(at, middle - BAR / 2 - 2), (at, middle + BAR / 2 + 2)], ink, width)?;
        }
        Ok(())
    }

    /// The name and the value of a row.
    pub(super) fn words(&self, pen: &Pen<'_>, row: &Row, middle: i32) -> Result<(), DrawError> {
        let ink = if row.is_measured() { Ink::Text } else { Ink::Muted };
        let ((x, y), align) = if self.form.narrow {
            let last = middle - BAR / 2 - 10;
            let name = if self.value_below { last - LINE } else { last };
            pen.text((self.span.0, name), &row.name, Ink::Text, Align::Start)?;
            if self.value_below {
                ((self.span.0, last), Align::Start)
            } else {
                ((self.form.width - 4, last), Align::End)
            }
        } else {
            pen.name((self.span.0 - 14, middle), &row.name, self.form, Ink::Text, Align::End)?;
            ((self.right.px(row.reach()) + 8, middle), Align::Start)
        };
        if !row.alarm {
            return pen.text((x, y), &row.value, ink, align);
        }
        let (mark, text) = if matches!(align, Align::End) { (x - 10, x - MARK) } else { (x, x + MARK) };
        pen.bar((mark, y - 5), (mark + 10, y + 5), Ink::Alarm)?;
        pen.text((text, y), &row.value, ink, align)
    }

    /// The bar of a row with its intervals and tips.
    pub(super) fn bar(&self, pen: &Pen<'_>, row: &Row, middle: i32) -> Result<(), DrawError> {
        pen.tip(
            (self.span.0, middle - BAR / 2),
            (self.span.1, middle + BAR / 2),
            format!("{}: {}", row.name, row.value),
        );
        let half = if row.floor { THIN } else { BAR } / 2;
        for (scale, parts) in [(&self.left, &row.left), (&self.right, &row.right)] {
            stack(pen, scale, parts, (middle - half, middle + half))?;
        }
        if let Some((total, interval)) = row.total {
            whisker(pen, &self.right, (length(&row.right), total, interval), middle)?;
        }
        let with_interval = row.right.iter().filter(|part| part.interval.is_some()).count();
        // Of several parts one above the other: they may overlap.
        let step = if with_interval > 1 { 8 } else { 0 };
        let mut y = middle - step / 2;
        let mut end = 0.0;
        for part in &row.right {
            end += part.value.max(0.0);
            if let Some(interval) = part.interval {
                whisker(pen, &self.right, (end, part.value, interval), y)?;
                y += step;
            }
        }
        Ok(())
    }
}

/// The right end of the bars at which a row's value still has room behind its bar.
fn fitting(form: Form, row: &Row, (left, right): (f64, f64)) -> i32 {
    let from = form.bars_left();
    // Half of the axis' last label stands beyond it.
    let most = form.width - 32;
    if form.narrow {
        return most;
    }
    let room = form.width - 10 - value_width(row) - from;
    let reach = (left + row.reach()) / (left + right);
    if f64::from(most - from) * reach <= f64::from(room) { most } else { from + share(room, reach.recip()) }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels")]
fn share(pixels: i32, factor: f64) -> i32 {
    (f64::from(pixels) * factor).floor() as i32
}

/// The parts of one side, from zero outwards.
fn stack(pen: &Pen<'_>, scale: &Scale, parts: &[Part], rows: (i32, i32)) -> Result<(), DrawError> {
    let mut reached = 0.0;
    for part in parts {
        let (mut from, to) = (scale.px(reached), scale.px(reached + part.value.max(0.0)));
        reached += part.value.max(0.0);
        if part.value > 0.0 && (to - from).abs() < part.least {
            from = to - part.least;
        }
        let (left, right) = (from.min(to), from.max(to));
        if left == right {
            continue;
        }
        part.fill.draw(pen, (left, right), rows)?;
        if parts.len() > 1 {
            // A hair of ground keeps neighbours apart.
            pen.line(&[(to, rows.0), (to, rows.1)], Ink::Ground, 1)?;
        }
        if !part.tip.is_empty() {
            pen.tip((left, rows.0), (right, rows.1), part.tip.clone());
        }
    }
    Ok(())
}

/// The interval around a value that ends at `end`, where it is wide enough to be seen.
fn whisker(
    pen: &Pen<'_>,
    scale: &Scale,
    (end, value, (low, high)): (f64, f64, (f64, f64)),
    y: i32,
) -> Result<(), DrawError> {
    let [from, to] = [low, high].map(|bound| scale.px((end + bound - value).max(0.0)));
    if to - from < SEEN {
        return Ok(());
    }
    // Bars may be as dark as the line.
    pen.line(&[(from, y), (to, y)], Ink::Ground, 3)?;
    pen.interval((from, y), (to, y), Ink::Text)
}
