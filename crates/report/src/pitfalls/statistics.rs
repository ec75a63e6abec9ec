//! Mistakes of turning samples into statements.

use super::{Handled, Pitfall, entry, some};
use crate::{
    charts::Input,
    dataset::{Dataset, Lane},
    drift,
    numbers::{count, excess_percent, float, time, time_tick},
    prose::repeated,
    ranking::Metric,
    summarise::largest_quantile,
    verdict::Status,
};

/// Fewer blocks make no interval.
const BLOCKS: u64 = 6;

/// All of this theme.
pub(super) fn entries(run: Input<'_>) -> Vec<Pitfall> {
    let data = run.data;
    let all = [
        Some(averaged(data)),
        Some(clamped(data)),
        few_samples(data),
        neighbours(data),
        Some(warm_up(data)),
        Some(one_run(data)),
        Some(order(data)),
        many_comparisons(run),
        noise(run),
        Some(dropped(data)),
        no_base(run),
    ];
    all.into_iter().flatten().collect()
}

/// Blocks of the lane that has the fewest.
fn blocks(data: &Dataset) -> u64 {
    data.lanes.iter().filter(|lane| lane.is_measured()).map(|lane| lane.cells.len() as u64).min().unwrap_or(0)
}

fn averaged(data: &Dataset) -> Pitfall {
    let how = format!(
        "The histograms of {} are merged and then read; across blocks whole values are compared. No percentile is \
         averaged.",
        some(blocks(data), "block")
    );
    entry(13, "Averaged percentiles", Handled::Yes, how)
}

fn clamped(data: &Dataset) -> Pitfall {
    let beyond: u64 = data
        .lanes
        .iter()
        .map(|lane| lane.response_time.merged.saturated_count() + lane.connect_time.merged.saturated_count())
        .sum();
    let beyond = if beyond == 0 { "None was".to_owned() } else { format!("{} were", count(beyond)) };
    let how = format!(
        "Three significant digits up to 120 s, without interpolation. {beyond} beyond; such samples are counted, not \
         moved."
    );
    entry(14, "Histograms that round or clamp", Handled::Yes, how)
}

fn few_samples(data: &Dataset) -> Option<Pitfall> {
    if data.is_silent() {
        return None;
    }
    let publishes = data.lanes.iter().filter(|lane| lane.is_measured()).map(Lane::publishes).min()?;
    let carried = largest_quantile(publishes);
    let carried = carried.map_or_else(|| "no quantile".to_owned(), |q| format!("quantiles up to the p{}", q * 100.0));
    let how = format!(
        "A quantile takes ten publications beyond it, however many subscribers each had. The lane with the fewest has \
         {}, which carry \
         {carried}; others are not shown.",
        count(publishes)
    );
    Some(entry(15, "A tail from a handful of samples, or from copies of one", Handled::Yes, how))
}

fn neighbours(data: &Dataset) -> Option<Pitfall> {
    if data.is_silent() {
        return None;
    }
    let name = "Neighbours that resemble each other, and a system that drifts";
    let tested = data.lanes.iter().filter_map(drift::of).count() as u64;
    if tested == 0 {
        let window = time_tick(float(data.header.scenario.window_ns));
        let how = format!(
            "Intervals are over blocks, not over samples. Windows of {window} and {} are too little for the test of \
             drift inside a window.",
            some(blocks(data), "block")
        );
        return Some(entry(16, name, Handled::Partly, how));
    }
    let seen = data.lanes.iter().filter_map(drift::of).filter(drift::is_seen).count() as u64;
    let seen = if seen == 0 { "in none".to_owned() } else { format!("in {}", count(seen)) };
    let how = format!(
        "Intervals are over blocks, not over samples. In {} the last third of the windows was held against the first, \
         and a drift was \
         seen {seen}.",
        some(tested, "lane")
    );
    Some(entry(16, name, Handled::Yes, how))
}

fn warm_up(data: &Dataset) -> Pitfall {
    let how = format!(
        "The first {} of a cell are not counted, nor is a whole poll interval where that is longer: a time fixed before and \
         not by looking at the data. That it was long enough only the test of drift can tell.",
        time(float(data.header.scenario.warm_up_ns))
    );
    entry(17, "Measuring the warm-up", Handled::Partly, how)
}

fn one_run(data: &Dataset) -> Pitfall {
    let (blocks, planned) = (blocks(data), data.header.blocks);
    let enough = blocks >= BLOCKS;
    let rest = if enough {
        "intervals are order statistics over them, and no block is chosen."
    } else {
        "an interval takes six, so that nothing is compared here."
    };
    let how = format!("Every lane ran in {blocks} of {planned} blocks; {rest}");
    entry(18, "One run, or the best one", Handled::when(enough, Handled::No), how)
}

fn order(data: &Dataset) -> Pitfall {
    let how = format!(
        "A new shuffled order in each of {}, and a fresh server process for each of {}. There is no pause to cool down.",
        some(blocks(data), "block"),
        some(data.all_cells().count() as u64, "cell")
    );
    entry(19, "What runs later runs on what earlier runs left", Handled::Yes, how)
}

/// None where nothing is compared.
fn many_comparisons(run: Input<'_>) -> Option<Pitfall> {
    let lanes = run.data.choices().len() as u64;
    if lanes < 2 || run.verdict.status == Status::Invalid || run.data.is_silent() {
        return None;
    }
    let withdrawn = run.verdict.withdrawn.iter().filter(|claim| claim.against.is_some()).count();
    let is_measured = |metric: &Metric| run.data.choices().iter().any(|lane| !metric.per_block(lane).is_empty());
    let metrics = Metric::ALL.into_iter().filter(is_measured);
    let how = format!(
        "{} lanes make {} in each of {}. Differences that noise or the ruler's own lag explain are not \
         claimed, {withdrawn} of them here; \
         there is no correction for how many are looked at.",
        count(lanes),
        some(lanes * (lanes - 1) / 2, "pair"),
        some(metrics.count() as u64, "metric")
    );
    Some(entry(20, "Many comparisons, some of them lucky", Handled::Partly, how))
}

fn noise(run: Input<'_>) -> Option<Pitfall> {
    if run.data.is_silent() {
        return None;
    }
    let name = "Noise read as a difference";
    let Some(twin) = run.data.twinned().filter(|_| run.data.twin.is_some()) else {
        let how = "No lane ran twice, so that what equal lanes differ by is not known: differences stand on their \
        intervals alone.";
        return Some(entry(20, name, Handled::No, how));
    };
    let floor = &run.summary.noise_floor;
    let floors = [
        ("the p50", floor.response_time_p50),
        ("bytes", floor.stream_total),
        ("server CPU", floor.cpu_ns_per_delivery),
    ];
    let known = floors.into_iter().filter_map(|(of, factor)| Some(format!("{} in {of}", excess_percent(factor?))));
    let known: Vec<String> = known.collect();
    let lane = twin.label();
    Some(if known.is_empty() {
        let how = format!("{lane} ran twice, but in too few blocks to say what equal lanes differ by.");
        entry(20, name, Handled::No, how)
    } else {
        let how = format!(
            "{lane} has a twin in every block and differed from it by up to {}. No smaller claim of these is made.",
            known.join(", ")
        );
        entry(20, name, Handled::Yes, how)
    })
}

fn dropped(data: &Dataset) -> Pitfall {
    let cells = some(data.all_cells().count() as u64, "cell");
    let kept = repeated(data).unwrap_or_else(|| format!("No cell was run again: {cells} are in the figures."));
    let how = format!("{kept} What caused a maximum is not looked for.");
    entry(21, "Outliers that are dropped, or one maximum taken for a fact", Handled::Partly, how)
}

/// None where no CPU was measured.
fn no_base(run: Input<'_>) -> Option<Pitfall> {
    let cpu = |lane: &Lane| run.summary.lane(&lane.info.lane)?.server.cpu_ns_per_delivery;
    run.data.lanes.iter().find_map(cpu)?;
    let name = "Ratios without what they are ratios of";
    Some(match run.data.floor().and_then(|floor| Some((floor.label(), cpu(floor)?))) {
        Some((floor, ns)) => {
            let how = format!(
                "Bytes are absolute. CPU stands beside its ratio to {floor}, which takes {} a delivery here.",
                time(ns)
            );
            entry(22, name, Handled::Yes, how)
        }
        None => entry(
            22,
            name,
            Handled::Partly,
            "Bytes and CPU are absolute; there is no floor in this run to hold CPU against.",
        ),
    })
}
