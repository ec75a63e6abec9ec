//! Bars, one row for each lane: from zero to the right, and to the left as well where a figure has two directions. Names
//! stand beside them (on a phone above), values behind them, and a pointer reads every part.

use super::{
    DrawError,
    common::{Align, Ink, NARROW, Pen, WIDE, fine, svg},
    frame::{Frame, key_places},
};
use crate::{
    dataset::{Dataset, Lane},
    look,
    numbers::NOT_MEASURED,
};

/// What a part is filled with.
#[derive(Debug, Clone)]
pub(super) struct Fill {
    /// Laid over one another.
    pub(super) inks: Vec<Ink>,
    /// See-through, to stand beside the same ink in full.
    pub(super) pale: bool,
}

impl Fill {
    /// One ink.
    pub(super) fn ink(ink: Ink) -> Self {
        Self { inks: vec![ink], pale: false }
    }

    /// A lane's colour with its stripes; the floor is grey.
    pub(super) fn lane(data: &Dataset, index: u8, lane: &Lane) -> Self {
        if data.is_floor(lane) {
            return Self::ink(Ink::Muted);
        }
        let stripes = look::pattern(lane).map(Ink::Hatch);
        Self { inks: std::iter::once(Ink::Lane(index)).chain(stripes).collect(), pale: false }
    }

    /// Its first ink, see-through.
    pub(super) fn pale(&self) -> Self {
        Self { inks: self.inks[..1].to_vec(), pale: true }
    }

    /// From the left to the right edge, and from the upper to the lower one.
    pub(super) fn draw(
        &self,
        pen: &Pen<'_>,
        (left, right): (i32, i32),
        (top, foot): (i32, i32),
    ) -> Result<(), DrawError> {
        for &ink in &self.inks {
            if self.pale {
                pen.shade([(left, top), (right, top), (right, foot), (left, foot)].map(fine).to_vec(), ink)?;
            } else {
                pen.bar((left, top), (right, foot), ink)?;
            }
        }
        Ok(())
    }
}

/// A piece of a bar, behind those before it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its length; what is below zero has none.
    pub(super) value: f64,
    /// Its look.
    pub(super) fill: Fill,
    /// Around the value.
    pub(super) interval: Option<(f64, f64)>,
    /// Pixels that it has at least unless it is zero: what must not be overlooked has some.
    pub(super) least: i32,
    /// What a pointer reads; where it is empty, the name and the value of the row.
    pub(super) tip: String,
}

impl Part {
    /// Without an interval of its own.
    pub(super) const fn new(value: f64, fill: Fill, tip: String) -> Self {
        Self { value, fill, interval: None, least: 0, tip }
    }
}

/// One lane's bar.
#[derive(Debug)]
pub(super) struct Row {
    /// Beside it.
    pub(super) name: String,
    /// Drawn thin.
    pub(super) floor: bool,
    /// From zero to the left.
    pub(super) left: Vec<Part>,
    /// From zero to the right.
    pub(super) right: Vec<Part>,
    /// Both sides together with the interval of that, which is drawn at the right end.
    pub(super) total: Option<(f64, (f64, f64))>,
    /// Behind it.
    pub(super) value: String,
    /// The value tells of something that must not be.
    pub(super) alarm: bool,
}

impl Row {
    /// A lane without a bar: it was not measured, until somebody says otherwise.
    pub(super) fn new(data: &Dataset, lane: &Lane) -> Self {
        let floor = data.is_floor(lane);
        Self {
            name: if floor { format!("{} (floor)", lane.label()) } else { lane.label() },
            floor,
            left: Vec::new(),
            right: Vec::new(),
            total: None,
            value: NOT_MEASURED.to_owned(),
            alarm: false,
        }
    }

    /// A lane with a bar of one part.
    pub(super) fn single(data: &Dataset, (index, lane): (u8, &Lane), value: f64, interval: Option<(f64, f64)>) -> Self {
        let part = Part { interval, ..Part::new(value, Fill::lane(data, index, lane), String::new()) };
        Self { right: vec![part], ..Self::new(data, lane) }
    }

    /// Whether there is a bar.
    pub(super) fn is_measured(&self) -> bool {
        !self.left.is_empty() || !self.right.is_empty()
    }

    /// Where the bar ends on the right, its intervals included.
    pub(super) fn reach(&self) -> f64 {
        let mut end = 0.0;
        let mut reach = 0.0_f64;
        for part in &self.right {
            reach = reach.max(end + part.interval.map_or(part.value, |(_, high)| high));
            end += part.value.max(0.0);
        }
        reach.max(end + self.total.map_or(0.0, |(total, (_, high))| high - total))
    }
}

/// Of all parts of one side.
pub(super) fn length(parts: &[Part]) -> f64 {
    parts.iter().map(|part| part.value.max(0.0)).sum()
}

/// All rows of a figure, and what explains them.
#[derive(Debug)]
pub(super) struct Bars {
    /// Top to bottom.
    pub(super) rows: Vec<Row>,
    /// What a part's look means.
    pub(super) key: Vec<(&'static str, Fill)>,
    /// What the left and the right side are, where there are two.
    pub(super) sides: Option<[&'static str; 2]>,
    /// Where the floor is and what it is called, where it is no row.
    pub(super) line: Option<(f64, String)>,
    /// How a round value is printed on the axis; without one there is no axis.
    pub(super) tick: Option<fn(f64) -> String>,
}

impl Bars {
    /// Both forms, the wide one first. `what` begins the words for screen readers, which go on with every row.
    pub(super) fn draw(&self, id: &str, title: &str, what: &str) -> Result<[String; 2], DrawError> {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("{}: {}", row.name, row.value)).collect();
        let floor = self.line.as_ref().map_or_else(String::new, |(_, words)| format!("; {words}"));
        let description = format!("{what} {}{floor}.", rows.join("; "));
        let draw = |form| {
            let frame = Frame::new(self, form);
            svg((form, frame.height), (id, title, &description), |pen| self.paint(pen, &frame))
        };
        Ok([draw(WIDE)?, draw(NARROW)?])
    }

    fn paint(&self, pen: &Pen<'_>, frame: &Frame) -> Result<(), DrawError> {
        for ((words, fill), (x, y)) in self.key.iter().zip(key_places(&self.key, frame.form)) {
            fill.draw(pen, (x, x + 12), (y - 6, y + 6))?;
            pen.text((x + 18, y), words, Ink::Muted, Align::Start)?;
        }
        if let Some([left, right]) = self.sides {
            pen.text((frame.zero - 8, frame.top - 10), left, Ink::Muted, Align::End)?;
            pen.text((frame.zero + 8, frame.top - 10), right, Ink::Muted, Align::Start)?;
        }
        self.axis(pen, frame)?;
        for (row, place) in self.rows.iter().zip(0..) {
            let middle = frame.middle(place);
            frame.words(pen, row, middle)?;
            if row.is_measured() {
                frame.bar(pen, row, middle)?;
            }
        }
        if self.sides.is_some() {
            // Both sides may be of one colour.
            frame.upright(pen, frame.zero, Ink::Ground, 3)?;
            frame.upright(pen, frame.zero, Ink::Muted, 1)?;
        }
        self.floor(pen, frame)
    }

    fn axis(&self, pen: &Pen<'_>, frame: &Frame) -> Result<(), DrawError> {
        let Some(print) = self.tick else {
            return Ok(());
        };
        let right = frame.ticks.iter().map(|&tick| (tick, frame.right.px(tick)));
        let left = frame.ticks.iter().skip(1).map(|&tick| (tick, frame.left.px(tick)));
        let within = |&(_, at): &(f64, i32)| at >= frame.span.0 && at <= frame.span.1;
        let left = left.filter(|_| self.sides.is_some());
        for (tick, at) in right.chain(left).filter(within) {
            frame.upright(pen, at, Ink::Rule, 1)?;
            let align = if at < 24 { Align::Start } else { Align::Middle };
            pen.text((at, frame.bottom + 14), &print(tick), Ink::Muted, align)?;
        }
        frame.upright(pen, frame.zero, Ink::Muted, 1)
    }

    fn floor(&self, pen: &Pen<'_>, frame: &Frame) -> Result<(), DrawError> {
        let Some((value, words)) = &self.line else {
            return Ok(());
        };
        let at = frame.right.px(*value);
        frame.upright(pen, at, Ink::Muted, 1)?;
        if frame.form.narrow {
            return pen.text((frame.span.0, frame.top - 10), &format!("line: {words}"), Ink::Muted, Align::Start);
        }
        pen.text((at, frame.top - 10), words, Ink::Muted, Align::Middle)
    }
}
