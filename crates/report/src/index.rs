//! The list of the runs and calibrations in a folder, newest first: one HTML file beside their folders.
//!
//! It is made of headers and verdicts alone, never of whole records, so that it can be made anew after every run.

use std::{cmp::Reverse, fmt::Write as _};

use askama::Template;
use record::{Header, Host, Tool};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    Calibration, RenderError, Status,
    numbers::{count, float, time_tick},
    prose,
};

/// By which a list is told from a page that somebody else put there; the template has it too.
const MARK: &str = "<title>feedbench · runs</title>";

/// How much of a host's id is shown; enough to tell hosts apart.
const HOST_DIGITS: usize = 8;

/// One folder of the list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, without the folder that is listed. Its page is `index.html` in it.
    pub folder: String,
    /// What it holds.
    pub found: Found,
}

/// What a folder holds.
#[derive(Debug, Clone)]
pub enum Found {
    /// A run that was judged.
    Run(Box<Run>),
    /// A calibration.
    Calibration(Box<Calibration>),
    /// Something that cannot be read, and why.
    Unread(String),
}

/// As much of a run as the list shows.
#[derive(Debug, Clone)]
pub struct Run {
    /// Of its record.
    pub header: Header,
    /// Of its summary.
    pub status: Status,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page {
    runs: Vec<RunView>,
    calibrations: Vec<CalibrationView>,
    unread: Vec<(String, String)>,
}

struct RunView {
    link: Link,
    scenario: String,
    question: String,
    status: Status,
    class: &'static str,
    lanes: Vec<String>,
    load: String,
    made: Made,
}

struct CalibrationView {
    link: Link,
    passed: bool,
    checks: String,
    failed: Vec<String>,
    made: Made,
}

struct Link {
    /// Relative, percent-encoded.
    target: String,
    /// `2026-11-20 17:38`.
    date: String,
    /// The folder, when it is not named after the day.
    folder: Option<String>,
}

/// On what, and by what.
struct Made {
    host: String,
    machine: String,
    commit: Option<String>,
}

/// The list as one HTML file without anything outside it. Entries may come in any order; folders that cannot be read stand last.
///
/// # Errors
///
/// When the template cannot be filled, which no entry should cause.
pub fn render(entries: &[Entry]) -> Result<String, RenderError> {
    let (mut runs, mut calibrations, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for Entry { folder, found } in entries {
        match found {
            Found::Run(run) => runs.push((run.header.at_us, folder, run)),
            Found::Calibration(made) => calibrations.push((made.at_us, folder, made)),
            Found::Unread(why) => unread.push((folder.clone(), why.clone())),
        }
    }
    runs.sort_by_key(|&(at_us, folder, _)| (Reverse(at_us), folder));
    calibrations.sort_by_key(|&(at_us, folder, _)| (Reverse(at_us), folder));
    unread.sort();
    let page = Page {
        runs: runs.into_iter().map(|(_, folder, run)| run_view(folder, run)).collect(),
        calibrations: calibrations.into_iter().map(|(_, folder, made)| calibration_view(folder, made)).collect(),
        unread,
    };
    Ok(page.render()?)
}

/// Whether a page is a list that [`render`] made, and may be made anew.
pub fn is_list(page: &str) -> bool {
    page.contains(MARK)
}

fn run_view(folder: &str, run: &Run) -> RunView {
    let Run { header, status } = run;
    let scenario = &header.scenario;
    let mut load = vec![format!("{} subscribers", count(scenario.subscribers.into()))];
    load.extend(prose::load(scenario));
    load.extend(header.rtt_ns.map(|ns| format!("{} round trip", time_tick(float(ns)))));
    RunView {
        link: link(folder, header.at_us),
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        status: *status,
        class: match status {
            Status::Valid => "valid",
            Status::Suspect => "doubt",
            Status::Invalid => "broken",
        },
        lanes: header.lanes.iter().map(|lane| lane.lane.clone()).collect(),
        load: load.join(", "),
        made: made(&header.host, &header.tool),
    }
}

fn calibration_view(folder: &str, calibration: &Calibration) -> CalibrationView {
    let failed = calibration.checks.iter().filter(|check| !check.passed()).map(|check| check.name.clone());
    let record::Calibration { checks, passed, .. } = calibration.quoted();
    let part = if calibration.whole { "" } else { "; not all were made" };
    CalibrationView {
        link: link(folder, calibration.at_us),
        passed: calibration.passed(),
        checks: format!("{passed} of {checks} checks passed{part}"),
        failed: failed.collect(),
        made: made(&calibration.host, &calibration.tool),
    }
}

fn made(host: &Host, tool: &Tool) -> Made {
    Made {
        host: host.id.chars().take(HOST_DIGITS).collect(),
        machine: format!("{}, {} cores", host.cpu, host.cores),
        commit: tool.commit.clone(),
    }
}

fn link(folder: &str, at_us: u64) -> Link {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1000).ok();
    let date = at.and_then(|at| at.format(format_description!("[year]-[month]-[day] [hour]:[minute]")).ok());
    let date = date.unwrap_or_else(|| "at an unknown time".to_owned());
    let named_after_it = date.split(' ').next().is_some_and(|day| folder.starts_with(day));
    Link {
        target: format!("{}/index.html", encoded(folder)),
        folder: (!named_after_it).then(|| folder.to_owned()),
        date,
    }
}

/// A name as one segment of a relative link (RFC 3986, section 2.3: what is not unreserved is encoded).
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
