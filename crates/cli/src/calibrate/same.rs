//! One lane taken for two: the interval of their ratio must hold 1, nearly always.

use measure::{Ratio, compare::paired_ratio};
use rand::{SeedableRng as _, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use report::calibration::{Check, Row};

use super::bench::{Bench, Run, cells, quantile_ms, response, twin};

/// A lane and its twin in each: 40 cells.
const BLOCKS: u32 = 20;

/// How often the cells are dealt out.
const SPLITS: u32 = 1000;

/// Cells of each of the two: the blocks of the quick profile.
const CELLS: usize = 6;

/// Of two equal lanes, six blocks all fall to one side in 2 of 64 cases, 3.1 %. A true 3.1 % exceeds 6 % of 1,000 splits never.
const AT_MOST: f64 = 6.0;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let set = &["rooms=20", "subscribers=60", "window=250ms", "warm_up=100ms"];
    let run = Run { name: "same".to_owned(), lanes: vec![twin()?], set, blocks: BLOCKS, ..Run::default() };
    let record = bench.run(&run)?;
    let mut medians = Vec::new();
    for (cell, _) in cells(&record) {
        medians.extend(quantile_ms(&response(cell)?, 0.5));
    }
    Ok(Check {
        question: "Is a lane that is compared with itself called different?".to_owned(),
        how: "40 short cells of one lane; 1,000 times, twelve of them are dealt out at random as six blocks of two lanes. The \
              interval of the ratio of their p50 must leave out 1 in at most 6 %; by chance it is 3.1 %."
            .to_owned(),
        rows: judge(&medians, bench.seed(), paired_ratio),
        runs: vec![run.name],
        ..Check::default()
    })
}

/// How often `ratio` calls two halves of the same cells different.
pub(super) fn judge(medians: &[f64], seed: u64, ratio: impl Fn(&[f64], &[f64]) -> Option<Ratio>) -> Vec<Row> {
    let enough = medians.len() >= 2 * CELLS;
    let excluded = enough.then(|| excluded(medians, seed, ratio)).flatten();
    let share = excluded.map(|count| 100.0 * f64::from(count) / f64::from(SPLITS));
    vec![Row::bounded("splits whose interval leaves out 1", "%", share, None, Some(AT_MOST))]
}

/// None when a split has no ratio.
fn excluded(medians: &[f64], seed: u64, ratio: impl Fn(&[f64], &[f64]) -> Option<Ratio>) -> Option<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut count = 0;
    for _split in 0..SPLITS {
        let dealt: Vec<f64> =
            sample(&mut random, medians.len(), 2 * CELLS).iter().map(|index| medians[index]).collect();
        let Ratio { low, high, .. } = ratio(&dealt[..CELLS], &dealt[CELLS..])?;
        count += u32::from(low > 1.0 || high < 1.0);
    }
    Some(count)
}
