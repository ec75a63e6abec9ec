//! `feedbench conform`: whether a server keeps the feed contract.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use conformance::{Cell, Options, Promise, Stop};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::runtime;
use transport::{Lane, Origin, lane};

use crate::{
    Outcome,
    args::{ConformArgs, Format},
    output,
};

pub(crate) fn run(args: &ConformArgs) -> anyhow::Result<Outcome> {
    let options = Options {
        origin: Origin::parse(&args.url)?,
        lanes: lanes(&args.lanes)?,
        only: args.only.iter().map(|name| Promise::find(name)).collect::<Result<_, _>>()?,
        patient: args.patient,
        stop: args.pid.map(stop).transpose()?,
        run_id: measure::unix_time_us(),
    };
    // Hundreds of subscribers at once, each with its socket.
    server::raise_file_limit();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let display = Display::new(&options);
    let report = runtime.block_on(conformance::run(options, |cell| display.show(cell)))?;
    display.bar.finish_and_clear();
    // Connections to a server that is gone have tasks that need not be waited for.
    runtime.shutdown_background();
    match args.format {
        Format::Json => output::text(&serde_json::to_string_pretty(&report)?),
        Format::Text => output::text(&report.text()),
    }
    Ok(if report.is_kept() { Outcome::Done } else { Outcome::Failed })
}

fn lanes(named: &[String]) -> anyhow::Result<Vec<Lane>> {
    if named.is_empty() {
        return Ok(lane::standard(transport::ALL));
    }
    let lanes = named.iter().map(|name| Lane::parse(name, transport::ALL)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = lanes.iter().map(ToString::to_string).collect();
    if let Some(twice) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        bail!("lane {} is named twice", twice.1);
    }
    Ok(lanes)
}

/// What tells the process to stop; it must be there already.
fn stop(pid: i32) -> anyhow::Result<Stop> {
    let process = Pid::from_raw(pid).with_context(|| format!("{pid} is no process id"))?;
    test_kill_process(process).with_context(|| format!("cannot stop process {pid}"))?;
    Ok(Box::new(move || Ok(kill_process(process, Signal::TERM)?)))
}

/// Progress on standard error: a bar on a terminal, a line a cell elsewhere.
struct Display {
    bar: ProgressBar,
    lines: bool,
}

impl Display {
    fn new(options: &Options) -> Self {
        let lines = !std::io::stderr().is_terminal();
        let promises = if options.only.is_empty() { conformance::PROMISES.len() } else { options.only.len() };
        let cells = (promises * options.lanes.len()) as u64;
        let bar = if lines { ProgressBar::hidden() } else { ProgressBar::new(cells) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { bar, lines }
    }

    fn show(&self, cell: &Cell) {
        let line = format!("{}: {} on {}", cell.outcome.word(), cell.promise, cell.lane);
        self.bar.inc(1);
        if self.lines {
            output::note(&line);
        } else {
            self.bar.set_message(line);
        }
    }
}
