//! Whether the numbers of a run hold: every rule is a check whose outcome is printed, passed or not.
//!
//! Rules look at one cell at a time. Counts fire on a single cell, since a lost delivery cannot be unlost; the others fire
//! when more than a third of a lane's cells break them, since one disturbed block of six does not move a median. What a
//! record does not hold is "not measured" and never counts as passed.

use std::fmt;

use record::Cell;
use serde::{Deserialize, Serialize};

use crate::{
    claims::{self, Withdrawn},
    dataset::{Dataset, Lane},
    numbers::{count, float, time},
    rules::{CONNECT_RULES, RULES, Rule},
};

/// A longer round trip is no loopback's: something on the path delays.
const ROUND_TRIP_NS: u64 = 1_000_000;
/// The queueing discipline that an interface without a queue has.
const NO_QUEUE: &str = "noqueue";
/// What was seen where nothing could be.
const NOT_HELD: &str = "the record does not hold it";

/// How far the numbers of a run can be trusted. Ordered, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No rule is broken.
    Valid,
    /// The numbers may be disturbed.
    Suspect,
    /// The numbers must not be used.
    Invalid,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "VALID",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        })
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The rule is kept.
    Passed,
    /// The rule is broken, and the run is at most this.
    Broken(Status),
    /// The record does not hold what the rule needs.
    NotMeasured,
}

/// One rule and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What should be true.
    pub name: &'static str,
    /// Whether it is.
    pub outcome: Outcome,
    /// The worst value that was seen, and where.
    pub detail: String,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The worst outcome of all checks.
    pub status: Status,
    /// One sentence per lane and broken rule, worst rules first.
    pub reasons: Vec<String>,
    /// Claims that do not stand.
    pub withdrawn: Vec<Withdrawn>,
    /// How many of `checks` passed.
    pub checks_passed: usize,
    /// Every check, in a fixed order.
    pub checks: Vec<Check>,
}

/// Judges a run by the rules that its record can answer.
pub(crate) fn judge(data: &Dataset) -> Verdict {
    let mut found: Vec<(Check, Vec<String>)> = vec![something_measured(data)];
    let of_connects = if data.header.scenario.connect_rate_hz.is_some() { CONNECT_RULES } else { &[] };
    found.extend(RULES.iter().chain(of_connects).map(|rule| check_cells(data, rule)));
    found.extend([complete(data), nothing_failed(data), release_build(data), own_cpus(data)]);
    found.extend([short_path(data), nothing_queues(data)]);

    let broken = |check: &Check| match check.outcome {
        Outcome::Broken(status) => Some(status),
        Outcome::Passed | Outcome::NotMeasured => None,
    };
    let of = |status| found.iter().filter(move |(check, _)| broken(check) == Some(status));
    let status = found.iter().filter_map(|(check, _)| broken(check)).max().unwrap_or(Status::Valid);
    Verdict {
        status,
        reasons: of(Status::Invalid).chain(of(Status::Suspect)).flat_map(|(_, reasons)| reasons.clone()).collect(),
        withdrawn: claims::withdrawn(data, status),
        checks_passed: found.iter().filter(|(check, _)| check.outcome == Outcome::Passed).count(),
        checks: found.into_iter().map(|(check, _)| check).collect(),
    }
}

fn check_cells(data: &Dataset, rule: &Rule) -> (Check, Vec<String>) {
    let mut worst: Option<(f64, String)> = None;
    let mut reasons = Vec::new();
    for (lane, twin) in data.lanes.iter().map(|lane| (lane, false)).chain(data.twin.iter().map(|lane| (lane, true))) {
        let name = if twin { format!("{} (twin)", lane.info.lane) } else { lane.info.lane.clone() };
        let values: Vec<(&Cell, f64)> = if rule.single_fires {
            lane.all_cells().filter_map(|cell| Some((cell, (rule.value)(data, lane, cell)?))).collect()
        } else {
            lane.cells.iter().filter_map(|cell| Some((cell, (rule.value)(data, lane, cell)?))).collect()
        };
        let Some(&(cell, value)) = values.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        if worst.as_ref().is_none_or(|(so_far, _)| value > *so_far) {
            worst = Some((value, format!("{name}, block {}", cell.block + 1)));
        }
        let broken = values.iter().filter(|&&(_, value)| value > rule.limit).count();
        if if rule.single_fires { broken > 0 } else { broken * 3 > values.len() } {
            let (what, value, cells) = (rule.broken, (rule.show)(value), values.len());
            reasons.push(format!("{name}: {what}, {value} at worst, in {broken} of {cells} cells"));
        }
    }
    let outcome = match (&worst, reasons.is_empty()) {
        (None, _) => Outcome::NotMeasured,
        (Some(_), true) => Outcome::Passed,
        (Some(_), false) => Outcome::Broken(rule.status),
    };
    let detail = match worst {
        Some((0.0, _)) => "none".to_owned(),
        Some((value, place)) => format!("worst {} ({place})", (rule.show)(value)),
        None => NOT_HELD.to_owned(),
    };
    (Check { name: rule.name, outcome, detail }, reasons)
}

fn something_measured(data: &Dataset) -> (Check, Vec<String>) {
    let cells = data.all_cells().count() as u64;
    let detail = format!("{} cells", count(cells));
    let reason = "nothing was measured".to_owned();
    // A run that was cut short had no time to measure; one that came to its end without a number has failed.
    let status = if is_interrupted(data) { Status::Suspect } else { Status::Invalid };
    run_check("something was measured", status, (cells == 0).then_some(reason), detail)
}

/// Whether the run ended before its plan did: it died, or somebody ended it.
pub(crate) fn is_interrupted(data: &Dataset) -> bool {
    data.end.as_ref().is_none_or(|end| end.interrupted)
}

fn complete(data: &Dataset) -> (Check, Vec<String>) {
    let short = |lane: &&Lane| (lane.cells.len() as u64) < u64::from(data.header.blocks);
    let missing: Vec<String> = data
        .lanes
        .iter()
        .filter(short)
        .map(|lane| format!("{} {} of {} blocks", lane.info.lane, lane.cells.len(), data.header.blocks))
        .collect();
    let reason = match &data.end {
        None => Some("interrupted: the record has no end, the run died".to_owned()),
        Some(end) if end.interrupted => Some("interrupted: somebody ended the run early".to_owned()),
        Some(_) if !missing.is_empty() => Some(format!("cells are missing: {}", missing.join(", "))),
        Some(_) => None,
    };
    let detail = if missing.is_empty() { "every planned cell".to_owned() } else { missing.join(", ") };
    run_check("the run is complete", Status::Suspect, reason, detail)
}

fn nothing_failed(data: &Dataset) -> (Check, Vec<String>) {
    let errors: u64 = data.all_cells().flat_map(|cell| cell.errors.values()).sum();
    let failures: &[String] = data.end.as_ref().map_or(&[], |end| &end.failures);
    let mut words: Vec<String> = failures.to_vec();
    if errors > 0 {
        words.push(format!("{} errors on connections", count(errors)));
    }
    let detail = if words.is_empty() { "none".to_owned() } else { words.join("; ") };
    let reason = (!words.is_empty()).then(|| format!("failures: {detail}"));
    run_check("nothing failed", Status::Suspect, reason, detail)
}

fn release_build(data: &Dataset) -> (Check, Vec<String>) {
    let build = &data.header.tool.build;
    let reason = (build != "release").then(|| format!("built as {build}: only a release build is a measurement"));
    run_check("feedbench is a release build", Status::Suspect, reason, build.clone())
}

fn own_cpus(data: &Dataset) -> (Check, Vec<String>) {
    let host = &data.header.host;
    let detail = match (host.server_cpu, host.generator_cpu) {
        (Some(server), Some(generator)) => format!("server CPU {server}, generator CPU {generator}"),
        (Some(server), None) => format!("server CPU {server}"),
        (None, _) => format!("{} cores, not pinned", host.cores),
    };
    let reason = "server and generator had to share their CPUs: one of them may have waited for the other".to_owned();
    let shared = host.server_cpu.is_none().then_some(reason);
    run_check("server and generator each had a CPU of their own", Status::Suspect, shared, detail)
}

/// The server itself is asked, so that a round trip which the run puts there has no part in it.
fn short_path(data: &Dataset) -> (Check, Vec<String>) {
    let name = "the path had no round trip of its own (at most 1 ms)";
    let Some(round_trip) = data.header.host.environment.round_trip_ns else { return not_measured(name) };
    let detail = time(float(round_trip));
    let reason = (round_trip > ROUND_TRIP_NS)
        .then(|| format!("a round trip to the server took {detail} before the run put any delay there"));
    run_check(name, Status::Suspect, reason, detail)
}

fn nothing_queues(data: &Dataset) -> (Check, Vec<String>) {
    let name = "nothing queued on the loopback interface";
    let host = &data.header.host;
    let Some(kinds) = host.environment.loopback_qdiscs.as_ref().filter(|_| host.loopback) else {
        return not_measured(name);
    };
    let queues: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| *kind != NO_QUEUE).collect();
    let detail = if queues.is_empty() { "none".to_owned() } else { queues.join(", ") };
    let reason = (!queues.is_empty()).then(|| format!("the loopback interface has a queueing discipline: {detail}"));
    run_check(name, Status::Suspect, reason, detail)
}

fn not_measured(name: &'static str) -> (Check, Vec<String>) {
    (Check { name, outcome: Outcome::NotMeasured, detail: NOT_HELD.to_owned() }, Vec::new())
}

fn run_check(name: &'static str, status: Status, reason: Option<String>, detail: String) -> (Check, Vec<String>) {
    let outcome = if reason.is_some() { Outcome::Broken(status) } else { Outcome::Passed };
    (Check { name, outcome, detail }, reason.into_iter().collect())
}
