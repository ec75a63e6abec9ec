//! Every sentence that is generated from numbers, in one place.
//!
//! A sentence compares only where [`difference`] holds: beyond the interval and beyond the noise floor. Where it does not,
//! the sentence says that no difference was seen.

use measure::Ratio;

use crate::{
    dataset::{Dataset, Lane},
    numbers::{bytes, factor_interval, float, percent, time, time_tick},
    ranking::{Metric, difference, median_of},
    summary::{LaneSummary, Summary},
    verdict::{Status, Verdict},
};

/// One sentence and the section that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Plain text with its full stop.
    pub(crate) text: String,
    /// The id of a section of the page.
    pub(crate) proof: &'static str,
}

/// Under every figure of a run that must not be used.
pub(crate) const INVALID_FIGURE: &str =
    "The run is INVALID: the figure shows what was recorded, not what may be claimed.";

/// The answer in two to four sentences.
pub(crate) fn answer(data: &Dataset, summary: &Summary, verdict: &Verdict) -> Vec<Sentence> {
    if verdict.status == Status::Invalid {
        return invalid(verdict);
    }
    if data.is_silent() {
        return silent(data, summary);
    }
    match data.choices().as_slice() {
        [] if data.floor().is_none() => vec![say("Nothing was measured: there is nothing to choose between.", "lanes")],
        [] => vec![say("Only the floor was measured: there is nothing to choose between.", "lanes")],
        [only] => single(only, summary),
        choices => among(data, choices),
    }
}

fn say(text: impl Into<String>, proof: &'static str) -> Sentence {
    Sentence { text: text.into(), proof }
}

fn invalid(verdict: &Verdict) -> Vec<Sentence> {
    let first = verdict.reasons.first().map_or("a rule is broken", String::as_str);
    vec![
        say("No recommendation: this run is INVALID, and its numbers must not be used.", "validity"),
        say(format!("The first reason: {first}."), "validity"),
    ]
}

/// What a run without publications measured, lane by lane; it ranks nothing.
fn silent(data: &Dataset, summary: &Summary) -> Vec<Sentence> {
    let listed = |value: fn(&LaneSummary) -> Option<String>| {
        let of = |lane: &Lane| Some(format!("{} ({})", value(summary.lane(&lane.info.lane)?)?, lane.label()));
        let values: Vec<String> = data.lanes.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| join(&values))
    };
    let idle = listed(|lane| lane.idle_per_minute.map(bytes));
    let idle = idle.map(|values| format!("While nothing is published, a subscriber costs in a minute {values}."));
    let stands = listed(|lane| Some(time(float(lane.connect_time_ns?.p50?))));
    let stands = stands.map(|values| format!("Half of the subscriptions stand within {values}."));
    let found: Vec<Sentence> = idle.into_iter().chain(stands).map(|text| say(text, "lanes")).collect();
    if found.is_empty() {
        return vec![say("Nothing was published, and too little was measured to say anything.", "lanes")];
    }
    found
}

fn single(lane: &Lane, summary: &Summary) -> Vec<Sentence> {
    let name = lane.label();
    let mut answer = vec![say(format!("Only {name} was measured: there is nothing to choose between."), "lanes")];
    let Some(numbers) = summary.lane(&lane.info.lane) else {
        return answer;
    };
    answer.extend(arrival(&name, numbers).map(|text| say(text, "latency")));
    answer.extend(cost(numbers).map(|text| say(text, "bytes")));
    answer
}

/// What half and 99 of 100 deliveries wait.
fn arrival(name: &str, numbers: &LaneSummary) -> Option<String> {
    let quantiles = &numbers.response_time_ns;
    let p50 = time(float(quantiles.p50?));
    let tail = quantiles.p99.map(|p99| format!(", 99 of 100 within {}", time(float(p99))));
    Some(format!("Half of the deliveries of {name} arrive within {p50} of being due{}.", tail.unwrap_or_default()))
}

fn cost(numbers: &LaneSummary) -> Option<String> {
    let wire = bytes(numbers.bytes_per_delivery.stream_total?);
    let cpu = numbers.server.cpu_ns_per_delivery.map(|ns| format!(" and {} of server CPU", time(ns)));
    Some(format!("A delivery costs {wire} on the wire{}.", cpu.unwrap_or_default()))
}

fn among(data: &Dataset, choices: &[&Lane]) -> Vec<Sentence> {
    if !comparable(choices) {
        let blocks = choices.iter().map(|lane| lane.cells.len()).min().unwrap_or(0);
        let text = format!("No difference can be shown: a lane has {blocks} blocks, and six are needed.");
        return vec![
            say(text, "validity"),
            say("The figures below show what was measured; none of it carries a choice.", "latency"),
        ];
    }
    let fastest = unbeaten(data, Metric::Delay, choices);
    let slim = unbeaten(data, Metric::Bytes, &fastest);
    let lean = unbeaten(data, Metric::Cpu, &fastest);
    let both: Vec<&Lane> = slim.iter().copied().filter(|lane| holds(&lean, lane)).collect();
    let mut answer = match both.as_slice() {
        [] => vec![split(&slim, &lean)],
        [pick] => {
            let reason = reason(data, pick, &fastest, (&slim, &lean), choices);
            std::iter::once(recommendation(data, pick, choices)).chain(reason).collect()
        }
        several => vec![equals(data, several)],
    };
    let against = both.first().or(slim.first()).copied();
    answer.extend(against.and_then(|pick| contrasts(data, pick, choices)));
    answer
}

/// Whether every lane has blocks enough for a statement.
fn comparable(choices: &[&Lane]) -> bool {
    choices.iter().all(|lane| median_of(&Metric::Delay.per_block(lane)).1.is_some())
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

fn better(data: &Dataset, metric: Metric, a: &Lane, b: &Lane) -> bool {
    difference(data, metric, a, b).is_some_and(|ratio| ratio.point < 1.0)
}

/// Equally fast lanes of which one spares bytes and another CPU.
fn split(slim: &[&Lane], lean: &[&Lane]) -> Sentence {
    let text = format!(
        "Use {} for the fewest bytes or {} for the least server CPU: they deliver equally soon here (no difference seen).",
        list(slim),
        list(lean)
    );
    say(text, "lanes")
}

fn equals(data: &Dataset, lanes: &[&Lane]) -> Sentence {
    let text =
        format!("{} do equally well for this workload: no difference was seen in {}.", list(lanes), compared(data));
    say(text, "lanes")
}

/// What lanes of this run can be compared by.
const fn compared(data: &Dataset) -> &'static str {
    if data.header.rtt_ns.is_some() { "delay, and nothing else was measured" } else { "delay, bytes or server CPU" }
}

/// The pick, and what a later lane would spare. That other lanes are later is left to [`contrasts`].
fn recommendation(data: &Dataset, pick: &Lane, choices: &[&Lane]) -> Sentence {
    let name = pick.label();
    let spared = |metric| {
        let ratios = choices.iter().filter_map(|lane| Some((*lane, difference(data, metric, lane, pick)?)));
        ratios.filter(|(_, ratio)| ratio.point < 1.0).min_by(|a, b| a.1.point.total_cmp(&b.1.point))
    };
    for (metric, what, proof) in [(Metric::Bytes, "bytes", "bytes"), (Metric::Cpu, "server CPU", "cost")] {
        if let Some((other, ratio)) = spared(metric) {
            let (other, factor) = (other.label(), factor_interval(&ratio));
            return say(format!("Use {name} for the lowest delay, or {other} for {factor} the {what}."), proof);
        }
    }
    say(format!("Use {name} for this workload: no other lane is proven better in {}.", compared(data)), "lanes")
}

fn reason(
    data: &Dataset,
    pick: &Lane,
    fastest: &[&Lane],
    (slim, lean): (&[&Lane], &[&Lane]),
    choices: &[&Lane],
) -> Option<Sentence> {
    if fastest.len() > 1 {
        let rivals: Vec<&Lane> = fastest.iter().copied().filter(|lane| lane.info.lane != pick.info.lane).collect();
        let (what, proof) = match (slim.len(), lean.len()) {
            (1, 1) => (" and costs the fewest bytes and the least server CPU of them", "lanes"),
            (1, _) => (" and costs the fewest bytes of them", "bytes"),
            (_, 1) => (" and costs the least server CPU of them", "cost"),
            _ => ("", "latency"),
        };
        return Some(say(format!("It is as fast as {} here (no difference seen){what}.", list(&rivals)), proof));
    }
    let p50 = |lane: &Lane| lane.response_time.merged.quantile_ns(0.5);
    let half = time(float(p50(pick)?));
    let others = choices.iter().copied().filter(|lane| lane.info.lane != pick.info.lane);
    let next = others.filter_map(|lane| Some((p50(lane)?, lane))).min_by_key(|&(ns, _)| ns).map(|(_, lane)| lane);
    // The latest lane has its factor among the contrasts.
    let latest = farthest(data, Metric::Delay, pick, choices).map(|(lane, _)| &lane.info.lane);
    let next = next.filter(|next| Some(&next.info.lane) != latest);
    let next = next.and_then(|next| Some((next.label(), difference(data, Metric::Delay, next, pick)?)));
    let next = next.map_or_else(String::new, |(name, ratio)| {
        format!("; the next, {name}, takes {} as long", factor_interval(&ratio))
    });
    Some(say(format!("Half of its deliveries arrive within {half} of being due{next}."), "latency"))
}

/// The lane that is proven worse than the pick by the largest factor.
fn farthest<'a>(data: &Dataset, metric: Metric, pick: &Lane, choices: &[&'a Lane]) -> Option<(&'a Lane, Ratio)> {
    let ratios = choices.iter().filter_map(|lane| Some((*lane, difference(data, metric, lane, pick)?)));
    ratios.filter(|(_, ratio)| ratio.point > 1.0).max_by(|a, b| a.1.point.total_cmp(&b.1.point))
}

/// The largest proven differences from the pick: who is latest, who costs the most bytes and the most CPU.
fn contrasts(data: &Dataset, pick: &Lane, choices: &[&Lane]) -> Option<Sentence> {
    let phrases = [
        (Metric::Delay, "takes", "as long"),
        (Metric::Bytes, "costs", "the bytes"),
        (Metric::Cpu, "costs", "the server CPU"),
    ];
    // One clause per lane, in the order in which they are named first.
    let mut clauses: Vec<(String, Vec<String>)> = Vec::new();
    for (metric, verb, what) in phrases {
        let Some((lane, ratio)) = farthest(data, metric, pick, choices) else {
            continue;
        };
        let (name, part) = (lane.label(), format!("{verb} {} {what}", factor_interval(&ratio)));
        match clauses.iter_mut().find(|(named, _)| *named == name) {
            Some((_, parts)) => parts.push(part),
            None => clauses.push((name, vec![part])),
        }
    }
    let clauses: Vec<String> = clauses.iter().map(|(name, parts)| format!("{name} {}", join(parts))).collect();
    (!clauses.is_empty()).then(|| say(format!("Against {}, {}.", pick.label(), clauses.join("; ")), "lanes"))
}

/// The sentence under a figure that compares lanes by one metric: `verb` says what a lane does with its value, `measure` is
/// what a ratio is "as ... as".
pub(crate) fn figure_answer(
    (data, summary, verdict): (&Dataset, &Summary, &Verdict),
    metric: Metric,
    (verb, measure): (&str, &str),
    value: fn(f64) -> String,
) -> String {
    if verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let choices = data.choices();
    let headline = |lane: &Lane| metric.headline(summary.lane(&lane.info.lane)?);
    let mut lanes: Vec<(f64, &Lane)> = choices.iter().filter_map(|lane| Some((headline(lane)?, *lane))).collect();
    lanes.sort_by(|a, b| a.0.total_cmp(&b.0));
    match lanes.as_slice() {
        [] => "Only the floor was measured.".to_owned(),
        [(only, lane)] => format!("{} {verb} {}, the only lane measured.", lane.label(), value(*only)),
        [(least, best), .., (most, worst)] => {
            let Some(ratio) = difference(data, metric, worst, best) else {
                return format!("No difference was seen between {}.", list(&choices));
            };
            let (best, worst, factor) = (best.label(), worst.label(), factor_interval(&ratio));
            format!("{best} {verb} {}, {worst} {}: {factor} as {measure}.", value(*least), value(*most))
        }
    }
}

/// What a lane would do at a distance, said as computed; none for a lane that has no such numbers.
pub(crate) fn computed(lane: &Lane, summary: &Summary) -> Option<String> {
    let computed = summary.lane(&lane.info.lane)?.computed_at_50ms_rtt?;
    let [half, most] = [computed.p50_ns, computed.p99_ns].map(|ns| time(float(ns)));
    Some(format!(
        "Computed, not measured: at {} round trip {} delivers half within {half} and 99 % within {most}, because {} of \
         publications find no request waiting.",
        time_tick(float(computed.rtt_ns)),
        lane.label(),
        percent(computed.share_delayed)
    ))
}

/// Titles joined with commas and an "and".
pub(crate) fn list(lanes: &[&Lane]) -> String {
    join(&lanes.iter().map(|lane| lane.label()).collect::<Vec<_>>())
}

fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
