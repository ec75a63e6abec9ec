//! A run: every cell of the plan one after the other, the record written as it goes.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use measure::unix_time_us;
use record::{Cell, End, Header, Host, Lane, Tool, Writer};

use crate::{
    cell::{self, CellError, Site},
    environment,
    host::{self, Pinning},
    plan::{CellPlan, Plan, PlanError},
    repeat,
    server_process::ServerCommand,
};

/// Cells that may fail before the run is given up: one bad moment is survived, a broken lane is not waited for.
const MOST_FAILURES: usize = 3;

/// Why a run ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan does not work here.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The record cannot be written.
    #[error("cannot write the record: {0}")]
    Record(io::Error),
    /// The machine does not do what is needed.
    #[error("cannot prepare the generator: {0}")]
    Host(io::Error),
    /// Cells fail one after the other.
    #[error("{count} cells could not be run; the last: {last}")]
    Failures {
        /// How many.
        count: usize,
        /// What the last one said.
        last: String,
    },
}

/// What a run is about to do or has done.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A cell begins.
    Begins {
        /// Its number, from 0.
        index: usize,
        /// How many there are.
        of: usize,
        /// The lane.
        lane: String,
        /// The block, from 0.
        block: u32,
    },
    /// A cell is in the record.
    Done(&'a Cell),
    /// A cell could not be run, and why.
    Failed(&'a str),
}

/// Runs all cells of `plan` and writes the record into `folder`, which must exist. `interrupted` ends it early: what is
/// there stays and says so. Cells that were disturbed are run once more at their block's end, at most a tenth of all.
///
/// # Errors
///
/// [`RunError`]; cells run before the error are in the record.
pub fn run(
    plan: &Plan,
    server: &ServerCommand,
    folder: &Path,
    interrupted: &AtomicBool,
    progress: impl FnMut(Progress<'_>),
) -> Result<(), RunError> {
    let file_limit = file_limit();
    plan.check(file_limit)?;
    let allowed = host::allowed_cpus();
    let pinning = Pinning::choose(&allowed);
    host::pin(pinning.generator).map_err(RunError::Host)?;
    // The server inherits it.
    let realtime = host::run_realtime();
    let environment = environment::read(server, pinning);
    let header = header(plan, server, host::describe(&allowed, pinning, realtime, file_limit, environment));
    let writer = Writer::create(folder, &header).map_err(RunError::Record)?;

    let cells = plan.cells();
    let site = Site { server, pinning, interrupted };
    let mut running = Running { plan, site, writer, progress, cells: cells.len(), begun: 0, failures: Vec::new() };
    let mut repetitions = repeat::most(cells.len());
    for block in cells.chunk_by(|a, b| a.block == b.block) {
        running.block(block, &mut repetitions)?;
    }
    running.end()
}

/// A run under way.
struct Running<'a, P> {
    plan: &'a Plan,
    site: Site<'a>,
    writer: Writer,
    progress: P,
    /// How many are planned.
    cells: usize,
    /// How many of them have begun.
    begun: usize,
    failures: Vec<String>,
}

impl<P: FnMut(Progress<'_>)> Running<'_, P> {
    /// Runs the cells of one block, then once more those that were disturbed, as far as `repetitions` allows.
    fn block(&mut self, block: &[CellPlan], repetitions: &mut usize) -> Result<(), RunError> {
        let (mut plans, mut cells) = (Vec::new(), Vec::new());
        for planned in block {
            if let Some(cell) = self.cell(planned, 0)? {
                plans.push(planned);
                cells.push(cell);
            }
        }
        let again = repeat::disturbed(&cells).into_iter().map(|index| plans[index]).take(*repetitions);
        let orders = u32::try_from(block.len()).unwrap_or(u32::MAX)..;
        for (order, planned) in orders.zip(again) {
            *repetitions -= 1;
            // The feed is the block's; the phases are new, as in every cell.
            let planned = CellPlan { order, seed: planned.seed.wrapping_add(1), ..planned.clone() };
            self.cell(&planned, 1)?;
        }
        Ok(())
    }

    /// Runs one cell into the record; none when it failed, or when the run is over already.
    fn cell(&mut self, planned: &CellPlan, attempt: u32) -> Result<Option<Cell>, RunError> {
        if self.is_over() {
            return Ok(None);
        }
        let lane = planned.lane.to_string();
        let begins = Progress::Begins { index: self.begun, of: self.cells, lane: lane.clone(), block: planned.block };
        (self.progress)(begins);
        self.begun += usize::from(attempt == 0);
        match cell::run(self.plan, planned, self.site) {
            Ok(outcome) => {
                let cell = Cell { attempt, ..outcome.cell };
                self.writer.cell(&cell, &outcome.publications).map_err(RunError::Record)?;
                (self.progress)(Progress::Done(&cell));
                Ok(Some(cell))
            }
            Err(CellError::Interrupted) => Ok(None),
            Err(error) => {
                let failure = format!("{lane}, block {}: {error}", planned.block);
                (self.progress)(Progress::Failed(&failure));
                self.failures.push(failure);
                Ok(None)
            }
        }
    }

    fn is_over(&self) -> bool {
        self.failures.len() >= MOST_FAILURES || self.site.interrupted.load(Ordering::Acquire)
    }

    fn end(self) -> Result<(), RunError> {
        let interrupted = self.site.interrupted.load(Ordering::Acquire);
        let failures = self.failures;
        let end = End { at_us: unix_time_us(), interrupted, failures: failures.clone() };
        self.writer.end(end).map_err(RunError::Record)?;
        match failures.last() {
            Some(last) if failures.len() >= MOST_FAILURES => {
                Err(RunError::Failures { count: failures.len(), last: last.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// The file limit of this process.
fn file_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn nanos(duration: Duration) -> Option<u64> {
    u64::try_from(duration.as_nanos()).ok()
}

/// All that a report needs to show the lanes of a run. Lanes that are no standard ones of their transport are numbered behind
/// those, in their order.
fn columns(lanes: &[transport::Lane]) -> Vec<Lane> {
    let number = |(index, lane): (usize, &transport::Lane)| {
        let spec = lane.spec();
        let own = |other: &&transport::Lane| other.spec().id == spec.id && other.variant().is_none();
        let behind = || 1 + spec.variants.len() + lanes[..index].iter().filter(own).count();
        column(lane, lane.variant().unwrap_or_else(behind))
    };
    lanes.iter().enumerate().map(number).collect()
}

fn column(lane: &transport::Lane, variant: usize) -> Lane {
    let (spec, built) = (lane.spec(), lane.build());
    Lane {
        lane: lane.to_string(),
        transport: spec.id.to_owned(),
        title: spec.title.to_owned(),
        label: Some(lane.title()),
        variant: u32::try_from(variant).unwrap_or(u32::MAX),
        colour_light: spec.look.light.to_owned(),
        colour_dark: spec.look.dark.to_owned(),
        mark: spec.look.mark.to_owned(),
        interval_ns: built.interval().and_then(nanos),
        hold_ns: built.hold().and_then(nanos),
        options: lane.options().iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default())).collect(),
    }
}

fn header(plan: &Plan, server: &ServerCommand, host: Host) -> Header {
    let floor = plan.lanes.iter().find(|lane| lane.spec().role == transport::Role::Floor);
    Header {
        version: record::VERSION,
        at_us: unix_time_us(),
        command: plan.command.clone(),
        rtt_ns: plan.rtt.and_then(nanos),
        scenario: plan.scenario.to_record(),
        profile: plan.profile.name.to_owned(),
        seed: plan.seed,
        headers: plan.headers.name().to_owned(),
        lanes: columns(&plan.lanes),
        twin_of: plan.twin().map(ToString::to_string),
        floor: floor.map(ToString::to_string),
        blocks: plan.profile.blocks,
        host,
        calibration: plan.calibration.clone(),
        tool: Tool {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: plan.commit.clone(),
            build: if cfg!(debug_assertions) { "debug".to_owned() } else { "release".to_owned() },
            rustc: option_env!("FEEDBENCH_RUSTC").map(ToOwned::to_owned),
        },
        server: server.arguments.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use transport::{ALL, Lane, lane::standard};

    use super::columns;

    #[test]
    fn the_record_says_how_long_a_lane_is_held_and_how_often_it_asks() {
        let lanes = standard(ALL);
        let columns = columns(&lanes);
        for (lane, column) in lanes.iter().zip(&columns) {
            let built = lane.build();
            assert_eq!(column.hold_ns.map(Duration::from_nanos), built.hold(), "{lane}");
            assert_eq!(column.interval_ns.map(Duration::from_nanos), built.interval(), "{lane}");
        }
        assert!(columns.iter().any(|column| column.hold_ns.is_some()));
    }

    #[test]
    fn the_record_numbers_the_lanes_of_a_transport() {
        for spec in ALL {
            let lanes: Vec<_> = standard(ALL).into_iter().filter(|lane| lane.spec().id == spec.id).collect();
            let numbers: Vec<_> = columns(&lanes).iter().map(|column| column.variant).collect();
            assert_eq!(numbers, (0..).take(1 + spec.variants.len()).collect::<Vec<u32>>(), "{}", spec.id);
        }
        let names = ["short-polling+interval=5s", "raw", "short-polling", "short-polling+interval=250ms"];
        let columns = columns(&names.map(|name| Lane::parse(name, ALL).unwrap()));
        let shown: Vec<_> = columns.iter().map(|column| (column.label.as_deref(), column.variant)).collect();
        let expected =
            [("Short polling (every 5s)", 1), ("raw", 0), ("Short polling", 0), ("Short polling (every 250ms)", 2)];
        assert_eq!(shown, expected.map(|(label, variant)| (Some(label), variant)));
    }
}
