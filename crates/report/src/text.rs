//! Every sentence that is generated from numbers, in one place.
//!
//! A sentence compares only where [`difference`] holds: beyond the interval and beyond the noise floor. Where it does not,
//! the sentence says that no difference was seen.

use crate::{
    choice::{self, Choice, Sweep, comparable, farthest},
    dataset::{Dataset, Lane},
    numbers::{bytes, count, factor_interval, float, percent, time, time_tick},
    ranking::{Metric, difference, ratio},
    summary::{LaneSummary, Summary},
    verdict::{Status, Verdict, is_interrupted},
};

/// One sentence and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Plain text with its full stop.
    pub(crate) text: String,
    /// The id of a figure, or of a section where no figure shows it; the page of the same run has it.
    pub(crate) proof: &'static str,
}

/// The figure of ratios between lanes.
pub(crate) const DIFFERENCES: &str = "differences-ratios";
/// The figure of what an interval trades for what.
pub(crate) const TRADE: &str = "sensitivity-interval";
/// The figure of delays by quantile.
const QUANTILES: &str = "latency-quantiles";
/// The figure of bytes by category.
const BYTES: &str = "bytes-stack";

/// Under every figure of a run that must not be used.
pub(crate) const INVALID_FIGURE: &str =
    "The run is INVALID: the figure shows what was recorded, not what may be claimed.";

/// The answer in at most four sentences, and behind them what the run lacks of its plan.
pub(crate) fn answer(data: &Dataset, summary: &Summary, verdict: &Verdict) -> Vec<Sentence> {
    let choices = data.choices();
    let mut answer = match choices.as_slice() {
        _ if verdict.status == Status::Invalid => invalid(verdict),
        _ if data.is_silent() => silent(data, summary),
        [] if data.floor().is_none() => vec![say("Nothing was measured: there is nothing to choose between.", "lanes")],
        [] => vec![say("Only the floor was measured: there is nothing to choose between.", "lanes")],
        [only] => single(only, summary),
        choices => among(data, summary, choices),
    };
    answer.extend(missing(data, &choices));
    answer.extend(interrupted(data));
    if choice::reference(data, verdict).is_none() {
        // Then there is no such figure.
        answer
            .iter_mut()
            .filter(|sentence| sentence.proof == DIFFERENCES)
            .for_each(|sentence| sentence.proof = "lanes");
    }
    answer
}

/// Lanes that were to be compared and of which there is no cell.
fn missing(data: &Dataset, choices: &[&Lane]) -> Option<Sentence> {
    let is_missing = |lane: &&Lane| !lane.is_measured() && !data.is_floor(lane);
    let missing: Vec<&Lane> = data.lanes.iter().filter(is_missing).collect();
    let was = if missing.len() > 1 { "were" } else { "was" };
    // With fewer lanes the answer has said already that there is nothing to compare.
    (choices.len() > 1 && !missing.is_empty())
        .then(|| say(format!("Nothing is said of {}, which {was} not measured.", list(&missing)), "validity"))
}

fn interrupted(data: &Dataset) -> Option<Sentence> {
    let whole = data.lanes.iter().map(|lane| lane.cells.len()).min().unwrap_or(0);
    let text = format!("The run was interrupted: {whole} of {} blocks are complete.", data.header.blocks);
    is_interrupted(data).then(|| say(text, "validity"))
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
    answer.extend(arrival(&name, numbers).map(|text| say(text, QUANTILES)));
    answer.extend(cost(numbers).map(|text| say(text, BYTES)));
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

fn among(data: &Dataset, summary: &Summary, choices: &[&Lane]) -> Vec<Sentence> {
    if !comparable(choices) {
        let blocks = choices.iter().map(|lane| lane.cells.len()).min().unwrap_or(0);
        let text = format!("No difference can be shown: a lane has {blocks} blocks, and six are needed.");
        return vec![
            say(text, "validity"),
            say("The figures below show what was measured; none of it carries a choice.", "latency"),
        ];
    }
    let choice = Choice::among(data, choices);
    // Lanes of a sweep have a sentence of their own.
    let sweeps = choice::sweeps(data);
    let alone = choices.iter().copied().filter(|lane| sweeps.iter().all(|sweep| !sweep.holds(lane)));
    let alone: Vec<&Lane> = alone.collect();
    let mut answer = match choice.both.as_slice() {
        [] => vec![split(&choice)],
        [pick] => {
            let reason = reason(data, summary, (*pick, &choice), &alone);
            std::iter::once(recommendation(data, pick, choices)).chain(reason).collect()
        }
        several => vec![equals(data, several)],
    };
    let against = choice.reference();
    answer.extend(against.and_then(|pick| contrasts(data, pick, &alone)));
    answer.extend(trades(data, summary, against));
    answer
}

/// Equally fast lanes of which one spares bytes and another CPU.
fn split(choice: &Choice<'_>) -> Sentence {
    let text = format!(
        "Use {} for the fewest bytes or {} for the least server CPU: they deliver equally soon here (no difference seen).",
        list(&choice.slim),
        list(&choice.lean)
    );
    say(text, DIFFERENCES)
}

fn equals(data: &Dataset, lanes: &[&Lane]) -> Sentence {
    let text =
        format!("{} do equally well for this workload: no difference was seen in {}.", list(lanes), compared(data));
    say(text, DIFFERENCES)
}

/// What lanes of this run can be compared by.
fn compared(data: &Dataset) -> &'static str {
    let measured = |metric: Metric| data.choices().iter().any(|lane| !metric.per_block(lane).is_empty());
    match (measured(Metric::Bytes), measured(Metric::Cpu)) {
        (true, true) => "delay, bytes or server CPU",
        (true, false) => "delay or bytes, and CPU was not measured",
        (false, true) => "delay or server CPU, and bytes were not measured",
        (false, false) => "delay, and nothing else was measured",
    }
}

/// The pick, and what a later lane would spare. That other lanes are later is left to [`contrasts`].
fn recommendation(data: &Dataset, pick: &Lane, choices: &[&Lane]) -> Sentence {
    let name = pick.label();
    let spared = |metric| {
        let ratios = choices.iter().filter_map(|lane| Some((*lane, difference(data, metric, lane, pick)?)));
        ratios.filter(|(_, ratio)| ratio.point < 1.0).min_by(|a, b| a.1.point.total_cmp(&b.1.point))
    };
    for (metric, what) in [(Metric::Bytes, "bytes"), (Metric::Cpu, "server CPU")] {
        if let Some((other, ratio)) = spared(metric) {
            let (other, factor) = (other.label(), factor_interval(&ratio));
            return say(format!("Use {name} where delay counts, or {other} for {factor} the {what}."), DIFFERENCES);
        }
    }
    say(format!("Use {name} for this workload: no other lane is proven better in {}.", compared(data)), DIFFERENCES)
}

fn reason(
    data: &Dataset,
    summary: &Summary,
    (pick, choice): (&Lane, &Choice<'_>),
    choices: &[&Lane],
) -> Option<Sentence> {
    if choice.fastest.len() > 1 {
        let rivals = others(pick, &choice.fastest);
        let what = match (choice.slim.len(), choice.lean.len()) {
            (1, 1) => " and costs the fewest bytes and the least server CPU of them",
            (1, _) => " and costs the fewest bytes of them",
            (_, 1) => " and costs the least server CPU of them",
            _ => "",
        };
        let text = format!("{} is as fast as {} here (no difference seen){what}.", pick.label(), list(&rivals));
        return Some(say(text, DIFFERENCES));
    }
    let p50 = |lane: &Lane| Metric::Delay.headline(summary.lane(&lane.info.lane)?);
    let half = time(p50(pick)?);
    let measured = others(pick, choices).into_iter().filter_map(|lane| Some((p50(lane)?, lane)));
    let next = measured.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, lane)| lane);
    // The latest lane has its factor among the contrasts.
    let latest = farthest(data, Metric::Delay, pick, choices).map(|(lane, _)| &lane.info.lane);
    let next = next.filter(|next| Some(&next.info.lane) != latest);
    let next = next.and_then(|next| Some((next.label(), difference(data, Metric::Delay, next, pick)?)));
    let next = next.map_or_else(String::new, |(name, ratio)| {
        format!("; the next, {name}, takes {} as long", factor_interval(&ratio))
    });
    Some(say(format!("Half of the deliveries of {} arrive within {half} of being due{next}.", pick.label()), QUANTILES))
}

fn others<'a>(pick: &Lane, lanes: &[&'a Lane]) -> Vec<&'a Lane> {
    lanes.iter().copied().filter(|lane| lane.info.lane != pick.info.lane).collect()
}

/// The largest proven differences from the pick: who is latest, who costs the most bytes and the most CPU.
fn contrasts(data: &Dataset, pick: &Lane, choices: &[&Lane]) -> Option<Sentence> {
    let phrases = [(Metric::Delay, "as long"), (Metric::Bytes, "the bytes"), (Metric::Cpu, "the server CPU")];
    // One clause per lane, in the order in which they are named first: how long it takes, what it costs.
    let mut clauses: Vec<(String, [Vec<String>; 2])> = Vec::new();
    for (metric, what) in phrases {
        let Some((lane, ratio)) = farthest(data, metric, pick, choices) else {
            continue;
        };
        let (name, part) = (lane.label(), format!("{} {what}", factor_interval(&ratio)));
        let place = clauses.iter().position(|(named, _)| *named == name).unwrap_or(clauses.len());
        if place == clauses.len() {
            clauses.push((name, Default::default()));
        }
        clauses[place].1[usize::from(metric != Metric::Delay)].push(part);
    }
    let clause = |(name, parts): &(String, [Vec<String>; 2])| {
        let parts = parts.iter().zip(["takes", "costs"]).filter(|(parts, _)| !parts.is_empty());
        let parts: Vec<String> = parts.map(|(parts, verb)| format!("{verb} {}", join(parts))).collect();
        format!("{name} {}", join(&parts))
    };
    let clauses: Vec<String> = clauses.iter().map(clause).collect();
    (!clauses.is_empty()).then(|| say(format!("Against {}, {}.", pick.label(), clauses.join("; ")), DIFFERENCES))
}

/// A sentence for every transport that was measured at several intervals.
pub(crate) fn trades(data: &Dataset, summary: &Summary, pick: Option<&Lane>) -> Vec<Sentence> {
    choice::sweeps(data).iter().filter_map(|sweep| trade(data, summary, sweep, pick)).collect()
}

/// What the shortest interval costs and gains beside the longest, and how far it stays behind the pick.
fn trade(data: &Dataset, summary: &Summary, sweep: &Sweep<'_>, pick: Option<&Lane>) -> Option<Sentence> {
    let [(shortest, often), (longest, seldom)] = sweep.ends()?;
    let [short, long] = [shortest, longest].map(|ns| format!("every {}", time_tick(float(ns))));
    let factor = |metric, a: &Lane, b: &Lane| difference(data, metric, a, b).map(|ratio| factor_interval(&ratio));
    let costs = [(Metric::Bytes, "the bytes"), (Metric::Cpu, "the server CPU")];
    let costs = costs.map(|(metric, what)| Some(format!("{} {what}", factor(metric, often, seldom)?)));
    let costs: Vec<String> = costs.into_iter().flatten().collect();
    let gain = factor(Metric::Delay, seldom, often);
    let (name, spent) = (&often.info.title, join(&costs));
    let trade = match (costs.is_empty(), gain) {
        (false, Some(gain)) => format!("{name} {short} costs {spent} of {long}, which takes {gain} as long"),
        (false, None) => format!("{name} {short} costs {spent} of {long}, and no difference was seen in delay"),
        (true, Some(gain)) => {
            let rest = if often.times_only {
                "nothing else was measured"
            } else {
                "no difference was seen in bytes or server CPU"
            };
            format!("{name} {long} takes {gain} as long as {short}, and {rest}")
        }
        (true, None) => {
            format!("No difference was seen between {name} {short} and {long} in {}", compared(data))
        }
    };
    let behind = pick.filter(|pick| pick.info.transport != often.info.transport).and_then(|pick| {
        let ratio = difference(data, Metric::Delay, often, pick).filter(|ratio| ratio.point > 1.0)?;
        Some(format!("; {short} still takes {} as long as {}", factor_interval(&ratio), pick.label()))
    });
    let proof = if sweep.is_plotted(summary) { TRADE } else { DIFFERENCES };
    Some(say(format!("{trade}{}.", behind.unwrap_or_default()), proof))
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
        several => {
            let proven = |(_, best): &(f64, &Lane), (_, worst): &(f64, &Lane)| {
                difference(data, metric, worst, best).filter(|ratio| ratio.point > 1.0)
            };
            let Some(((least, best), (most, worst), ratio)) = widest(several, proven) else {
                let named: Vec<&Lane> = choices.iter().copied().filter(|lane| headline(lane).is_some()).collect();
                return unseen(&named, |a, b| ratio(metric, a, b).is_some());
            };
            let (best, worst, factor) = (best.label(), worst.label(), factor_interval(&ratio));
            format!("{best} {verb} {}, {worst} {}: {factor} as {measure}.", value(*least), value(*most))
        }
    }
}

/// Of values in rising order the pair that lies farthest apart among those that `proven` finds apart: the ends first, because
/// what is proven of others need not be proven of them, nor the other way round.
pub(crate) fn widest<T, R>(rising: &[T], proven: impl Fn(&T, &T) -> Option<R>) -> Option<(&T, &T, R)> {
    let last = rising.len().checked_sub(1)?;
    let pairs = (1..=last).rev().flat_map(|span| (0..=last - span).map(move |from| (from, from + span)));
    let mut pairs = pairs.map(|(from, to)| (&rising[from], &rising[to]));
    pairs.find_map(|(a, b)| Some((a, b, proven(a, b)?)))
}

/// What is said of lanes of which no pair is proven apart: that nothing was seen, or that nothing could be.
pub(crate) fn unseen(lanes: &[&Lane], comparable: impl Fn(&Lane, &Lane) -> bool) -> String {
    let pairs = lanes.iter().enumerate().flat_map(|(index, a)| lanes[..index].iter().map(move |b| (a, b)));
    if pairs.into_iter().all(|(a, b)| comparable(a, b)) {
        format!("No difference was seen between {}.", list(lanes))
    } else {
        format!("There are too few blocks to compare {}.", list(lanes))
    }
}

/// What a lane has of something that no [`Metric`] ranks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured<'a> {
    /// The lane.
    pub(crate) lane: &'a Lane,
    /// Over all blocks.
    pub(crate) value: f64,
    /// Over blocks.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Measured<'_> {
    /// Whether the whole interval lies below that of another lane. Blocks are not paired here, so this finds fewer
    /// differences than a ratio would.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self.interval.zip(other.interval).is_some_and(|((_, high), (low, _))| high < low)
    }
}

/// The sentence under a figure of values that no [`Metric`] ranks. `differ` decides whether the lane with the least and the
/// one with the most may be named beside one another, `say` names them; of a lane that is alone it says what that one has.
pub(crate) fn extremes_answer<'a>(
    (data, verdict): (&Dataset, &Verdict),
    values: &[Measured<'a>],
    differ: impl Fn(&Measured<'a>, &Measured<'a>) -> bool,
    say: impl Fn(&Measured<'a>, Option<&Measured<'a>>) -> String,
) -> String {
    if verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let mut choices: Vec<&Measured<'a>> = values.iter().filter(|measured| !data.is_floor(measured.lane)).collect();
    let lanes: Vec<&Lane> = choices.iter().map(|measured| measured.lane).collect();
    choices.sort_by(|a, b| a.value.total_cmp(&b.value));
    match choices.as_slice() {
        [] => "Only the floor was measured.".to_owned(),
        [only] => say(only, None),
        several => {
            let apart = widest(several, |a, b| differ(a, b).then_some(()));
            apart.map_or_else(
                || {
                    let with = |lane: &Lane| values.iter().find(|measured| measured.lane.info.lane == lane.info.lane);
                    let known = |lane: &Lane| with(lane).is_some_and(|measured| measured.interval.is_some());
                    unseen(&lanes, |a, b| known(a) && known(b))
                },
                |(least, most, ())| say(least, Some(most)),
            )
        }
    }
}

/// The sentence under the ledger: what became of all deliveries of all lanes. It says what was recorded of an INVALID run too,
/// because that is most often why it is INVALID.
pub(crate) fn ledger_answer(verdict: &Verdict, expected: u64, problems: &[String]) -> String {
    let expected = count(expected);
    let found = if problems.is_empty() {
        format!("Every one of the {expected} expected deliveries arrived, once and in order.")
    } else {
        format!("Of {expected} expected deliveries: {}.", problems.join(", "))
    };
    if verdict.status == Status::Invalid { format!("{found} {INVALID_FIGURE}") } else { found }
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

/// Words joined likewise.
pub(crate) fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
