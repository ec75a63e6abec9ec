//! `feedbench calibrate`: the ruler against what is known. Absolute times are judged here and nowhere else.
//!
//! What is known so far:
//!
//! - A subscriber that asks every T meets a publication at a uniform place of its interval, so half of all wait less than T/2,
//!   and 99 % less than 0.99 T, plus what the request takes.
//! - A subscriber that asks again as soon as there was an answer is a gate that is shut for a round trip and the time to ask
//!   again: [`report::Gate`], the model with which reports compute what they do not measure, held against a round trip here.

use std::{path::PathBuf, time::Duration};

use load::{Plan, Profile, Scenario};
use measure::Recorder;
use record::Record;
use report::Gate;
use serde::Serialize;
use transport::{Headers, Lane, lane};

use crate::{
    Outcome,
    args::{CalibrateArgs, Format},
    bench, output, report_page,
};

/// What a request and the generator's own lateness may add to the slowest percent.
const REQUEST: Duration = Duration::from_millis(5);

/// The round trip at which the gate is looked at.
const RTT: Duration = Duration::from_millis(100);

/// How far what is measured at the gate may be from what is computed.
const GATE_TOLERANCE: f64 = 0.1;

/// What counts as delayed at the gate: well above what a delivery takes without one, well below the round trip.
const DELAYED: Duration = Duration::from_millis(10);

/// One check: a measured value and the bounds it must keep.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    unit: &'static str,
    measured: Option<f64>,
    at_least: f64,
    at_most: f64,
    passed: bool,
}

pub(crate) fn run(args: &CalibrateArgs) -> anyhow::Result<Outcome> {
    let lanes = || lane::standard(transport::ALL).into_iter();
    let by_the_clock: Vec<Lane> = lanes().filter(|lane| lane.build().interval().is_some()).collect();
    let held: Vec<Lane> = lanes().filter(|lane| lane.build().hold().is_some()).collect();
    let mut checks = Vec::new();
    let clock = measure(args, "clock", &by_the_clock, None, &[])?;
    check_the_clock(&clock, &by_the_clock, &mut checks)?;
    let longer = ["window=\"5s\"".to_owned(), "warm_up=\"1s\"".to_owned()];
    let gate = measure(args, "gate", &held, Some(RTT), &longer)?;
    check_the_gate(&gate, &held, &mut checks)?;
    match args.format {
        Format::Json => output::text(&serde_json::to_string_pretty(&checks)?),
        Format::Text => {
            for check in &checks {
                output::text(&check.to_string());
            }
            for folder in [clock, gate] {
                output::text(&format!("report: {}", folder.join(report_page::PAGE).display()));
            }
        }
    }
    Ok(if checks.iter().all(|check| check.passed) { Outcome::Done } else { Outcome::Failed })
}

/// Runs `lanes` and renders; gives the run's folder.
fn measure(
    args: &CalibrateArgs,
    name: &str,
    lanes: &[Lane],
    rtt: Option<Duration>,
    overrides: &[String],
) -> anyhow::Result<PathBuf> {
    let plan = Plan {
        scenario: Scenario::load(load::BUILT_IN[0].0, overrides)?,
        profile: if rtt.is_some() { Profile { blocks: 1, ..Profile::QUICK } } else { Profile::QUICK },
        lanes: lanes.to_vec(),
        seed: measure::unix_time_us() % 1_000_000,
        headers: Headers::built_in("chromium")?,
        catalog: transport::ALL,
        rtt,
        command: "feedbench calibrate".to_owned(),
        commit: option_env!("FEEDBENCH_COMMIT").map(ToOwned::to_owned),
    };
    plan.check(server::raise_file_limit())?;
    let folder = bench::run_folder(&args.out, &format!("calibrate-{name}"))?;
    bench::measure_into(&plan, &folder)?;
    report_page::render(&folder, None)?;
    Ok(folder)
}

fn check_the_clock(folder: &std::path::Path, lanes: &[Lane], checks: &mut Vec<Check>) -> anyhow::Result<()> {
    let summary = report::summary(&report::Dataset::new(&Record::read(folder)?)?);
    for lane in lanes {
        let name = lane.to_string();
        let interval = lane.build().interval().unwrap_or_default();
        let times = summary.lane(&name).map(|lane| &lane.response_time_ns);
        let p50 = times.and_then(|times| times.p50).map(Duration::from_nanos);
        let p99 = times.and_then(|times| times.p99).map(Duration::from_nanos);
        let between = |low: f64, high: f64| [ms(interval.mul_f64(low)), ms(interval.mul_f64(high))];
        checks.push(Check::new(format!("{name}: p50"), "ms", p50.map(ms), between(0.45, 0.55)));
        let [low, high] = between(0.95, 1.02);
        checks.push(Check::new(format!("{name}: p99"), "ms", p99.map(ms), [low, high + ms(REQUEST)]));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn check_the_gate(folder: &std::path::Path, lanes: &[Lane], checks: &mut Vec<Check>) -> anyhow::Result<()> {
    let record = Record::read(folder)?;
    let rate = record.header.scenario.rate_hz;
    for lane in lanes {
        let name = lane.to_string();
        let cells = record.cells.iter().map(|(cell, _)| cell).filter(|cell| cell.lane == name);
        let (mut times, mut gaps) = (Recorder::new(), Recorder::new());
        let (mut requests, mut client_seconds) = (0.0, 0.0);
        for cell in cells {
            times.merge(&Recorder::from_text(&cell.response_time.0)?);
            if let Some(gap) = &cell.rearm_gap {
                gaps.merge(&Recorder::from_text(&gap.0)?);
            }
            requests += cell.window.requests as f64;
            client_seconds += f64::from(cell.subscribers) * Duration::from_nanos(cell.window.length_ns).as_secs_f64();
        }
        let (Some(hold), Some(gap)) = (lane.build().hold(), gaps.quantile_ns(0.5).map(Duration::from_nanos)) else {
            let at_most = ms(RTT);
            checks.push(Check::new(format!("{name} at 100 ms: time to ask again"), "ms", None, [0.0, at_most]));
            continue;
        };
        let gate = Gate::new(rate, (RTT + gap).as_secs_f64(), hold.as_secs_f64());
        let near = |value: f64| [value * (1.0 - GATE_TOLERANCE), value * (1.0 + GATE_TOLERANCE)];
        let per_second = (client_seconds > 0.0).then(|| requests / client_seconds);
        checks.push(Check::new(
            format!("{name} at 100 ms: requests"),
            "/s",
            per_second,
            near(gate.requests_per_second()),
        ));

        // More than half find the gate open, so a quarter of all is the time without it.
        let open = times.quantile_ns(0.25).map(Duration::from_nanos);
        let late = open.map(|open| {
            let limit = u64::try_from((open + DELAYED).as_nanos()).unwrap_or(u64::MAX);
            let count: u64 = times.buckets().filter(|(bound, _)| *bound > limit).map(|(_, count)| count).sum();
            count as f64 / times.len() as f64
        });
        let delayed = gate.share_later_than(DELAYED.as_secs_f64());
        checks.push(Check::new(format!("{name} at 100 ms: delayed by over 10 ms"), "of all", late, near(delayed)));

        let extra = |q: f64| Some(ms(Duration::from_nanos(times.quantile_ns(q)?).saturating_sub(open?)));
        let computed = 1000.0 * gate.wait_s(0.99);
        checks.push(Check::new(format!("{name} at 100 ms: extra p99"), "ms", extra(0.99), near(computed)));
    }
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl Check {
    fn new(name: String, unit: &'static str, measured: Option<f64>, [at_least, at_most]: [f64; 2]) -> Self {
        let passed = measured.is_some_and(|measured| (at_least..=at_most).contains(&measured));
        Self { name, unit, measured, at_least, at_most, passed }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let (unit, low, high) = (self.unit, self.at_least, self.at_most);
        let measured = self.measured.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.3} {unit}"));
        write!(f, "{verdict}  {}: {measured}, to be {low:.3} to {high:.3} {unit}", self.name)
    }
}
