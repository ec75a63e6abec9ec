//! Claims that a number suggests and the run does not carry, one by one, each with its sentence. The run stands.

use serde::Serialize;

use crate::{
    dataset::{Dataset, Lane},
    numbers::{factor, factor_interval, float, percent, time},
    ranking::{Hidden, Metric, hidden},
    summarise::largest_quantile,
    verdict::Status,
};

/// A p99 is withdrawn when the publisher's own p99 is more than this share of it: the tail could be the publisher's.
const LATE_TAIL: f64 = 0.2;

/// The claim of a lane's 99th percentile.
const P99: &str = "p99";

/// A single claim that is smaller than its noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawn {
    /// The lane's printed name.
    pub lane: String,
    /// `p99`, or the metric by which the lane seemed to be better than `against`.
    pub claim: &'static str,
    /// The lane that it was compared with; null for a claim of a lane alone.
    pub against: Option<String>,
    /// Why, in a sentence without its full stop.
    pub reason: String,
}

impl Withdrawn {
    /// Whether it is the lane's own 99th percentile.
    pub(crate) fn is_tail_of(&self, lane: &str) -> bool {
        self.claim == P99 && self.lane == lane
    }

    /// The whole sentence.
    pub fn sentence(&self) -> String {
        let Self { lane, claim, against, reason } = self;
        match against {
            None => format!("The {claim} of {lane} is withdrawn: {reason}."),
            Some(other) => {
                let what = Metric::ALL.into_iter().find(|metric| metric.id() == *claim).map_or(*claim, Metric::words);
                format!("No difference in {what} is claimed between {lane} and {other}: {reason}.")
            }
        }
    }
}

/// All of a run: tails that the publisher explains, then differences that noise or the ruler's own lag explain. An INVALID run
/// compares nothing, so it has none of the latter.
pub(crate) fn withdrawn(data: &Dataset, status: Status) -> Vec<Withdrawn> {
    let tails = data.lanes.iter().filter_map(late_tail);
    let compared = if status == Status::Invalid { Vec::new() } else { data.choices() };
    let mut all: Vec<Withdrawn> = tails.collect();
    for metric in Metric::ALL {
        for (index, a) in compared.iter().enumerate() {
            all.extend(compared[index + 1..].iter().filter_map(|b| small_difference(data, metric, a, b)));
        }
    }
    all
}

/// None for a lane whose p99 is not given: what is not claimed needs no withdrawing.
fn late_tail(lane: &Lane) -> Option<Withdrawn> {
    largest_quantile(lane.publishes()).filter(|&quantile| quantile >= 0.99)?;
    let delay = float(lane.publish_delay.merged.quantile_ns(0.99)?);
    let response = float(lane.response_time.merged.quantile_ns(0.99)?);
    (delay > LATE_TAIL * response).then(|| Withdrawn {
        lane: lane.info.lane.clone(),
        claim: P99,
        against: None,
        reason: format!(
            "the publisher itself was {} late at its p99, {} of this lane's p99",
            time(delay),
            percent(delay / response)
        ),
    })
}

/// The lane that seemed to be better comes first.
fn small_difference(data: &Dataset, metric: Metric, a: &Lane, b: &Lane) -> Option<Withdrawn> {
    let (ratio, _) = hidden(data, metric, a, b)?;
    let (better, worse) = if ratio.point < 1.0 { (a, b) } else { (b, a) };
    let (ratio, by) = hidden(data, metric, worse, better)?;
    let ratio = factor_interval(&ratio);
    let reason = match by {
        Hidden::ByNoise(noise) => {
            format!("the ratio is {ratio}, and two runs of one lane differed by up to {}", factor(noise))
        }
        Hidden::ByLag(lag) => {
            format!("the ratio is {ratio}, and half of the reads waited {} or more to be decoded", time(float(lag)))
        }
    };
    Some(Withdrawn {
        lane: better.info.lane.clone(),
        claim: metric.id(),
        against: Some(worse.info.lane.clone()),
        reason,
    })
}
