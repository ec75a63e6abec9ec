//! `feedbench calibrate`: the ruler against what is known. Absolute times are judged here and nowhere else.
//!
//! One file a check. Each makes its runs through `bench`, holds what the ruler said against what is known, and gives rows
//! with bounds; the part that judges is a pure function, and tests plant the mistakes that it has to find.

mod bench;
mod clock;
mod closed_loop;
mod delay;
mod gate;
mod ledger;
mod memory;
mod model;
mod nagle;
mod newest;
mod overload;
mod phases;
mod same;
mod stall;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use report::{
    Calibration,
    calibration::{self, Check},
};
use signal_hook::consts::SIGINT;

use crate::{
    Outcome,
    args::{CalibrateArgs, Format},
    index, output, report_page,
};
use bench::Bench;

pub(crate) use newest::newest;

/// The result's file in the folder of a calibration.
pub(crate) const RESULT: &str = "calibration.json";

/// A check by its name.
type Entry = (&'static str, fn(&Bench) -> anyhow::Result<Check>);

/// All checks, in the order in which they are made.
const ALL: [Entry; 10] = [
    ("delay", delay::check),
    ("stall", stall::check),
    ("ledger", ledger::check),
    ("clock", clock::check),
    ("phases", phases::check),
    ("gate", gate::check),
    ("nagle", nagle::check),
    ("overload", overload::check),
    ("memory", memory::check),
    ("same", same::check),
];

pub(crate) fn run(args: &CalibrateArgs) -> anyhow::Result<Outcome> {
    let chosen = chosen(&args.only)?;
    let seed = args.seed.unwrap_or_else(|| measure::unix_time_us() % 1_000_000);
    let interrupted = Arc::new(AtomicBool::new(false));
    // The second one ends the process at once; the order of the two lines makes it the second.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
    let folder = crate::bench::run_folder(&args.out, "calibrate")?;
    let bench = Bench::new(folder.clone(), seed, interrupted);
    let mut checks = Vec::new();
    let bar = bar(chosen.len());
    for (name, check) in &chosen {
        if bar.is_hidden() {
            output::note(&format!("{name}: {} of {}", checks.len() + 1, chosen.len()));
        }
        bar.set_message(*name);
        // One that cannot be made has failed; the others are made all the same.
        let made = check(&bench).unwrap_or_else(|error| Check {
            question: format!("The check {name}"),
            failure: Some(format!("{error:#}")),
            ..Check::default()
        });
        checks.push(Check { name: (*name).to_owned(), ..made });
        bar.inc(1);
        if bench.is_interrupted() {
            bail!("interrupted; what was measured is in {}", folder.display());
        }
    }
    bar.finish_and_clear();
    let (host, tool) = bench.described().context("nothing could be run")?;
    let only = if args.only.is_empty() { String::new() } else { format!(" --only {}", args.only.join(",")) };
    let calibration = Calibration {
        version: calibration::VERSION,
        at_us: measure::unix_time_us(),
        command: format!("feedbench calibrate{only} --seed {seed}"),
        host,
        tool,
        whole: chosen.len() == ALL.len(),
        checks,
    };
    let outcome = finish(&calibration, &folder, args.format);
    index::rewrite(&args.out);
    outcome
}

/// The checks that are named, in their own order; all when none is.
fn chosen(only: &[String]) -> anyhow::Result<Vec<Entry>> {
    if let Some(unknown) = only.iter().find(|name| ALL.iter().all(|(known, _)| known != name)) {
        bail!("there is no check {unknown:?}; there are: {}", ALL.map(|(name, _)| name).join(", "));
    }
    Ok(ALL.into_iter().filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| wanted == name)).collect())
}

/// A bar where there is a terminal.
fn bar(checks: usize) -> ProgressBar {
    let bar = ProgressBar::new(checks as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}  {elapsed}, all take about 5 minutes") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(250));
    bar
}

/// Writes result and page, prints, and says how the command ended.
fn finish(calibration: &Calibration, folder: &Path, format: Format) -> anyhow::Result<Outcome> {
    let json = serde_json::to_string_pretty(calibration)? + "\n";
    let page = folder.join(report_page::PAGE);
    let write =
        |path: &Path, text: &str| fs::write(path, text).with_context(|| format!("cannot write {}", path.display()));
    write(&folder.join(RESULT), &json)?;
    write(&page, &calibration::render(calibration)?)?;
    match format {
        Format::Json => output::text(&json),
        Format::Text => {
            for check in &calibration.checks {
                output::text(&format!("{}  {}: {}", verdict(check.passed()), check.name, check.question));
                for row in &check.rows {
                    output::text(&format!("  {row}"));
                }
                if let Some(failure) = &check.failure {
                    output::text(&format!("  could not be made: {failure}"));
                }
            }
            output::text(&format!("report: {}", page.display()));
        }
    }
    Ok(if calibration.passed() { Outcome::Done } else { Outcome::Failed })
}

const fn verdict(passed: bool) -> &'static str {
    if passed { "passed" } else { "FAILED" }
}
