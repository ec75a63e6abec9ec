//! `feedbench calibrate`: the ruler against what is known. Absolute times are judged here and nowhere else.
//!
//! What is known so far: a subscriber that asks every T meets a publication at a uniform place of its interval, so half of
//! all wait less than T/2, and 99 % less than 0.99 T, plus what the request takes.

use std::time::Duration;

use load::{Plan, Profile, Scenario};
use serde::Serialize;
use transport::{Headers, Lane};

use crate::{
    Outcome,
    args::{CalibrateArgs, Format},
    bench, output, report_page,
};

/// What a request and the generator's own lateness may add to the slowest percent.
const REQUEST: Duration = Duration::from_millis(5);

/// One check: a measured value and the bounds it must keep.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    measured_ms: Option<f64>,
    at_least_ms: f64,
    at_most_ms: f64,
    passed: bool,
}

pub(crate) fn run(args: &CalibrateArgs) -> anyhow::Result<Outcome> {
    let by_the_clock = |lane: &Lane| lane.build().interval().is_some();
    let lanes: Vec<Lane> = transport::ALL.iter().map(Lane::plain).filter(by_the_clock).collect();
    let plan = Plan {
        scenario: Scenario::load(load::BUILT_IN[0].0, &[])?,
        profile: Profile::QUICK,
        lanes: lanes.clone(),
        seed: measure::unix_time_us() % 1_000_000,
        headers: Headers::built_in("chromium")?,
        catalog: transport::ALL,
        command: "feedbench calibrate".to_owned(),
        commit: option_env!("FEEDBENCH_COMMIT").map(ToOwned::to_owned),
    };
    plan.check(server::raise_file_limit())?;
    let folder = bench::run_folder(&args.out, "calibrate")?;
    bench::measure_into(&plan, &folder)?;
    let summary = report::summary(&report_page::render(&folder, None)?);
    let mut checks = Vec::new();
    for lane in &lanes {
        let name = lane.to_string();
        let interval = lane.build().interval().unwrap_or_default();
        let times = summary.lane(&name).map(|lane| &lane.response_time_ns);
        let p50 = times.and_then(|times| times.p50);
        let p99 = times.and_then(|times| times.p99);
        checks.push(check(format!("{name}: p50"), p50, interval.mul_f64(0.45), interval.mul_f64(0.55)));
        checks.push(check(format!("{name}: p99"), p99, interval.mul_f64(0.95), interval.mul_f64(1.02) + REQUEST));
    }
    match args.format {
        Format::Json => output::text(&serde_json::to_string_pretty(&checks)?),
        Format::Text => {
            for check in &checks {
                output::text(&check.to_string());
            }
            output::text(&format!("report: {}", folder.join(report_page::PAGE).display()));
        }
    }
    Ok(if checks.iter().all(|check| check.passed) { Outcome::Done } else { Outcome::Failed })
}

fn check(name: String, measured_ns: Option<u64>, at_least: Duration, at_most: Duration) -> Check {
    let measured = measured_ns.map(Duration::from_nanos);
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    Check {
        name,
        measured_ms: measured.map(milliseconds),
        at_least_ms: milliseconds(at_least),
        at_most_ms: milliseconds(at_most),
        passed: measured.is_some_and(|measured| (at_least..=at_most).contains(&measured)),
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let measured = self.measured_ms.map_or_else(|| "not measured".to_owned(), |ms| format!("{ms:.1} ms"));
        write!(f, "{verdict}  {}: {measured}, to be {:.1}-{:.1} ms", self.name, self.at_least_ms, self.at_most_ms)
    }
}
