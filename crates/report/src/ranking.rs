//! Which lane is better by which metric, and whether this run shows it.
//!
//! Three metrics are ranked, each for itself: the median delay, stream bytes per delivery and CPU per delivery. No score
//! mixes them. An INVALID run ranks nothing.

use measure::{NoiseFloor, Ranked, Ratio, compare};
use serde::Serialize;

use crate::{
    dataset::{Dataset, Lane, PerBlock, paired, values},
    numbers::float,
    summary::LaneSummary,
};

/// A metric by which lanes are ranked; lower is better in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// The median of the response time.
    Delay,
    /// Stream bytes of both directions per delivery.
    Bytes,
    /// CPU of the server per delivery.
    Cpu,
}

impl Metric {
    /// All, in the order in which they weigh for a feed.
    pub(crate) const ALL: [Self; 3] = [Self::Delay, Self::Bytes, Self::Cpu];

    /// The stable name in `why`.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Delay => "response_time_p50",
            Self::Bytes => "stream_bytes_per_delivery",
            Self::Cpu => "cpu_ns_per_delivery",
        }
    }

    /// In a sentence.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Bytes => "bytes",
            Self::Cpu => "server CPU",
        }
    }

    /// The lane's value over all blocks, as tables print it.
    pub(crate) fn headline(self, lane: &LaneSummary) -> Option<f64> {
        match self {
            Self::Delay => lane.response_time_ns.p50.map(float),
            Self::Bytes => lane.bytes_per_delivery.stream_total,
            Self::Cpu => lane.server.cpu_ns_per_delivery,
        }
    }

    /// The lane's value in every block that has one.
    pub(crate) fn per_block(self, lane: &Lane) -> PerBlock {
        match self {
            Self::Delay => lane.response_time.p50_per_block(),
            Self::Bytes => lane.stream_per_delivery(),
            Self::Cpu => lane.cpu_per_delivery(),
        }
    }
}

/// One lane's place by one metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RankEntry {
    /// The lane's printed name.
    pub lane: String,
    /// 1 is best; lanes that share a rank count.
    pub rank: usize,
    /// Lanes from which no difference was seen, whatever their rank.
    pub ties_with: Vec<String>,
    /// The metric's name.
    pub why: &'static str,
}

/// Ranks the lanes that can be chosen by every metric for which all pairs have six blocks in common; metrics without
/// that are left out.
pub(crate) fn ranking(data: &Dataset) -> Vec<RankEntry> {
    Metric::ALL.into_iter().flat_map(|metric| by_metric(data, metric).unwrap_or_default()).collect()
}

fn by_metric(data: &Dataset, metric: Metric) -> Option<Vec<RankEntry>> {
    let measured = |lane: &&Lane| !metric.per_block(lane).is_empty();
    let lanes: Vec<&Lane> = data.choices().into_iter().filter(measured).collect();
    // Fewer lanes have no order.
    if lanes.len() < 2 {
        return None;
    }
    let all: Vec<PerBlock> = lanes.iter().map(|lane| metric.per_block(lane)).collect();
    let in_all = |block: u32| all.iter().all(|blocks| blocks.iter().any(|&(b, _)| b == block));
    let common: Vec<Vec<f64>> = all
        .iter()
        .map(|blocks| blocks.iter().filter(|(block, _)| in_all(*block)).map(|&(_, value)| value).collect())
        .collect();
    let ranked = compare::rank(&common, claim_floor(data, metric))?;
    let name = |index: usize| lanes[index].info.lane.clone();
    let entry = |Ranked { lane, rank, ties_with }| RankEntry {
        lane: name(lane),
        rank,
        ties_with: ties_with.into_iter().map(name).collect(),
        why: metric.id(),
    };
    Some(ranked.into_iter().map(entry).collect())
}

/// How a lane compares with another by one metric, block by block. None with fewer than six blocks in common.
pub(crate) fn ratio(metric: Metric, a: &Lane, b: &Lane) -> Option<Ratio> {
    ratio_of(&metric.per_block(a), &metric.per_block(b))
}

/// The ratio when it is a difference that this run carries.
pub(crate) fn difference(data: &Dataset, metric: Metric, a: &Lane, b: &Lane) -> Option<Ratio> {
    ratio(metric, a, b).filter(|ratio| compare::is_difference(ratio, claim_floor(data, metric)))
}

/// What hides a difference that the blocks alone would show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Hidden {
    /// Two runs of one lane differed by as much, as a factor.
    ByNoise(f64),
    /// Stamped reads waited that long for their turn, in nanoseconds.
    ByLag(u64),
}

/// The ratio of two lanes whose interval does not hold 1 and that is not claimed all the same, and why not.
pub(crate) fn hidden(data: &Dataset, metric: Metric, a: &Lane, b: &Lane) -> Option<(Ratio, Hidden)> {
    let ratio = ratio(metric, a, b)?;
    let proven = |factor: f64| {
        compare::is_difference(
            &ratio,
            NoiseFloor::from_twin(&Ratio { point: factor, low: factor.recip(), high: factor }),
        )
    };
    if !proven(1.0) || compare::is_difference(&ratio, claim_floor(data, metric)) {
        return None;
    }
    let noise = noise_floor(data, metric).map_or(1.0, NoiseFloor::factor);
    let lag = receive_lag(data).filter(|_| proven(noise));
    Some((ratio, lag.map_or(Hidden::ByNoise(noise), Hidden::ByLag)))
}

/// What the second run of a lane differed by, as a factor. None without a twin or with fewer than six blocks of it.
pub(crate) fn noise_floor(data: &Dataset, metric: Metric) -> Option<NoiseFloor> {
    let (twin, lane) = (data.twin.as_ref()?, data.twinned()?);
    Some(NoiseFloor::from_twin(&ratio(metric, twin, lane)?))
}

/// The smallest ratio that may be claimed: the noise floor, and for delays at least the time that a stamped read waited
/// for its turn, which the receive loop cannot tell from delay. Without a twin the interval alone decides.
pub(crate) fn claim_floor(data: &Dataset, metric: Metric) -> NoiseFloor {
    let noise = noise_floor(data, metric).map_or(1.0, NoiseFloor::factor);
    let lag = if metric == Metric::Delay { receive_lag_share(data) } else { 0.0 };
    let factor = noise.max(1.0 + lag);
    NoiseFloor::from_twin(&Ratio { point: factor, low: factor.recip(), high: factor })
}

/// The largest median of the receive lag as a share of the smallest median delay: a ratio beyond it is a difference of
/// more than the lag for every pair.
fn receive_lag_share(data: &Dataset) -> f64 {
    let fastest = data.choices().into_iter().filter_map(|lane| lane.response_time.merged.quantile_ns(0.5)).min();
    match (receive_lag(data), fastest) {
        (Some(lag), Some(fastest)) if fastest > 0 => float(lag) / float(fastest),
        _ => 0.0,
    }
}

/// The largest median of the receive lag, in nanoseconds.
pub(crate) fn receive_lag(data: &Dataset) -> Option<u64> {
    data.choices().into_iter().filter_map(|lane| lane.receive_lag.merged.quantile_ns(0.5)).max()
}

/// The paired ratio over the blocks that both have.
pub(crate) fn ratio_of(a: &[(u32, f64)], b: &[(u32, f64)]) -> Option<Ratio> {
    let (a, b) = paired(a, b);
    compare::paired_ratio(&a, &b)
}

/// The point and its interval over blocks.
pub(crate) fn median_of(blocks: &[(u32, f64)]) -> (Option<f64>, Option<(f64, f64)>) {
    let values = values(blocks);
    (measure::intervals::median(&values), measure::intervals::median_interval(&values))
}
