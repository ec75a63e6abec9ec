//! Mistakes of what is asked of the server, and of when it is said to have answered.

use super::{Handled, Pitfall, entry, some, worst_ns};
use crate::{
    charts::Input,
    dataset::{Dataset, Lane},
    detect,
    numbers::{count, float, three_digits, time},
};

/// All of this theme.
pub(super) fn entries(run: Input<'_>) -> Vec<Pitfall> {
    let of_feed = [lost(run), late_publisher(run)];
    let of_pollers = [phases(run.data), rhythm(run.data), gap_between_polls(run), first_of_a_crowd(run)];
    let of_workload = [fast_room(run.data), small_fleet(run.data)];
    let all = [omission(run.data)].into_iter().chain(of_feed).chain([Some(clock(run.data))]);
    all.chain(of_pollers).chain(of_workload).flatten().collect()
}

/// None where nothing is due: a run that only waits omits nothing.
fn omission(data: &Dataset) -> Option<Pitfall> {
    let name = "Coordinated omission: a stalled server that is asked less";
    if data.is_silent() {
        let due: u64 = data.all_cells().filter_map(|cell| cell.connects.as_ref()).map(|connects| connects.due).sum();
        let how = "Subscriptions are begun at instants fixed before, whatever became of the one before, and time \
        counts from there";
        return (due > 0).then(|| entry(1, name, Handled::Yes, format!("{how}; {} were due.", count(due))));
    }
    let sum = |value: fn(&record::Cell) -> u64| data.all_cells().map(value).sum::<u64>();
    let (offered, sent) = (sum(|cell| cell.offered), sum(|cell| cell.sent));
    let how = format!(
        "Publications are due by a schedule that waits for no answer, and delay counts from the due instant. {} were \
         due in all \
         cells and {} were written.",
        count(offered),
        if sent == offered { "all".to_owned() } else { count(sent) }
    );
    Some(entry(1, name, Handled::when(sent == offered, Handled::Partly), how))
}

fn lost(run: Input<'_>) -> Option<Pitfall> {
    if run.data.is_silent() {
        return None;
    }
    let sum =
        |value: fn(&record::Deliveries) -> u64| run.data.all_cells().map(|cell| value(&cell.deliveries)).sum::<u64>();
    let (expected, lost) = (sum(|d| d.expected), sum(|d| d.lost));
    let came = if lost == 0 {
        format!("All of {} expected deliveries came.", count(expected))
    } else {
        format!("{} of {} expected deliveries never came.", count(lost), count(expected))
    };
    let how = format!("{came} One that never comes is infinitely late in every quantile and makes the run INVALID.");
    Some(entry(4, "Losses that improve the average", Handled::when(lost == 0, Handled::No), how))
}

fn late_publisher(run: Input<'_>) -> Option<Pitfall> {
    if run.data.is_silent() {
        return None;
    }
    let name = "A late publisher read as a slow transport";
    let half = worst_ns(run, |lane| lane.publish_delay_ns.p50);
    let Some((half, lane)) = half else {
        return Some(entry(
            5,
            name,
            Handled::Partly,
            "There were too few publications to say how late they were written.",
        ));
    };
    let tail = worst_ns(run, |lane| lane.publish_delay_ns.p99);
    let tail = tail.map_or_else(String::new, |(ns, lane)| format!(", one in 100 by {} or more ({lane})", time(ns)));
    let tails = run.verdict.withdrawn.iter().filter(|claim| claim.against.is_none()).count() as u64;
    let withdrawn = if tails == 0 { "No p99 had".to_owned() } else { format!("{} had", some(tails, "p99")) };
    let how = format!(
        "The publish delay is in the record: half of the publications were written {} or more after they were due in \
         the latest lane \
         ({lane}){tail}. {withdrawn} to be withdrawn for it.",
        time(half)
    );
    Some(entry(5, name, Handled::Yes, how))
}

fn clock(data: &Dataset) -> Pitfall {
    let name = "A clock that is set, or two clocks that differ";
    let recorders = |lane: &Lane| {
        let timings =
            [&lane.response_time, &lane.service_time, &lane.publish_delay, &lane.receive_lag, &lane.connect_time];
        timings.map(|timing| timing.merged.negative_count()).iter().sum::<u64>()
    };
    let below: u64 = data.lanes.iter().chain(&data.twin).map(recorders).sum();
    let source = data.header.host.environment.clocksource.as_deref();
    let source = source.map_or_else(String::new, |source| format!(" (the kernel reads {source})"));
    let below = if below == 0 { "no sample is".to_owned() } else { format!("{} are", some(below, "sample")) };
    if !data.header.host.loopback {
        let how = format!(
            "The server was on another host, and {below} below zero: what two clocks differ by is in every delay."
        );
        return entry(8, name, Handled::No, how);
    }
    let how = format!(
        "Both ends stamp with one monotonic clock of one host{source}; no message carries a time. {} below zero.",
        capital(&below)
    );
    entry(7, name, Handled::Yes, how)
}

/// None in a run whose lanes do not ask by the clock.
fn phases(data: &Dataset) -> Option<Pitfall> {
    let name = "Pollers in step with each other or with the feed";
    let pollers = || data.lanes.iter().filter(|lane| lane.info.interval_ns.is_some() && lane.is_measured());
    pollers().next()?;
    let cells = pollers().flat_map(|lane| lane.cells.iter());
    let Some(unevenness) = cells.filter_map(|cell| detect::unevenness(&cell.phases)).reduce(f64::max) else {
        return Some(entry(9, name, Handled::No, "The record does not hold when the pollers asked."));
    };
    let how = format!(
        "Phases are spread over the poll interval and drawn anew in every block. Their distance from an even spread is \
         {} at worst; 5 % of \
         random draws exceed {}.",
        three_digits(unevenness),
        detect::UNEVEN_PHASES
    );
    Some(entry(9, name, Handled::when(unevenness <= detect::UNEVEN_PHASES, Handled::No), how))
}

fn rhythm(data: &Dataset) -> Option<Pitfall> {
    let name = "Sampling at a period that something else has too";
    if data.is_silent() {
        return None;
    }
    Some(if data.header.scenario.arrivals == "poisson" {
        let how =
            "Publications arrive as a Poisson process, so that a timer or a poll is not always met at the same place.";
        entry(10, name, Handled::Yes, how)
    } else {
        let arrivals = &data.header.scenario.arrivals;
        let how = format!("Arrivals are {arrivals}: whatever has the same period was always met at the same place.");
        entry(10, name, Handled::No, how)
    })
}

/// None in a run without a lane that asks again after every answer.
fn gap_between_polls(run: Input<'_>) -> Option<Pitfall> {
    // One that asks only until it has something better has no such gap in its feed.
    let asks = |lane: &&Lane| lane.sum(|cell| cell.window.requests) > 0;
    let gap = |lane: &Lane| Some((float(run.summary.lane(&lane.info.lane)?.rearm_gap_ns?.p50?), lane.label()));
    let gaps = run.data.lanes.iter().filter(asks).filter_map(gap);
    let (gap, lane) = gaps.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let at_a_distance = if run.data.header.rtt_ns.is_some() {
        "Behind the round trip of this run that wait is in the delay."
    } else {
        "Over a network the gap grows by a round trip; what that costs is computed on this page, not measured."
    };
    let handled = Handled::when(run.data.header.rtt_ns.is_some(), Handled::Partly);
    let how = format!(
        "What is published between an answer and the next request waits for it and is not lost. Half of the requests \
         followed after {} or more \
         in the slowest lane ({lane}). {at_a_distance}",
        time(gap)
    );
    Some(entry(11, "Held requests without the gap between answer and next request", handled, how))
}

fn first_of_a_crowd(run: Input<'_>) -> Option<Pitfall> {
    let (spread, lane) = worst_ns(run, |lane| lane.fanout_spread_ns.p50)?;
    let how = format!(
        "Every subscriber's delivery counts. From the first to the last of one publication pass {} at the median in \
         the widest lane ({lane}). \
         Who stood where in the order is not kept.",
        time(spread)
    );
    Some(entry(12, "The first of a crowd taken for all of it", Handled::Partly, how))
}

fn fast_room(data: &Dataset) -> Option<Pitfall> {
    if data.is_silent() {
        return None;
    }
    let scenario = &data.header.scenario;
    let name = "One fast room, in which a poll brings many publications";
    let per_response = data.lanes.iter().filter_map(|lane| {
        let total = |value: fn(&record::Window) -> u64| lane.sum(|cell| value(&cell.window));
        let answers = total(|window| window.responses_with_items);
        (answers > 0).then(|| float(total(|window| window.deliveries)) / float(answers))
    });
    let per_response = per_response.reduce(f64::max).map_or_else(String::new, |most| {
        format!(
            " In no lane did an answer that was not empty bring more than {} deliveries on average.",
            three_digits(most)
        )
    });
    let (rooms, rate) = (some(scenario.rooms.into(), "room"), scenario.rate_hz);
    let handled = Handled::when(scenario.rooms > 1, Handled::Partly);
    let how = format!("{} with {rate} publications a second in each.{per_response}", capital(&rooms));
    Some(entry(None, name, handled, how))
}

fn small_fleet(data: &Dataset) -> Option<Pitfall> {
    let subscribers = data.header.scenario.subscribers;
    let most = data.all_cells().map(|cell| cell.subscribers).max()?;
    let how = format!(
        "At most {} of {} were connected at a time. No figure of this page is a capacity, and none says what ten times \
         as many cost.",
        count(most.into()),
        some(subscribers.into(), "subscriber")
    );
    Some(entry(None, "A small fleet taken for a large one", Handled::Partly, how))
}

/// The first letter as a sentence begins with it.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
