//! A server that delays by d: the p50 must grow by d, whatever else is in it.

use report::calibration::{Check, Row};

use super::bench::{Bench, Run, cells, floor, median_and_spread, quantile_ms, response};

/// The delays in milliseconds; the first is what they are held against.
const DELAYS_MS: [u32; 5] = [0, 1, 10, 40, 100];

/// Every round has each delay once, so that what happens to the machine happens to all of them. A run has two cells.
const ROUNDS: u32 = 3;

/// What may be added or missing at any delay: the wake-up of a sleeping thread takes 0.1 to 0.2 ms.
const TOLERANCE_MS: f64 = 0.3;

/// What may be added or missing beside, as a share of the delay.
const TOLERANCE_SHARE: f64 = 0.01;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let mut medians: Vec<Vec<f64>> = vec![Vec::new(); DELAYS_MS.len()];
    let mut runs = Vec::new();
    for round in 1..=ROUNDS {
        for (delay, medians) in DELAYS_MS.into_iter().zip(&mut medians) {
            let run = Run {
                name: format!("delay-{delay}ms-{round}"),
                lanes: vec![floor()?],
                set: &["rooms=20", "subscribers=20", "rate_hz=10.0"],
                golden: Some(vec![format!("--delay={delay}ms")]),
                ..Run::default()
            };
            for (cell, _) in cells(&bench.run(&run)?) {
                // A p50 that is no number stays one, so that the blocks still pair.
                medians.push(quantile_ms(&response(cell)?, 0.5).unwrap_or(f64::NAN));
            }
            runs.push(run.name);
        }
    }
    let [without, with @ ..] = &medians[..] else { unreachable!("as many as there are delays") };
    let rows = DELAYS_MS[1..].iter().zip(with).map(|(delay, with)| judge(f64::from(*delay), with, without));
    Ok(Check {
        question: "Does a delay of d show as d?".to_owned(),
        how: "The golden server writes every delivery d after it read the publication; one thread sleeps for it with \
              clock_nanosleep. The p50 at d less the p50 at none is d, within 0.3 ms and 1 %; the median of six fresh servers."
            .to_owned(),
        rows: rows.collect(),
        runs,
        ..Check::default()
    })
}

/// The p50s of as many blocks with the delay and without it, block by block, all in milliseconds.
pub(super) fn judge(delay: f64, with: &[f64], without: &[f64]) -> Row {
    let grown: Vec<f64> = with.iter().zip(without).map(|(with, without)| with - without).collect();
    let (measured, spread) = median_and_spread(&grown);
    let tolerance = TOLERANCE_MS + TOLERANCE_SHARE * delay;
    Row::near(format!("p50 at {delay} ms less p50 at 0 ms"), "ms", measured, delay, tolerance).spread(spread)
}
