//! Records to numbers, tables, charts and one offline page.
//!
//! `record::Record -> `[`Dataset`]` -> `[`Summary`]`, `[`Verdict`]`, `[`table`]`, `[`render`]. Everything here is a pure function of the
//! record: no clock, no file, no order of a hash map; the same record gives the same bytes. It knows no transport:
//! titles, colours and marks are read from the record.

pub mod calibration;
mod charts;
mod claims;
mod columns;
pub mod dataset;
pub mod detect;
pub mod drift;
mod environment;
pub mod gate;
mod look;
mod numbers;
mod page;
mod prose;
mod ranking;
mod rules;
mod summarise;
pub mod summary;
mod table;
mod text;
pub mod verdict;
mod view;

pub use calibration::Calibration;
pub use claims::Withdrawn;
pub use dataset::{DataError, Dataset};
pub use gate::Gate;
pub use ranking::RankEntry;
pub use summary::Summary;
pub use verdict::{Check, Outcome, Status, Verdict};

#[cfg(test)]
mod tests;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A figure could not be drawn.
    #[error("a figure could not be drawn")]
    Figure(#[from] plotters::drawing::DrawingAreaErrorKind<std::io::Error>),
    /// The template could not be filled.
    #[error("the page could not be filled in")]
    Page(#[from] askama::Error),
}

/// The whole page: one HTML file without anything outside it.
///
/// # Errors
///
/// When a figure cannot be drawn or the template not filled, which no record should cause.
pub fn render(data: &Dataset) -> Result<String, RenderError> {
    let verdict = verdict(data);
    page::page(data, &summarise::summarise(data, &verdict), &verdict)
}

/// Judges whether the numbers hold.
pub fn verdict(data: &Dataset) -> Verdict {
    verdict::judge(data)
}

/// Everything that `summary.json` holds.
pub fn summary(data: &Dataset) -> Summary {
    summarise::summarise(data, &verdict(data))
}

/// The lanes as plain text for a terminal: one line each, ends with a line break.
pub fn table(data: &Dataset) -> String {
    let verdict = verdict(data);
    table::table(data, &summarise::summarise(data, &verdict), &verdict)
}
