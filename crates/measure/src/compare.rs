//! Whether one lane differs from another: ratios over paired blocks, the noise floor, and ranks with ties.
//!
//! A block runs all lanes under the same conditions, so values are compared block by block and never across. What is not
//! done: no correction for comparing many pairs. Each interval stands for itself at 95 %, and the noise floor guards what
//! the number of pairs would let through.

use crate::intervals::{median, median_interval};

/// How many times larger one lane's value is than another's, with the interval of its median over blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The median over blocks.
    pub point: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// The factor below which a ratio is noise on this host in this run; at least 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct NoiseFloor(f64);

impl NoiseFloor {
    /// The floor that a lane's own twin shows: the bound of its ratio that is farthest from 1, as a factor. Two runs of the
    /// same thing differed by that much.
    #[must_use]
    pub fn from_twin(twin: &Ratio) -> Self {
        Self(twin.high.max(twin.low.recip()))
    }

    /// The floor as a factor, at least 1.
    #[must_use]
    pub const fn factor(self) -> f64 {
        self.0
    }
}

/// A lane's place among others by one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Index of the lane in the values that were given.
    pub lane: usize,
    /// 1 is best; lanes that share a rank count, so after two firsts comes a third.
    pub rank: usize,
    /// All lanes that are not provably different from this one, ascending; some may have another rank.
    pub ties_with: Vec<usize>,
}

/// The ratio `a / b` over paired blocks: median and order-statistic interval of the log ratios, turned back.
///
/// `a[i]` and `b[i]` are from the same block. `None`, because no ratio can be stated, when the lengths differ, when there are
/// fewer than 6 pairs, or when a value is not finite and positive (a quantile among undelivered, a metric not measured).
#[must_use]
pub fn paired_ratio(a: &[f64], b: &[f64]) -> Option<Ratio> {
    let usable = a.len() == b.len() && a.iter().chain(b).all(|value| value.is_finite() && *value > 0.0);
    if !usable {
        return None;
    }
    let logs: Vec<f64> = a.iter().zip(b).map(|(a, b)| a.ln() - b.ln()).collect();
    let (low, high) = median_interval(&logs)?;
    Some(Ratio { point: median(&logs)?.exp(), low: low.exp(), high: high.exp() })
}

/// Whether the ratio is a difference that may be claimed: its whole interval lies beyond the floor, on one side. An interval
/// that holds 1, or reaches into the floor, is "no difference seen".
#[must_use]
pub fn is_difference(ratio: &Ratio, floor: NoiseFloor) -> bool {
    is_less(ratio, floor) || ratio.low > floor.0
}

/// Ranks lanes by one metric, lower being better. `lanes[l][i]` is lane `l`'s value in block `i`; the answer is in order,
/// best first.
///
/// "Proven" is [`is_difference`] on the pair's own ratio, which is not transitive: A may tie with B and B with C while A is
/// proven better than C. The rules, so that a rank never claims more than was shown:
/// 1. Lanes stand by their median, except that no lane stands before one proven better than it (medians and paired ratios
///    can disagree from 9 blocks on).
/// 2. Going down, a lane opens a new rank if it is proven different from any lane of the current one. So no two lanes that
///    share a rank are proven different; lanes of neighbouring ranks may still tie, and `ties_with` says so.
///
/// `None` when a lane is empty or a pair has no ratio (see [`paired_ratio`]): leave out lanes without values first.
#[must_use]
pub fn rank(lanes: &[impl AsRef<[f64]>], floor: NoiseFloor) -> Option<Vec<Ranked>> {
    let medians: Vec<f64> = lanes.iter().map(|lane| median(lane.as_ref())).collect::<Option<_>>()?;
    let better = proven_better(lanes, floor)?;
    let different = |a: usize, b: usize| better[a][b] || better[b][a];

    let mut waiting: Vec<usize> = (0..lanes.len()).collect();
    let mut ranked: Vec<Ranked> = Vec::with_capacity(lanes.len());
    // Fewest before it, not none: proofs over many lanes and blocks could in theory form a circle.
    let before = |lane: usize, waiting: &[usize]| waiting.iter().filter(|&&other| better[other][lane]).count();
    while let Some(lane) = waiting
        .iter()
        .copied()
        .min_by(|&a, &b| before(a, &waiting).cmp(&before(b, &waiting)).then(medians[a].total_cmp(&medians[b])))
    {
        waiting.retain(|&other| other != lane);
        let current = ranked.last().map_or(1, |last| last.rank);
        let shares = ranked.iter().filter(|r| r.rank == current).all(|r| !different(r.lane, lane));
        let rank = if shares { current } else { ranked.len() + 1 };
        let ties_with = (0..lanes.len()).filter(|&other| other != lane && !different(other, lane)).collect();
        ranked.push(Ranked { lane, rank, ties_with });
    }
    Some(ranked)
}

/// `[a][b]`: lane `a` is proven lower than lane `b`.
fn proven_better(lanes: &[impl AsRef<[f64]>], floor: NoiseFloor) -> Option<Vec<Vec<bool>>> {
    let against = |a: usize, b: usize| {
        if a == b {
            return Some(false);
        }
        Some(is_less(&paired_ratio(lanes[a].as_ref(), lanes[b].as_ref())?, floor))
    };
    (0..lanes.len()).map(|a| (0..lanes.len()).map(|b| against(a, b)).collect()).collect()
}

fn is_less(ratio: &Ratio, floor: NoiseFloor) -> bool {
    ratio.high < floor.0.recip()
}
