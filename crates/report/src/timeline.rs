//! Delay over time: the windows of a lane cut into equal parts, and what was due in each.
//!
//! A publication stands where it was due, with what half of those who got it waited. One that nobody got is infinitely late:
//! it counts, and has no step. Lines of the record are not kept, only these parts.

use std::collections::BTreeMap;

use measure::intervals::median;
use record::{Cell, Publication};

use crate::numbers::float;

/// Parts of all planned windows of a lane together: as many columns as a wide drawing shows apart.
const FINE: u64 = 48;
/// The same for a narrow one.
const COARSE: u64 = 24;
/// A part with fewer publications has no median, as a quantile of the report has none.
const PUBLICATIONS: usize = 20;
/// Equal steps of the logarithm: neighbours differ by a factor of 1.26, and one part of a quick run has enough for some.
pub(crate) const STEPS_PER_DECADE: i32 = 10;

/// One lane's delays over time; empty where nothing was published.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// One per block, by block.
    pub(crate) windows: Vec<Window>,
    /// All windows laid over one another, in tenths.
    pub(crate) tenths: Vec<Part>,
    /// All windows, uncut.
    pub(crate) whole: Part,
}

/// One block's window, cut twice.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// The block's number.
    pub(crate) block: u32,
    /// How long it was.
    pub(crate) length_ns: u64,
    /// For wide drawings: with the other windows about 48 parts.
    pub(crate) fine: Vec<Part>,
    /// For narrow ones: about 24.
    pub(crate) coarse: Vec<Part>,
}

/// What was due in one part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// All publications.
    pub(crate) publications: u64,
    /// Those that nobody got.
    pub(crate) never: u64,
    /// The median over publications of the delay in nanoseconds; infinite where half of them never came, none below 20.
    pub(crate) p50_ns: Option<f64>,
    /// What the last of those who got it waited, at most; infinite where one never came.
    pub(crate) largest_ns: Option<f64>,
    /// How many had a delay in which step; see [`lower_edge`].
    pub(crate) steps: BTreeMap<i32, u64>,
}

/// A publication due in a window.
#[expect(clippy::struct_field_names, reason = "all are times, and raw numbers carry their unit")]
struct Due {
    at_ns: u64,
    window_ns: u64,
    median_ns: f64,
    last_ns: f64,
}

impl Timeline {
    /// Of a lane's cells with their publications, in the order of the blocks; `planned` is how many blocks a whole run has.
    pub(crate) fn of(cells: &[(Cell, &[Publication])], planned: u32) -> Self {
        let parts = |together: u64| (together / u64::from(planned.max(1))).max(1);
        let mut all = Vec::new();
        let mut windows = Vec::new();
        for (cell, publications) in cells {
            let dues = dues(cell, publications);
            windows.push(Window {
                block: cell.block,
                length_ns: cell.window.length_ns,
                fine: cut(&dues, parts(FINE)),
                coarse: cut(&dues, parts(COARSE)),
            });
            all.extend(dues);
        }
        Self { windows, tenths: cut(&all, 10), whole: Part::of(all.iter()) }
    }
}

/// In the order of the record; what was due outside of the window is not part of it.
fn dues(cell: &Cell, publications: &[Publication]) -> Vec<Due> {
    let window_ns = cell.window.length_ns;
    let due = |publication: &Publication| {
        let at_ns = u64::try_from(publication.due_ns).ok().filter(|&at| at < window_ns)?;
        let delay = |at: Option<i64>| at.map_or(f64::INFINITY, |at| since(publication.due_ns, at));
        Some(Due { at_ns, window_ns, median_ns: delay(publication.median_ns), last_ns: delay(publication.last_ns) })
    };
    publications.iter().filter_map(due).collect()
}

/// Zero for what came before it was due: a clock that does so is told of by its own rule.
fn since(due_ns: i64, at_ns: i64) -> f64 {
    u64::try_from(at_ns.saturating_sub(due_ns)).map_or(0.0, float)
}

fn cut(dues: &[Due], parts: u64) -> Vec<Part> {
    let within = |part: u64| dues.iter().filter(move |due| due.at_ns * parts / due.window_ns == part);
    (0..parts).map(|part| Part::of(within(part))).collect()
}

impl Part {
    fn of<'a>(dues: impl Iterator<Item = &'a Due>) -> Self {
        let (delays, last): (Vec<f64>, Vec<f64>) = dues.map(|due| (due.median_ns, due.last_ns)).unzip();
        let mut steps = BTreeMap::new();
        for ns in delays.iter().filter(|ns| ns.is_finite()) {
            *steps.entry(step(*ns)).or_insert(0) += 1;
        }
        let publications = delays.len() as u64;
        Self {
            publications,
            never: publications - steps.values().sum::<u64>(),
            p50_ns: median(&delays).filter(|_| delays.len() >= PUBLICATIONS),
            largest_ns: last.into_iter().reduce(f64::max),
            steps,
        }
    }

    /// The share of what was due that had a delay in a step.
    pub(crate) fn share(&self, step: i32) -> f64 {
        self.steps.get(&step).map_or(0.0, |&count| float(count) / float(self.publications))
    }
}

/// The step of a delay; everything below a nanosecond is in the lowest.
#[expect(clippy::cast_possible_truncation, reason = "a logarithm of nanoseconds is a small number")]
fn step(ns: f64) -> i32 {
    (ns.max(1.0).log10() * f64::from(STEPS_PER_DECADE)).floor() as i32
}

/// Where a step begins, in nanoseconds.
pub(crate) fn lower_edge(step: i32) -> f64 {
    10_f64.powf(f64::from(step) / f64::from(STEPS_PER_DECADE))
}
