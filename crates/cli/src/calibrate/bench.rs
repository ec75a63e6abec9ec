//! What every check needs: runs of the generator against a server of this program, each with its record.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use load::{Plan, Profile, Scenario, ServerCommand, Stall};
use measure::Recorder;
use record::{Cell, Host, Publication, Record, Tool};
use transport::{Headers, Lane, Role, Spec};

/// Under the folder of a calibration, the folders of its runs.
const RUNS: &str = "runs";

/// Where and with what a calibration is made.
#[derive(Debug)]
pub(super) struct Bench {
    folder: PathBuf,
    seed: u64,
    interrupted: Arc<AtomicBool>,
    /// As the first run described them.
    described: RefCell<Option<(Host, Tool)>>,
}

/// One run to make: what differs from the built-in feed.
#[derive(Debug, Clone)]
pub(super) struct Run<'a> {
    /// The name of its folder.
    pub(super) name: String,
    pub(super) lanes: Vec<Lane>,
    /// Laid over the scenario.
    pub(super) set: &'a [&'a str],
    /// A lane has one cell in each, and the first one a second cell.
    pub(super) blocks: u32,
    /// The arguments of the golden server; none for the server under test.
    pub(super) golden: Option<Vec<String>>,
    pub(super) rtt: Option<Duration>,
    pub(super) stall: Option<Stall>,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self { name: String::new(), lanes: Vec::new(), set: &[], blocks: 1, golden: None, rtt: None, stall: None }
    }
}

impl Bench {
    pub(super) fn new(folder: PathBuf, seed: u64, interrupted: Arc<AtomicBool>) -> Self {
        Self { folder, seed, interrupted, described: RefCell::default() }
    }

    /// Where every random choice comes from.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether somebody asked for the end.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// The machine and the program, once something was run.
    pub(super) fn described(&self) -> Option<(Host, Tool)> {
        self.described.borrow().clone()
    }

    /// The folder of a run.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(RUNS).join(name)
    }

    /// The record of a run, which is made when it was not yet.
    pub(super) fn once(&self, run: &Run<'_>) -> anyhow::Result<Record> {
        let folder = self.folder(&run.name);
        if folder.exists() { Ok(Record::read(&folder)?) } else { self.run(run) }
    }

    /// Makes a run and reads its record.
    pub(super) fn run(&self, run: &Run<'_>) -> anyhow::Result<Record> {
        let set: Vec<String> = run.set.iter().map(|&pair| pair.to_owned()).collect();
        let plan = Plan {
            scenario: Scenario::load(load::BUILT_IN[0].0, &set)?,
            profile: Profile { blocks: run.blocks, ..Profile::QUICK },
            lanes: run.lanes.clone(),
            seed: self.seed,
            headers: Headers::built_in("chromium")?,
            catalog: transport::ALL,
            rtt: run.rtt,
            stall: run.stall,
            calibration: None,
            command: format!("feedbench calibrate: {}", run.name),
            commit: option_env!("FEEDBENCH_COMMIT").map(ToOwned::to_owned),
        };
        plan.check(server::raise_file_limit())?;
        let folder = self.folder(&run.name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
        let command = server_command(run.golden.as_deref())?;
        // On a thread of its own: a run pins its thread to the generator's CPU, and the next run has to see all of them.
        let interrupted = self.interrupted.as_ref();
        let ended = thread::scope(|scope| {
            scope.spawn(|| load::run(&plan, &command, &folder, interrupted, |_progress| {})).join()
        });
        ended.map_err(|_panic| anyhow!("the generator panicked"))??;
        let record = Record::read(&folder)?;
        if let Some(end) = &record.end {
            if end.interrupted {
                bail!("interrupted");
            }
            if let Some(failure) = end.failures.first() {
                bail!("a cell could not be run: {failure}");
            }
        }
        self.described.borrow_mut().get_or_insert_with(|| (record.header.host.clone(), record.header.tool.clone()));
        Ok(record)
    }
}

/// How the server is started: the golden one with these arguments, or the one under test.
pub(super) fn server_command(golden: Option<&[String]>) -> anyhow::Result<ServerCommand> {
    let program = std::env::current_exe().context("cannot find this program to start the server from")?;
    let (verb, more) = golden.map_or(("serve", &[][..]), |more| ("golden", more));
    let arguments = [verb, "--listen", "127.0.0.1:0", "--until-stdin-closes"].map(ToOwned::to_owned);
    Ok(ServerCommand { program, arguments: arguments.into_iter().chain(more.iter().cloned()).collect() })
}

/// The lane of the neutral publisher, which the golden server speaks too.
pub(super) fn floor() -> anyhow::Result<Lane> {
    with_role(Role::Floor)
}

/// The lane that runs twice in every run.
pub(super) fn twin() -> anyhow::Result<Lane> {
    with_role(Role::Twin)
}

fn with_role(role: Role) -> anyhow::Result<Lane> {
    let spec: Option<&'static Spec> = transport::ALL.iter().find(|spec| spec.role == role);
    spec.map(Lane::plain).with_context(|| format!("no transport has the role {role:?}"))
}

/// The cells of a record that count, in the order of blocks, a lane's second cell of a block behind its first. Of one that was
/// repeated, the repetition counts.
pub(super) fn cells(record: &Record) -> Vec<&(Cell, Vec<Publication>)> {
    let key = |cell: &Cell| (cell.lane.clone(), cell.block, cell.twin);
    let is_last =
        |index: usize, cell: &Cell| record.cells[index + 1..].iter().all(|(other, _)| key(other) != key(cell));
    let mut cells: Vec<_> = record
        .cells
        .iter()
        .enumerate()
        .filter(|(index, (cell, _))| is_last(*index, cell))
        .map(|(_, cell)| cell)
        .collect();
    cells.sort_by_key(|(cell, _)| (cell.block, cell.twin));
    cells
}

/// The response times of a cell.
pub(super) fn response(cell: &Cell) -> anyhow::Result<Recorder> {
    Ok(Recorder::from_text(&cell.response_time.0)?)
}

/// A quantile in milliseconds; none where it is not a number.
pub(super) fn quantile_ms(times: &Recorder, quantile: f64) -> Option<f64> {
    times.quantile_ns(quantile).map(|ns| ms(Duration::from_nanos(ns)))
}

pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The median of values, and how far the smallest is from the largest.
pub(super) fn median_and_spread(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let spread = values.iter().copied().reduce(f64::max).zip(values.iter().copied().reduce(f64::min));
    (measure::intervals::median(values), spread.map(|(high, low)| high - low))
}

/// Text of a path for an argument.
pub(super) fn argument(path: &Path) -> String {
    path.display().to_string()
}
