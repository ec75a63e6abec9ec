//! Records to numbers, tables, charts and one offline page.
//!
//! `record::Record -> `[`Dataset`]` -> `[`Summary`]`, `[`Verdict`]`, `[`table`]`, `[`render`]. Everything here is a pure function of the
//! record: no clock, no file, no order of a hash map; the same record gives the same bytes. It knows no transport:
//! titles, colours and marks are read from the record.

pub mod calibration;
mod charts;
mod choice;
mod claims;
mod columns;
mod csv;
pub mod dataset;
pub mod detect;
pub mod drift;
mod environment;
pub mod gate;
mod glossary;
pub mod index;
mod look;
mod markdown;
mod numbers;
mod page;
mod pitfalls;
mod prose;
mod ranking;
mod rules;
mod standalone;
mod summarise;
pub mod summary;
mod table;
mod text;
mod timeline;
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

/// Why a page or a figure could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A figure could not be drawn.
    #[error("a figure could not be drawn")]
    Figure(#[from] plotters::drawing::DrawingAreaErrorKind<std::io::Error>),
    /// The template could not be filled.
    #[error("the page could not be filled in")]
    Page(#[from] askama::Error),
    /// The run has no data for a figure of this id, or there is none.
    #[error("there is no figure {id:?} in this run; there are: {known}")]
    NoFigure {
        /// As it was asked for.
        id: String,
        /// All that there are, in the page's order.
        known: String,
    },
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

/// One figure of the page as an SVG file that stands alone, 960 px wide, in the colours of the reader's theme. It says so when the run is
/// not VALID.
///
/// # Errors
///
/// [`RenderError::NoFigure`] when the run has no figure with this id, the anchor of the page's figure: `latency-quantiles`.
pub fn chart(data: &Dataset, id: &str) -> Result<String, RenderError> {
    standalone::chart(data, id)
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

/// The run for a pull request, in GitHub's Markdown: verdict with its reasons, the answer, the lanes as a table, what the run
/// cannot say in a fold-out, and the command that repeats it. Ends with a line break; holds no HTML but the fold-out.
pub fn markdown(data: &Dataset) -> String {
    let verdict = verdict(data);
    markdown::markdown(data, &summarise::summarise(data, &verdict), &verdict)
}

/// The run for a spreadsheet: CSV by RFC 4180, UTF-8, one line per lane in the header's order below a line of names. Names
/// carry units; ends of intervals follow their value as `_low` and `_high`. An empty cell was not measured, and is no zero.
/// The columns are the same for every run, so that lines of several can stand under one another.
pub fn csv(data: &Dataset) -> String {
    let verdict = verdict(data);
    csv::csv(data, &summarise::summarise(data, &verdict), &verdict)
}
