//! A calibration: what came of holding the ruler against what is known, as `calibration.json` and as a page.
//!
//! Nothing is measured here. A check is a question with rows; a row is one figure, what it should have been, and the bounds in
//! which the ruler is believed.

use askama::Template;
use record::{Host, Tool};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    RenderError, glossary,
    numbers::{NOT_MEASURED, count, three_digits},
    view::{CellView, HeadView, RowView, TableView},
};

/// The version of `calibration.json`. Additions keep it.
pub const VERSION: u32 = 1;

/// All of `calibration.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// When it ended, microseconds since 1970.
    pub at_us: u64,
    /// The command that repeats it, seed included.
    pub command: String,
    /// The machine.
    pub host: Host,
    /// The program.
    pub tool: Tool,
    /// Whether every check that there is was made. Reports quote no other calibration.
    pub whole: bool,
    /// What was checked, in its order.
    pub checks: Vec<Check>,
}

/// One question to the ruler.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The name by which it is selected.
    pub name: String,
    /// What is asked, a sentence.
    pub question: String,
    /// How it was found out, and why the expected values are what they are.
    pub how: String,
    /// The figures.
    pub rows: Vec<Row>,
    /// Figures side by side that are shown and not judged; the first column names the row.
    pub shown: Option<Shown>,
    /// Why it could not be made; it has not passed then.
    pub failure: Option<String>,
    /// The folders of its runs, in the folder `runs` beside `calibration.json`.
    pub runs: Vec<String>,
}

/// A table that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// What it shows.
    pub caption: String,
    /// Heads of all columns.
    pub head: Vec<String>,
    /// Rows, each as long as `head`.
    pub rows: Vec<Vec<String>>,
}

/// One figure and its bounds. All numbers are in `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Of what.
    pub name: String,
    /// Its unit; empty for a count.
    pub unit: String,
    /// What the ruler said; none when it said no number.
    pub measured: Option<f64>,
    /// What it should have said, where that is one value.
    pub expected: Option<f64>,
    /// `measured - expected`.
    pub bias: Option<f64>,
    /// The largest value less the smallest, where the figure is the median of several.
    pub spread: Option<f64>,
    /// The smallest value that passes.
    pub at_least: Option<f64>,
    /// The largest value that passes.
    pub at_most: Option<f64>,
    /// Whether `measured` is within bounds.
    pub passed: bool,
}

impl Row {
    /// A figure that passes from `at_least` to `at_most`, both included, where there are any.
    pub fn bounded(
        name: impl Into<String>,
        unit: &str,
        measured: Option<f64>,
        at_least: Option<f64>,
        at_most: Option<f64>,
    ) -> Self {
        let measured = measured.filter(|value| value.is_finite());
        let within = |value| at_least.is_none_or(|low| value >= low) && at_most.is_none_or(|high| value <= high);
        let passed = measured.is_some_and(within);
        let (name, unit) = (name.into(), unit.to_owned());
        Self { name, unit, measured, expected: None, bias: None, spread: None, at_least, at_most, passed }
    }

    /// A figure that passes when it is no farther than `tolerance` from `expected`.
    pub fn near(name: impl Into<String>, unit: &str, measured: Option<f64>, expected: f64, tolerance: f64) -> Self {
        let row = Self::bounded(name, unit, measured, Some(expected - tolerance), Some(expected + tolerance));
        Self { expected: Some(expected), bias: row.measured.map(|measured| measured - expected), ..row }
    }

    /// With how far the values lay apart.
    #[must_use]
    pub fn spread(self, spread: Option<f64>) -> Self {
        Self { spread, ..self }
    }
}

impl Check {
    /// Whether it was made and every figure is within its bounds.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && !self.rows.is_empty() && self.rows.iter().all(|row| row.passed)
    }
}

impl Calibration {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }

    /// As the records of later runs quote it.
    pub fn quoted(&self) -> record::Calibration {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        record::Calibration {
            at_us: self.at_us,
            checks: count(self.checks.len()),
            passed: count(self.checks.iter().filter(|check| check.passed()).count()),
            version: self.tool.version.clone(),
            commit: self.tool.commit.clone(),
        }
    }
}

/// What a report says of the newest calibration on its host.
pub(crate) fn ruler(calibration: Option<&record::Calibration>) -> String {
    let Some(calibration) = calibration else {
        return "not calibrated on this host; feedbench calibrate does it".to_owned();
    };
    let &record::Calibration { checks, passed, at_us, .. } = calibration;
    let checks_passed = if passed == checks {
        format!("all {} checks passed", count(checks.into()))
    } else {
        format!("{} of {} checks FAILED", count((checks - passed.min(checks)).into()), count(checks.into()))
    };
    format!("calibrated {}, {checks_passed}", date(at_us))
}

/// The day, as `2026-11-20`.
fn date(at_us: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1000).ok();
    let text = at.and_then(|at| at.format(format_description!("[year]-[month]-[day]")).ok());
    text.unwrap_or_else(|| "at an unknown time".to_owned())
}

#[derive(Template)]
#[template(path = "calibration.html")]
struct Page {
    date: String,
    host: Vec<String>,
    passed: bool,
    summary: String,
    checks: Vec<CheckView>,
    command: String,
}

struct CheckView {
    name: String,
    passed: bool,
    question: String,
    how: String,
    failure: String,
    rows: TableView,
    shown: Vec<TableView>,
    runs: Vec<String>,
}

/// The page of a calibration: one HTML file without anything outside it.
///
/// # Errors
///
/// When the template cannot be filled, which no calibration should cause.
pub fn render(calibration: &Calibration) -> Result<String, RenderError> {
    let (host, tool) = (&calibration.host, &calibration.tool);
    let checks = calibration.checks.len() as u64;
    let passed = calibration.checks.iter().filter(|check| check.passed()).count() as u64;
    let part = if calibration.whole { "" } else { "; not all checks were made, so no report quotes this page" };
    let page = Page {
        date: date(calibration.at_us),
        host: vec![
            format!("host {}", host.id),
            format!("{}, {} cores", host.cpu, host.cores),
            format!("kernel {}", host.kernel),
            format!("feedbench {}, {} build", tool.version, tool.build),
        ],
        passed: calibration.passed(),
        summary: format!("{} of {} checks passed{part}", count(passed), count(checks)),
        checks: calibration.checks.iter().map(check_view).collect(),
        command: calibration.command.clone(),
    };
    Ok(page.render()?)
}

fn check_view(check: &Check) -> CheckView {
    CheckView {
        name: check.name.clone(),
        passed: check.passed(),
        question: check.question.clone(),
        how: check.how.clone(),
        failure: check.failure.clone().unwrap_or_default(),
        rows: TableView {
            caption: format!("What the ruler said of {}, and what it should have said", check.name),
            head: ["figure", "measured", "should be", "bias", "spread", "to be", "outcome"].map(str::to_owned).to_vec(),
            rows: check.rows.iter().map(row_view).collect(),
        },
        shown: check.shown.iter().map(shown_view).collect(),
        runs: check.runs.clone(),
    }
}

fn row_view(row: &Row) -> RowView {
    let number = |value: Option<f64>| value.map(|value| with_unit(&digits(value), &row.unit));
    let optional = |value: Option<f64>| CellView::plain(number(value).unwrap_or_default());
    let outcome = if row.passed {
        CellView::plain("passed".to_owned())
    } else {
        CellView { text: "FAILED".to_owned(), class: "broken" }
    };
    let cells = vec![
        CellView::or_not_measured(number(row.measured)),
        optional(row.expected),
        optional(row.bias),
        optional(row.spread),
        CellView::plain(bounds(row)),
        outcome,
    ];
    RowView { head: head(row.name.clone()), cells }
}

fn shown_view(shown: &Shown) -> TableView {
    let row = |row: &Vec<String>| {
        let mut texts = row.iter().cloned();
        let label = texts.next().unwrap_or_default();
        RowView { head: head(label), cells: texts.map(CellView::plain).collect() }
    };
    TableView { caption: shown.caption.clone(), head: shown.head.clone(), rows: shown.rows.iter().map(row).collect() }
}

fn head(label: String) -> HeadView {
    HeadView { key: String::new(), label, note: "" }
}

/// Whole numbers as they are, others with three digits.
fn digits(value: f64) -> String {
    if value.abs() < 1e6 && value.fract().abs() < f64::EPSILON { format!("{value:.0}") } else { three_digits(value) }
}

fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// The bounds in words.
fn bounds(row: &Row) -> String {
    let number = digits;
    match (row.at_least, row.at_most) {
        (Some(low), Some(high)) if number(low) == number(high) => with_unit(&number(low), &row.unit),
        (Some(low), Some(high)) => with_unit(&format!("{} to {}", number(low), number(high)), &row.unit),
        (Some(low), None) => with_unit(&format!("at least {}", number(low)), &row.unit),
        (None, Some(high)) => with_unit(&format!("at most {}", number(high)), &row.unit),
        (None, None) => String::new(),
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let measured =
            self.measured.map_or_else(|| NOT_MEASURED.to_owned(), |value| with_unit(&digits(value), &self.unit));
        write!(f, "{verdict}  {}: {measured}, to be {}", self.name, bounds(self))
    }
}
