//! What became of all cells, as a value, a table and JSON.

use std::fmt::Write as _;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::{
    outcome::Outcome,
    promise::{PROMISES, Promise},
};

/// One promise on one lane. As JSON: `{"promise","lane","outcome","detail"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The promise's name.
    pub promise: &'static str,
    /// The lane, as it is printed everywhere.
    pub lane: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cell = serializer.serialize_struct("Cell", 4)?;
        cell.serialize_field("promise", self.promise)?;
        cell.serialize_field("lane", &self.lane)?;
        cell.serialize_field("outcome", self.outcome.word())?;
        cell.serialize_field("detail", self.outcome.detail())?;
        cell.end()
    }
}

/// All cells: by promise in the table's order, then by lane. As JSON: an array of cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report {
    cells: Vec<Cell>,
}

impl Report {
    /// Sorts `cells`, whatever order they ended in.
    pub(crate) fn new(lanes: &[String], mut cells: Vec<Cell>) -> Self {
        cells.sort_by_key(|cell| {
            let promise = PROMISES.iter().position(|promise| promise.name == cell.promise);
            (promise, lanes.iter().position(|lane| *lane == cell.lane))
        });
        Self { cells }
    }

    /// All cells.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether no promise is broken.
    pub fn is_kept(&self) -> bool {
        !self.cells.iter().any(|cell| matches!(cell.outcome, Outcome::Broken { .. }))
    }

    /// The table of promises and lanes, then what is broken and why, then why cells are empty, each reason once.
    pub fn text(&self) -> String {
        let mut lanes: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !lanes.contains(&cell.lane.as_str()) {
                lanes.push(&cell.lane);
            }
        }
        let mut text = String::new();
        self.table(&lanes, &mut text);
        self.broken(&mut text);
        self.empty(&mut text);
        text
    }

    fn promises(&self) -> impl Iterator<Item = &'static Promise> {
        PROMISES.iter().filter(|promise| self.cells.iter().any(|cell| cell.promise == promise.name))
    }

    fn table(&self, lanes: &[&str], text: &mut String) {
        let first = self.promises().map(|promise| promise.name.len()).max().unwrap_or_default();
        let mut line = |name: &str, columns: Vec<&str>| {
            let mut line = format!("{name:<first$}");
            for (column, lane) in columns.iter().zip(lanes) {
                // Writing into a `String` cannot fail, here and below.
                let _infallible = write!(line, "  {column:<width$}", width = lane.len().max("BROKEN".len()));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        line("", lanes.to_vec());
        for promise in self.promises() {
            let row = self.cells.iter().filter(|cell| cell.promise == promise.name);
            let words = row.map(|cell| match cell.outcome {
                Outcome::Kept { .. } => "kept",
                Outcome::Broken { .. } => "BROKEN",
                Outcome::NotApplicable { .. } => "-",
            });
            line(promise.name, words.collect());
        }
    }

    fn broken(&self, text: &mut String) {
        for promise in self.promises() {
            let cells = self.cells.iter().filter(|cell| cell.promise == promise.name);
            let mut broken = cells.filter(|cell| matches!(cell.outcome, Outcome::Broken { .. })).peekable();
            if broken.peek().is_some() {
                let _infallible = write!(text, "\nBROKEN  {}: {}\n", promise.name, promise.what);
            }
            for cell in broken {
                let _infallible = writeln!(text, "  {}: {}", cell.lane, cell.outcome.detail());
            }
        }
    }

    fn empty(&self, text: &mut String) {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for cell in &self.cells {
            if let Outcome::NotApplicable { why } = &cell.outcome {
                let place = format!("{} on {}", cell.promise, cell.lane);
                match reasons.iter_mut().find(|(reason, _)| reason == why) {
                    Some((_, places)) => places.push(place),
                    None => reasons.push((why, vec![place])),
                }
            }
        }
        for (reason, places) in reasons {
            let _infallible = write!(text, "\n-  {reason}\n  {}\n", places.join(", "));
        }
    }
}
