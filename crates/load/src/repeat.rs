//! Which cells are run again at their block's end, because the machine or the publisher disturbed them.
//!
//! What decides is beside the figures: time that the hypervisor took and how late the publisher was. The delays of a
//! lane's own deliveries have no say, so that no lane gets a second try for being slow.

use measure::Recorder;
use record::{Cell, Histogram};

/// Above it, as a share of one core, the hypervisor took slices that are longer than deliveries.
const STEAL: f64 = 0.02;

/// A publisher whose median delay is more than this share of the fastest median of the block would be read as delay.
const PUBLISHER_LATE: f64 = 0.1;

/// Of this many cells of a run one may be repeated: a run with more disturbed ones is one that says so.
const ONE_OF: usize = 10;

/// How many cells of a run may be repeated.
pub(crate) const fn most(cells: usize) -> usize {
    cells / ONE_OF
}

/// The places of the disturbed cells of one block, in their order.
pub(crate) fn disturbed(block: &[Cell]) -> Vec<usize> {
    let fastest = block.iter().filter_map(|cell| median(&cell.response_time)).min();
    let stolen = |cell: &Cell| cell.machine.is_some_and(|machine| machine.steal > STEAL);
    let late = |cell: &Cell| {
        let delay = median(&cell.publish_delay).zip(fastest);
        delay.is_some_and(|(delay, fastest)| f64_of(delay) > PUBLISHER_LATE * f64_of(fastest))
    };
    (0..block.len()).filter(|&index| stolen(&block[index]) || late(&block[index])).collect()
}

fn median(histogram: &Histogram) -> Option<u64> {
    Recorder::from_text(&histogram.0).ok()?.quantile_ns(0.5)
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a cell are far below 2^53")]
const fn f64_of(ns: u64) -> f64 {
    ns as f64
}
