//! Which lanes stand after all proven differences: what the answer picks, what other lanes are compared with, and lanes that
//! differ in nothing but how often they ask. `text` has the sentences.

use measure::Ratio;

use crate::{
    dataset::{Dataset, Lane},
    ranking::{Metric, difference, median_of, ratio},
    summary::Summary,
    verdict::{Status, Verdict},
};

/// The lanes that are left when those are taken away that another is proven better than. No list is empty but `both`.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    /// By delay, of all.
    pub(crate) fastest: Vec<&'a Lane>,
    /// By bytes, of the fastest.
    pub(crate) slim: Vec<&'a Lane>,
    /// By server CPU, of the fastest.
    pub(crate) lean: Vec<&'a Lane>,
    /// Those that are slim and lean.
    pub(crate) both: Vec<&'a Lane>,
}

impl<'a> Choice<'a> {
    /// Among these lanes, of which there is at least one.
    pub(crate) fn among(data: &Dataset, lanes: &[&'a Lane]) -> Self {
        let fastest = unbeaten(data, Metric::Delay, lanes);
        let slim = unbeaten(data, Metric::Bytes, &fastest);
        let lean = unbeaten(data, Metric::Cpu, &fastest);
        let both = slim.iter().copied().filter(|lane| holds(&lean, lane)).collect();
        Self { fastest, slim, lean, both }
    }

    /// The lane that the answer compares others with: its pick, and the first of the slim ones where it picks none.
    pub(crate) fn reference(&self) -> Option<&'a Lane> {
        self.both.first().or(self.slim.first()).copied()
    }
}

fn holds(lanes: &[&Lane], lane: &Lane) -> bool {
    lanes.iter().any(|other| other.info.lane == lane.info.lane)
}

/// The lanes than which none of the others is proven better. Never empty unless `lanes` is.
fn unbeaten<'a>(data: &Dataset, metric: Metric, lanes: &[&'a Lane]) -> Vec<&'a Lane> {
    let beaten = |lane: &Lane| lanes.iter().any(|other| better(data, metric, other, lane));
    let left: Vec<&Lane> = lanes.iter().copied().filter(|lane| !beaten(lane)).collect();
    if left.is_empty() { lanes.to_vec() } else { left }
}

/// Whether lane `a` is proven better than lane `b`.
pub(crate) fn better(data: &Dataset, metric: Metric, a: &Lane, b: &Lane) -> bool {
    difference(data, metric, a, b).is_some_and(|ratio| ratio.point < 1.0)
}

/// The lane that is proven worse than the pick by the largest factor.
pub(crate) fn farthest<'a>(
    data: &Dataset,
    metric: Metric,
    pick: &Lane,
    choices: &[&'a Lane],
) -> Option<(&'a Lane, Ratio)> {
    let ratios = choices.iter().filter_map(|lane| Some((*lane, difference(data, metric, lane, pick)?)));
    ratios.filter(|(_, ratio)| ratio.point > 1.0).max_by(|a, b| a.1.point.total_cmp(&b.1.point))
}

/// Whether every lane has blocks enough for a statement.
pub(crate) fn comparable(choices: &[&Lane]) -> bool {
    choices.iter().all(|lane| median_of(&Metric::Delay.per_block(lane)).1.is_some())
}

/// The lane whose ratios are drawn: that of the answer, so that its factors are the figure's. A run that answers nothing has
/// the first lane for it, which recommends none. None without a lane that has a ratio to another.
pub(crate) fn reference<'a>(data: &'a Dataset, verdict: &Verdict) -> Option<&'a Lane> {
    let choices = data.choices();
    let answered = verdict.status != Status::Invalid && comparable(&choices);
    let first = choices.first().copied()?;
    let lane = if answered { Choice::among(data, &choices).reference()? } else { first };
    let compared = |other: &&Lane| Metric::ALL.into_iter().any(|metric| ratio(metric, other, lane).is_some());
    choices.iter().filter(|other| other.info.lane != lane.info.lane).any(compared).then_some(lane)
}

/// Lanes of one transport that ask at different intervals.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    /// The interval in nanoseconds and the lane, the shortest interval first; two at least.
    pub(crate) lanes: Vec<(u64, &'a Lane)>,
}

impl<'a> Sweep<'a> {
    /// The lane that asks most often, and the one that asks least often.
    pub(crate) fn ends(&self) -> Option<[(u64, &'a Lane); 2]> {
        Some([*self.lanes.first()?, *self.lanes.last()?])
    }

    /// Whether the lane is one of them.
    pub(crate) fn holds(&self, lane: &Lane) -> bool {
        self.lanes.iter().any(|(_, other)| other.info.lane == lane.info.lane)
    }

    /// Whether every lane has a delay and bytes, and so a place in a figure.
    pub(crate) fn is_plotted(&self, summary: &Summary) -> bool {
        let has = |lane: &Lane| {
            let numbers = summary.lane(&lane.info.lane)?;
            Metric::Delay.headline(numbers).zip(Metric::Bytes.headline(numbers))
        };
        self.lanes.iter().all(|(_, lane)| has(lane).is_some())
    }
}

/// Every transport that was measured at two intervals or more, in the header's order.
pub(crate) fn sweeps(data: &Dataset) -> Vec<Sweep<'_>> {
    let mut sweeps: Vec<Sweep<'_>> = Vec::new();
    for lane in data.choices() {
        let Some(interval) = lane.info.interval_ns else { continue };
        let same = |sweep: &&mut Sweep<'_>| sweep.lanes[0].1.info.transport == lane.info.transport;
        match sweeps.iter_mut().find(same) {
            Some(sweep) => sweep.lanes.push((interval, lane)),
            None => sweeps.push(Sweep { lanes: vec![(interval, lane)] }),
        }
    }
    for sweep in &mut sweeps {
        sweep.lanes.sort_by_key(|&(interval, _)| interval);
    }
    sweeps.retain(|sweep| sweep.ends().is_some_and(|[(shortest, _), (longest, _)]| shortest < longest));
    sweeps
}
