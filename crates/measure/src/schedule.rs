//! When publications are due and when pollers start: both from a seed, both before the run, so that nothing measured can
//! move them (the open loop of `measurement.md`).
//!
//! The generator is `ChaCha8`, whose stream is written down: a seed in a record gives the same instants again. Rooms ask
//! one by one, each with a seed of its own; `n` rooms with one constant schedule would all publish at the same instants.

use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How publications of one room are spread over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// Publication `n` is due `n / rate` after the start, the first at the start itself.
    Constant {
        /// Publications per second.
        rate_hz: f64,
    },
    /// Independent exponential gaps with mean `1 / rate`, the first gap from the start: no period that could resonate with
    /// a poll interval, a heartbeat or a timer.
    Poisson {
        /// Publications per second, on average.
        rate_hz: f64,
    },
}

impl Schedule {
    /// The due instants as offsets from the start, in non-decreasing order, all within `[0, span)`.
    ///
    /// The same arguments give the same offsets. `seed` has no part in a constant schedule. Silence is a schedule: a rate
    /// that is zero (or not a finite positive number) gives none.
    #[must_use]
    pub fn dues(&self, seed: u64, span: Duration) -> Vec<Duration> {
        match *self {
            Self::Constant { rate_hz } if is_rate(rate_hz) => {
                // From the index, not by adding periods: rounding must not add up to drift.
                (0_u32..).map(|n| f64::from(n) / rate_hz).map_while(|s| within(s, span)).collect()
            }
            Self::Poisson { rate_hz } if is_rate(rate_hz) => {
                let mut generator = ChaCha8Rng::seed_from_u64(seed);
                let mut seconds = 0.0;
                let mut next = || {
                    // 1 - u is in (0, 1]: the logarithm is finite.
                    seconds -= (1.0 - generator.random::<f64>()).ln() / rate_hz;
                    within(seconds, span)
                };
                std::iter::from_fn(&mut next).collect()
            }
            Self::Constant { .. } | Self::Poisson { .. } => Vec::new(),
        }
    }
}

/// Where in its first interval each of `n` polling clients starts: client `i` is given one of `n` equal strata of
/// `[0, interval)` and a uniform instant inside it, so that the phases are even in every run and random within.
///
/// Which client gets which stratum is shuffled: neighbours by number share a room, and phases side by side would serve a
/// room in one burst.
#[must_use]
pub fn stratified_phases(seed: u64, n: usize, interval: Duration) -> Vec<Duration> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let edge = |i: usize| {
        let nanos = interval.as_nanos() * i as u128 / n as u128;
        u64::try_from(nanos).unwrap_or(u64::MAX)
    };
    let mut phases: Vec<Duration> = (0..n)
        .map(|i| (edge(i), edge(i + 1)))
        .map(|(low, high)| if low < high { generator.random_range(low..high) } else { low })
        .map(Duration::from_nanos)
        .collect();
    phases.shuffle(&mut generator);
    phases
}

fn is_rate(rate_hz: f64) -> bool {
    rate_hz.is_finite() && rate_hz > 0.0
}

/// The offset as a `Duration`, if it lies before the end of `span` after rounding to nanoseconds as well.
fn within(seconds: f64, span: Duration) -> Option<Duration> {
    // A sum of many gaps may exceed what a `Duration` holds.
    let due = Duration::try_from_secs_f64(seconds).ok()?;
    (due < span).then_some(due)
}
