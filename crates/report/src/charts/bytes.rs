//! "What does one delivery cost on the wire?": stream bytes per delivery, stacked by what they were for.

use measure::Category;

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, Scale, WIDE, linear_ticks, svg},
};
use crate::{
    dataset::Lane,
    numbers::{bytes, bytes_interval, three_digits},
    ranking::Metric,
    summary::{BytesSummary, CategoryBytes},
    text::figure_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "What does one delivery cost on the wire?";

/// Laid over the category's ink.
const TO_THE_SERVER: Ink = Ink::Hatch(0);

/// One lane's bar.
struct Bar<'a> {
    lane: &'a Lane,
    floor: bool,
    bytes: &'a BytesSummary,
    total: f64,
}

/// A category's name for people.
pub(crate) const fn words(category: Category) -> &'static str {
    match category {
        Category::Payload => "payload",
        Category::Envelope => "envelope",
        Category::Framing => "framing",
        Category::HttpHead => "HTTP heads",
        Category::EmptyPolls => "empty polls",
        Category::Heartbeat => "heartbeats",
        Category::Handshake => "handshake",
        Category::Tls => "TLS",
    }
}

/// One direction's bytes of a category.
pub(crate) const fn share(bytes: &CategoryBytes, category: Category) -> Option<f64> {
    match category {
        Category::Payload => bytes.payload,
        Category::Envelope => bytes.envelope,
        Category::Framing => bytes.framing,
        Category::HttpHead => bytes.http_head,
        Category::EmptyPolls => bytes.empty_polls,
        Category::Heartbeat => bytes.heartbeat,
        Category::Handshake => bytes.handshake,
        Category::Tls => bytes.tls,
    }
}

/// The figure; none when no lane delivered anything.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let bars: Vec<Bar<'_>> = input
        .data
        .lanes
        .iter()
        .filter_map(|lane| {
            let bytes = &input.summary.lane(&lane.info.lane)?.bytes_per_delivery;
            Some(Bar { lane, floor: input.data.is_floor(lane), bytes, total: bytes.stream_total? })
        })
        .collect();
    if bars.is_empty() {
        return Ok(None);
    }
    let words = bars.iter().map(|bar| format!("{}: {}", bar.lane.label(), bytes(bar.total))).collect::<Vec<_>>();
    let description = format!("Stacked bars of stream bytes per delivery by category. {}", words.join("; "));
    let draw = |form: Form| {
        let rows = i32::try_from(bars.len()).unwrap_or(0);
        let height = top(form, &bars) + form.bar_pitch() * rows + 34;
        svg((form, height), ("bytes-stack", TITLE, &description), |pen| paint(pen, form, height, &bars))
    };
    Ok(Some(Figure {
        id: "bytes-stack",
        title: TITLE,
        answer: figure_answer(input.parts(), Metric::Bytes, ("costs", "much"), bytes),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: "Stream bytes: what the connection's both ends read, without TCP and IP. Striped parts travel to the server. Every byte \
               is in exactly one category. TCP/IP is 52 bytes per segment over the whole feed, not only its window."
            .to_owned(),
        table: table(input),
    }))
}

impl Form {
    /// From bar to bar: on a phone the label stands above.
    const fn bar_pitch(self) -> i32 {
        if self.narrow { 52 } else { 38 }
    }

    /// Where bars begin and the axis ends; values are printed beyond.
    pub(super) const fn bar_span(self) -> (i32, i32) {
        if self.narrow { (4, self.width - 84) } else { (170, self.width - 100) }
    }
}

/// The categories that any bar holds, in the order of every stack.
fn used(bars: &[Bar<'_>]) -> Vec<(u8, Category)> {
    let any = |category| {
        bars.iter()
            .any(|bar| [&bar.bytes.down, &bar.bytes.up].iter().any(|b| share(b, category).is_some_and(|n| n > 0.0)))
    };
    (0_u8..).zip(Category::ALL).filter(|(_, category)| any(*category)).collect()
}

/// Where the bars begin below the key.
fn top(form: Form, bars: &[Bar<'_>]) -> i32 {
    let per_line = if form.narrow { 3 } else { 8 };
    let lines = (used(bars).len() + 1).div_ceil(per_line);
    14 + 22 * i32::try_from(lines).unwrap_or(1)
}

fn paint(pen: &Pen<'_>, form: Form, height: i32, bars: &[Bar<'_>]) -> Result<(), DrawError> {
    key(pen, form, bars)?;
    let (top, bottom) = (top(form, bars), height - 30);
    let (left, right) = form.bar_span();
    let ticks = linear_ticks(bars.iter().map(|bar| bar.total).fold(0.0, f64::max), if form.narrow { 3 } else { 6 });
    let x = Scale::from_zero(ticks.last().copied().unwrap_or(1.0), (left, right));
    for tick in ticks {
        let at = x.px(tick);
        pen.line(&[(at, top), (at, bottom)], Ink::Rule, 1)?;
        pen.text((at, bottom + 14), &bytes(tick), Ink::Muted, if tick > 0.0 { Align::Middle } else { Align::Start })?;
    }
    for (bar, place) in bars.iter().zip(1..) {
        let foot = top + place * form.bar_pitch() - 6;
        let name = if bar.floor { format!("{} (floor)", bar.lane.label()) } else { bar.lane.label() };
        if form.narrow {
            pen.text((left, foot - 32), &name, Ink::Text, Align::Start)?;
        } else {
            pen.name((left - 14, foot - 11), &name, form, Ink::Text, Align::End)?;
        }
        stack(pen, bar, &x, (foot - 22, foot))?;
        pen.text((x.px(bar.total) + 8, foot - 11), &bytes(bar.total), Ink::Text, Align::Start)?;
    }
    Ok(())
}

fn stack(pen: &Pen<'_>, bar: &Bar<'_>, x: &Scale, (top, foot): (i32, i32)) -> Result<(), DrawError> {
    let mut reached = 0.0;
    for (side, up) in [(&bar.bytes.down, false), (&bar.bytes.up, true)] {
        for (index, category) in (0_u8..).zip(Category::ALL) {
            let part = share(side, category).unwrap_or(0.0);
            let (from, to) = (x.px(reached), x.px(reached + part));
            reached += part;
            if to > from {
                pen.bar((from, top), (to, foot), Ink::Category(index))?;
                if up {
                    pen.bar((from, top), (to, foot), TO_THE_SERVER)?;
                }
                // A hair of ground keeps neighbours of the ramp apart.
                pen.line(&[(to, top), (to, foot)], Ink::Ground, 1)?;
            }
        }
    }
    Ok(())
}

fn key(pen: &Pen<'_>, form: Form, bars: &[Bar<'_>]) -> Result<(), DrawError> {
    let (mut x, mut y) = (form.bar_span().0, 12);
    let entries = used(bars).into_iter().map(|(index, category)| (words(category), Ink::Category(index)));
    let pitch = if form.narrow { 120 } else { 104 };
    for (word, ink) in entries.chain([("to the server", TO_THE_SERVER)]) {
        if x + pitch > form.width {
            (x, y) = (form.bar_span().0, y + 22);
        }
        if ink == TO_THE_SERVER {
            pen.bar((x, y - 6), (x + 12, y + 6), Ink::Muted)?;
        }
        pen.bar((x, y - 6), (x + 12, y + 6), ink)?;
        pen.text((x + 18, y), word, Ink::Muted, Align::Start)?;
        x += pitch;
    }
    Ok(())
}

fn table(input: Input<'_>) -> TableView {
    let number = |value: Option<f64>| CellView::or_not_measured(value.map(three_digits));
    let tls = input.summary.lanes.iter().any(|(_, numbers)| numbers.bytes_per_delivery.down.tls.is_some());
    let categories: Vec<Category> = Category::ALL.into_iter().filter(|&c| tls || c != Category::Tls).collect();
    let mut rows = Vec::new();
    for (index, lane) in input.data.lanes.iter().enumerate() {
        let Some(numbers) = input.summary.lane(&lane.info.lane) else {
            continue;
        };
        let ledger = &numbers.bytes_per_delivery;
        for (way, side) in [("down", &ledger.down), ("up", &ledger.up)] {
            let mut cells = vec![CellView::plain(way.to_owned())];
            cells.extend(categories.iter().map(|&category| number(share(side, category))));
            cells.push(number(side.tcp_ip));
            let total = |value: Option<String>| {
                if way == "down" { CellView::or_not_measured(value) } else { CellView::plain(String::new()) }
            };
            let [low, high] = ledger.stream_total_ci;
            cells.push(total(ledger.stream_total.map(|b| bytes_interval(b, low.zip(high)))));
            cells.push(total(ledger.ip_total.map(bytes)));
            cells.push(total(numbers.setup_bytes.map(bytes)));
            rows.push(RowView { head: lane_head(input.data, index), cells });
        }
    }
    let tail = ["TCP/IP", "stream, both", "IP, both", "setup/connection"];
    TableView {
        caption: "Bytes per delivery by direction and category.".to_owned(),
        head: ["lane", ""]
            .into_iter()
            .chain(categories.into_iter().map(words))
            .chain(tail)
            .map(str::to_owned)
            .collect(),
        rows,
    }
}
