//! "What does one delivery cost on the wire?": stream bytes per delivery in either direction, stacked by what they
//! were for.

use measure::Category;

use super::{
    DrawError, Figure, Input,
    bars::{Bars, Fill, Part, Row},
    common::Ink,
};
use crate::{
    columns::both,
    dataset::Lane,
    numbers::{bytes, bytes_interval, three_digits, tick},
    ranking::Metric,
    summary::CategoryBytes,
    text::figure_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "What does one delivery cost on the wire?";

/// What stands on either side of zero.
pub(super) const SIDES: [&str; 2] = ["\u{2190} up", "down \u{2192}"];

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
    let rows: Vec<Row> = input.data.lanes.iter().map(|lane| row(input, lane)).collect();
    if !rows.iter().any(Row::is_measured) {
        return Ok(None);
    }
    let used = |&(_, category): &(u8, Category)| {
        let ledgers = input.summary.lanes.iter().map(|(_, numbers)| &numbers.bytes_per_delivery);
        ledgers.flat_map(|b| [&b.down, &b.up]).any(|side| share(side, category).is_some_and(|n| n > 0.0))
    };
    let categories = (0_u8..).zip(Category::ALL).filter(used);
    let bars = Bars {
        rows,
        key: categories.map(|(index, category)| (words(category), Fill::ink(Ink::Category(index)))).collect(),
        sides: Some(SIDES),
        line: None,
        tick: Some(|bytes| tick(bytes, "B")),
    };
    let [wide, narrow] = bars.draw("bytes-stack", TITLE, "Stacked bars of stream bytes per delivery by category.")?;
    Ok(Some(Figure {
        id: "bytes-stack",
        title: TITLE,
        answer: figure_answer(input.parts(), Metric::Bytes, ("costs", "much"), bytes),
        wide,
        narrow,
        note: "Stream bytes: what the connection's both ends read, without TCP and IP. What goes down to the subscriber stands on the \
               right of zero, what goes up to the server on the left; the value is of both, and its interval is drawn at the right end. \
               Every byte is in exactly one category. In the table, TCP/IP is 52 bytes per segment over the whole feed, not only its window."
            .to_owned(),
        table: table(input),
    }))
}

fn row(input: Input<'_>, lane: &Lane) -> Row {
    let unmeasured = Row::new(input.data, lane);
    let ledger = input.summary.lane(&lane.info.lane).map(|numbers| &numbers.bytes_per_delivery);
    let Some((ledger, total)) = ledger.and_then(|ledger| Some((ledger, ledger.stream_total?))) else {
        return unmeasured;
    };
    let parts = |side: &CategoryBytes, way: &str| {
        let part = |(index, category)| {
            let value = share(side, category).filter(|&bytes| bytes > 0.0)?;
            let tip = format!("{}, {} {way}: {}", unmeasured.name, words(category), bytes(value));
            Some(Part::new(value, Fill::ink(Ink::Category(index)), tip))
        };
        (0_u8..).zip(Category::ALL).filter_map(part).collect()
    };
    let interval = both(ledger.stream_total_ci);
    Row {
        left: parts(&ledger.up, "up"),
        right: parts(&ledger.down, "down"),
        total: interval.map(|interval| (total, interval)),
        value: bytes_interval(total, interval),
        ..unmeasured
    }
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
            cells.push(total(ledger.stream_total.map(|b| bytes_interval(b, both(ledger.stream_total_ci)))));
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
