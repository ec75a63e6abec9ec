//! The answer to "When were messages late?": whether some stretch of a lane's windows stands out from the rest of them.

use std::collections::BTreeSet;

use super::Input;
use crate::{
    dataset::Lane,
    numbers::{count, factor, float, time},
    text::INVALID_FIGURE,
    timeline::{Part, Window},
    verdict::Status,
};

/// A spell is told of when the p50 of its part is more than this many of the lane's own; the verdict doubts a block by the same.
const SPELL: f64 = 2.0;

/// A part of a lane's window, held against all its windows.
struct Stretch<'a> {
    lane: &'a Lane,
    window: &'a Window,
    part: &'a Part,
    /// The lane's p50.
    own_ns: f64,
}

impl<'a> Stretch<'a> {
    /// All of a lane; none where it has no p50 to hold them against.
    fn of(lane: &'a Lane) -> Vec<Self> {
        let Some(own_ns) = lane.timeline.whole.p50_ns.filter(|ns| ns.is_finite() && *ns > 0.0) else {
            return Vec::new();
        };
        let windows = lane.timeline.windows.iter();
        let parts = windows.flat_map(|window| window.coarse.iter().map(move |part| (window, part)));
        parts.map(|(window, part)| Self { lane, window, part, own_ns }).collect()
    }

    fn p50_factor(&self) -> Option<f64> {
        Some(self.part.p50_ns? / self.own_ns)
    }

    fn largest_factor(&self) -> Option<f64> {
        self.part.largest_ns.filter(|ns| ns.is_finite()).map(|ns| ns / self.own_ns)
    }

    fn place(&self) -> String {
        format!("{} in block {}", self.lane.label(), self.window.block + 1)
    }

    /// For how long which p50.
    fn words(&self) -> String {
        let length = time(float(self.window.length_ns) / float(self.window.coarse.len() as u64));
        let (place, times) = (self.place(), self.p50_factor().filter(|times| times.is_finite()));
        let what = self.part.p50_ns.zip(times).map_or_else(
            || "half of what was due reached nobody".to_owned(),
            |(ns, times)| format!("its p50 was {}, {} that of all its windows", time(ns), factor(times)),
        );
        format!("The latest spell was one of {place}: for {length} {what}")
    }
}

/// The one with the largest value.
fn most<'a>(stretches: &'a [Stretch<'a>], value: fn(&Stretch<'a>) -> Option<f64>) -> Option<(f64, &'a Stretch<'a>)> {
    stretches.iter().filter_map(|stretch| Some((value(stretch)?, stretch))).max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The sentence under the heat map: it says what stands out in the record, and compares no lanes.
pub(super) fn answer(input: Input<'_>) -> String {
    if input.verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let mut choices = input.data.choices();
    choices.retain(|lane| lane.timeline.whole.publications > 0);
    if choices.is_empty() {
        return "Only the floor was measured.".to_owned();
    }
    let stretches: Vec<Stretch<'_>> = choices.iter().flat_map(|lane| Stretch::of(lane)).collect();
    let late_lanes: BTreeSet<&str> = stretches
        .iter()
        .filter(|stretch| stretch.p50_factor().is_some_and(|times| times > SPELL))
        .map(|stretch| stretch.lane.info.lane.as_str())
        .collect();
    let told = match (most(&stretches, Stretch::p50_factor), late_lanes.len()) {
        (None, _) => "Too few publications were due at a time to say when they were late".to_owned(),
        (Some((_, latest)), 1) => latest.words(),
        (Some((_, latest)), 2..) => {
            let lanes = late_lanes.len();
            format!("{}; {lanes} lanes had a spell of more than twice their p50", latest.words())
        }
        (Some(_), 0) => {
            let tested = stretches.iter().filter(|stretch| stretch.p50_factor().is_some()).count() as u64;
            let farthest = most(&stretches, Stretch::largest_factor).map_or_else(String::new, |(times, stretch)| {
                let (delay, place) = (time(times * stretch.own_ns), stretch.place());
                format!("; the message farthest from its lane's p50 took {delay}, {} it: {place}", factor(times))
            });
            let tested = count(tested);
            format!(
                "No spell of lateness was seen: of {tested} stretches of the windows, none has a p50 above twice its lane's own{farthest}"
            )
        }
    };
    let never: u64 = choices.iter().map(|lane| lane.timeline.whole.never).sum();
    let never =
        if never > 0 { format!("; of all publications, {} reached nobody", count(never)) } else { String::new() };
    format!("{told}{never}.")
}
