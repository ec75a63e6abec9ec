//! The small pieces that pages are made of: tables, their cells, a lane's name with its line and mark.

use askama::Template;

use crate::{
    dataset::Dataset,
    glossary, look,
    numbers::{NOT_MEASURED, read_back},
};

/// A table with its caption; the first column names the row.
#[derive(Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct TableView {
    /// What it shows.
    pub(crate) caption: String,
    /// Column heads, the first column's included.
    pub(crate) head: Vec<String>,
    /// Top to bottom.
    pub(crate) rows: Vec<RowView>,
}

/// One row.
#[derive(Debug)]
pub(crate) struct RowView {
    /// What the row is of.
    pub(crate) head: HeadView,
    /// As many as there are column heads, less one.
    pub(crate) cells: Vec<CellView>,
}

/// The first cell of a row.
#[derive(Debug)]
pub(crate) struct HeadView {
    /// SVG of the lane's line and mark.
    pub(crate) key: String,
    /// The name.
    pub(crate) label: String,
    /// Beside the name, faint.
    pub(crate) note: &'static str,
}

/// One value.
#[derive(Debug)]
pub(crate) struct CellView {
    /// As printed.
    pub(crate) text: String,
    /// `best`, `faint` or nothing.
    pub(crate) class: &'static str,
}

impl CellView {
    /// A value as it is.
    pub(crate) const fn plain(text: String) -> Self {
        Self { text, class: "" }
    }

    /// A value, or that there is none.
    pub(crate) fn or_not_measured(text: Option<String>) -> Self {
        text.map_or_else(|| Self { text: NOT_MEASURED.to_owned(), class: "faint" }, Self::plain)
    }

    /// What the cell is sorted by, in the unit that its column's units are made of; none for words.
    fn value(&self) -> Option<f64> {
        read_back(&self.text)
    }
}

/// A lane's name with its line and mark.
pub(crate) fn lane_head(data: &Dataset, index: usize) -> HeadView {
    let lane = &data.lanes[index];
    let note = if data.is_floor(lane) { "floor" } else { "" };
    HeadView { key: look::key(lane, &format!("l{index}")), label: lane.label(), note }
}
