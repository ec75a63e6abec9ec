//! Traces that known causes leave in times and phases. Pure functions: `feedbench calibrate` plants the causes and looks
//! whether they are told, and the rules of a verdict ask in every run.

use std::ops::Range;

use measure::Recorder;

use crate::numbers::float;

const MS: u64 = 1_000_000;

/// Where deliveries fall whose last piece waited for a delayed acknowledgement: Linux delays one by 40 ms, counted in its own
/// ticks of up to 4 ms.
const DELAYED_ACK_NS: Range<u64> = 40 * MS..45 * MS;
/// What lies before and behind that peak and is no part of it.
const BESIDE_NS: [Range<u64>; 2] = [30 * MS..39 * MS, 48 * MS..60 * MS];
/// A peak is that many times as dense as what lies beside it.
const PEAK: f64 = 3.0;
/// A mode has at least this share of all.
const MODE: f64 = 0.05;
/// Fewer samples make peaks by chance.
const MODE_SAMPLES: u64 = 20;

/// Above this the phases are not spread evenly: the distance that Kolmogorov and Smirnov allow 5 % of random draws to exceed,
/// in units of 1/sqrt(n). Phases that are stratified are far below it.
pub const UNEVEN_PHASES: f64 = 1.36;

/// The share of deliveries in a second mode at 40 to 44 ms, 0 to 1: the mark of a server that writes a delivery in pieces with
/// Nagle's algorithm on, to a client that delays its acknowledgements. None where there is no such mode, or no first one
/// below it: a lane that is slower than that as a whole shows nothing.
pub fn delayed_acks(times: &Recorder) -> Option<f64> {
    let within = |range: &Range<u64>| -> f64 {
        float(times.buckets().filter(|(ns, _)| range.contains(ns)).map(|(_, count)| count).sum())
    };
    let density = |range: &Range<u64>| within(range) / float(range.end - range.start);
    let (all, mode) = (float(times.len()), within(&DELAYED_ACK_NS));
    let beside = BESIDE_NS.iter().map(density).fold(0.0, f64::max);
    let is_mode = mode >= float(MODE_SAMPLES) && mode >= MODE * all && density(&DELAYED_ACK_NS) >= PEAK * beside;
    let is_second = within(&(0..BESIDE_NS[0].start)) >= MODE * all;
    (is_mode && is_second).then(|| mode / all)
}

/// How far phases, as shares of their interval, are from an even spread: the largest distance of their distribution from the
/// uniform one, times the root of their number. At most 1 when they are stratified, half the root when all are equal; see
/// [`UNEVEN_PHASES`]. None without phases.
pub fn unevenness(phases: &[f32]) -> Option<f64> {
    let mut sorted: Vec<f64> = phases.iter().map(|&phase| f64::from(phase)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = float(sorted.len() as u64);
    let distance = |(index, phase): (u64, &f64)| (phase - float(index) / n).max(float(index + 1) / n - phase);
    let largest = (0..).zip(&sorted).map(distance).reduce(f64::max)?;
    Some(largest * n.sqrt())
}
