//! Whether delays drift inside a window: a run that gets slower while it is watched has no steady value to report.
//!
//! The window is cut into thirds, and the last is held against the first, block by block, by the ratio of the medians over
//! publications of the median delay. That ratio is compared as two lanes are: a drift is seen when the interval over blocks
//! does not hold 1. In a steady window first and last are alike, so the ratio is as often above 1 as below, whatever the
//! delays are distributed like and however much neighbours resemble each other; six blocks all on one side are then seen
//! in 3.1 % of lanes. A rank correlation over single publications would take a stall of ten neighbours for ten witnesses.
//! Nothing is left out because of a drift; it is told.

use measure::{Ratio, compare, intervals::median};
use record::{Cell, Publication};

use crate::{
    dataset::Lane,
    numbers::{factor_interval, float},
};

/// Shorter windows are over before anything could drift.
const LONG_ENOUGH_NS: u64 = 3_000_000_000;

/// A third with fewer publications has no median, as a quantile of the report has none.
const PUBLICATIONS: usize = 20;

/// Median delays at both ends of one window, in nanoseconds; infinite where most of the publications never came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thirds {
    /// The block's number.
    pub block: u32,
    /// Of publications due in the first third.
    pub first_ns: f64,
    /// Of publications due in the last third.
    pub last_ns: f64,
}

impl Thirds {
    /// Of a cell whose window is at least 3 s long and has 20 publications in either third.
    pub(crate) fn of(cell: &Cell, publications: &[Publication]) -> Option<Self> {
        let length = cell.window.length_ns;
        let third = i64::try_from(length / 3).ok().filter(|_| length >= LONG_ENOUGH_NS)?;
        let end = i64::try_from(length).ok()?;
        let median_of = |from: i64, to: i64| {
            let due = publications.iter().filter(|publication| (from..to).contains(&publication.due_ns));
            let delays: Vec<f64> = due.map(delay).collect();
            median(&delays).filter(|_| delays.len() >= PUBLICATIONS)
        };
        let (first_ns, last_ns) = (median_of(0, third)?, median_of(end - third, end)?);
        Some(Self { block: cell.block, first_ns, last_ns })
    }
}

/// What half of those who got it waited; infinite for what nobody got.
fn delay(publication: &Publication) -> f64 {
    let delay = publication.median_ns.map(|at| at.saturating_sub(publication.due_ns));
    delay.map_or(f64::INFINITY, |ns| u64::try_from(ns).map_or(0.0, float))
}

/// The last third of the windows as a multiple of the first; none for fewer than six blocks with windows long enough.
pub(crate) fn of(lane: &Lane) -> Option<Ratio> {
    let (first, last): (Vec<f64>, Vec<f64>) = lane.thirds.iter().map(|t| (t.first_ns, t.last_ns)).unzip();
    compare::paired_ratio(&last, &first)
}

/// Whether the interval leaves no room for steadiness.
pub(crate) fn is_seen(drift: &Ratio) -> bool {
    drift.low > 1.0 || drift.high < 1.0
}

/// A line on a lane in which a drift was seen.
pub(crate) fn sentence(lane: &Lane) -> Option<String> {
    let drift = of(lane).filter(is_seen)?;
    Some(format!(
        "The delay of {} drifts: its median in the last third of the windows is {} that of the first. Its figures are of \
         the whole window.",
        lane.label(),
        factor_interval(&drift)
    ))
}
