//! A generator that shares its core with a loop that never waits: the run must be INVALID, and for that reason.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use record::Cell;
use report::{
    Dataset, Status,
    calibration::{Check, Row},
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::bench::{Bench, Run, cells, floor, median_and_spread};

/// The verdict's own limit.
const BUSY_PERCENT: f64 = 90.0;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let run = Run { name: "overload".to_owned(), lanes: vec![floor()?], ..Run::default() };
    let record = beside_a_busy_loop(|| bench.run(&run))?;
    let busy: Vec<f64> = cells(&record).into_iter().filter_map(|(cell, _)| busy_percent(cell)).collect();
    let verdict = report::verdict(&Dataset::new(&record)?).status;
    Ok(Check {
        question: "Is a run INVALID when the generator was overloaded?".to_owned(),
        how: "The generator shares its core with a loop that never waits. The core must show as busy beyond the limit of 90 %, and \
              the verdict be INVALID."
            .to_owned(),
        rows: judge(&busy, verdict),
        runs: vec![run.name],
        ..Check::default()
    })
}

/// Does `work` while a thread never waits on the first CPU, which is the generator's where it has one of its own.
fn beside_a_busy_loop<T>(work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
            let mut first = CpuSet::new();
            (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).into_iter().for_each(|cpu| first.set(cpu));
            // Where it may not choose its CPU it keeps another one busy, and the check says so.
            let _pinned = sched_setaffinity(None, &first);
            while !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}

fn busy_percent(cell: &Cell) -> Option<f64> {
    Some(100.0 * cell.machine?.generator_core_busy?)
}

/// How busy the generator's core was in each cell, and what the verdict made of it.
pub(super) fn judge(busy_percent: &[f64], verdict: Status) -> Vec<Row> {
    let (measured, spread) = median_and_spread(busy_percent);
    let invalid = f64::from(u8::from(verdict == Status::Invalid));
    vec![
        Row::bounded("the generator's core was busy for", "%", measured, Some(BUSY_PERCENT), None).spread(spread),
        Row::near("the verdict is INVALID (1 is yes)", "", Some(invalid), 1.0, 0.0),
    ]
}
