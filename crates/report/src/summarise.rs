//! Fills `summary.json` from a dataset.

use measure::{
    Category, NoiseFloor, Recorder,
    tcp_info::{SEGMENT_BYTES, SYN_BYTES},
};
use record::{ByteCounts, Cell, MemoryPoint, Publisher, Segments};

use crate::{
    dataset::{Dataset, Lane, PerBlock, Timing, per},
    drift, gate,
    numbers::{float, whole},
    ranking::{Metric, median_of, noise_floor, ranking, ratio_of},
    summary::{
        BytesSummary, CategoryBytes, CellSummary, Computed, DeliveriesSummary, DriftSummary, GeneratorSummary,
        HostSummary, Interval, LaneSummary, MemorySummary, NoiseSummary, Quantiles, ServerSummary, Summary,
        VerdictSummary,
    },
    verdict::{Status, Verdict},
};

/// Of `summary.json`.
const VERSION: u32 = 1;
/// Below it, the kernel's steps of 10 ms would tell too little of how CPU was split.
const SPLIT_NS: u64 = 2_000_000_000;
/// A quantile is given when this many independent samples lie beyond it.
const SAMPLES_BEYOND: u64 = 10;

/// The whole run in numbers.
pub(crate) fn summarise(data: &Dataset, verdict: &Verdict) -> Summary {
    let header = &data.header;
    let noise = |metric| noise_floor(data, metric).map(NoiseFloor::factor);
    Summary {
        version: VERSION,
        scenario: header.scenario.name.clone(),
        profile: header.profile.clone(),
        seed: header.seed,
        verdict: VerdictSummary {
            status: verdict.status,
            reasons: verdict.reasons.clone(),
            withdrawn: verdict.withdrawn.clone(),
        },
        host: HostSummary {
            id: header.host.id.clone(),
            cores: header.host.cores,
            kernel: header.host.kernel.clone(),
            loopback: header.host.loopback,
            realtime: header.host.realtime,
        },
        rtt_ns: header.rtt_ns,
        headers: header.headers.clone(),
        lanes: data.lanes.iter().map(|lane| (lane.info.lane.clone(), lane_summary(data, verdict, lane))).collect(),
        noise_floor: NoiseSummary {
            response_time_p50: noise(Metric::Delay),
            cpu_ns_per_delivery: noise(Metric::Cpu),
            stream_total: noise(Metric::Bytes),
        },
        ranking: if verdict.status == Status::Invalid { Vec::new() } else { ranking(data) },
    }
}

fn lane_summary(data: &Dataset, verdict: &Verdict, lane: &Lane) -> LaneSummary {
    let window = |value: fn(&Cell) -> u64| lane.sum(value);
    let costs = !lane.times_only;
    let deliveries = window(|cell| cell.window.deliveries);
    let publishes = lane.publishes();
    let by_publication = |timing: &Timing| quantiles(timing, publishes);
    let by_sample = |timing: &Timing| quantiles(timing, timing.merged.len());
    let response_time_ns = by_publication(&lane.response_time);
    let rearm_gap_ns = (!lane.rearm_gap.blocks.is_empty()).then(|| by_sample(&lane.rearm_gap));
    LaneSummary {
        blocks: lane.cells.len() as u64,
        publishes,
        deliveries: deliveries_summary(data, lane),
        response_time_ns,
        service_time_ns: by_publication(&lane.service_time),
        publish_delay_ns: by_publication(&lane.publish_delay),
        fanout_spread_ns: by_publication(&lane.fanout_spread),
        receive_lag_ns: by_sample(&lane.receive_lag),
        time_to_first_delivery_ns: by_sample(&lane.time_to_first_delivery),
        rearm_gap_ns,
        computed_at_50ms_rtt: computed(data, verdict, lane, &response_time_ns, rearm_gap_ns.as_ref()),
        bytes_per_delivery: if costs { bytes(data, lane) } else { BytesSummary::default() },
        setup_bytes: setup_bytes(lane).filter(|_| costs),
        idle_per_minute: idle_per_minute(data, lane).filter(|_| costs),
        connect_time_ns: (!lane.connect_time.blocks.is_empty()).then(|| by_sample(&lane.connect_time)),
        bytes_per_connect: bytes_per_connect(lane).filter(|_| costs),
        requests_per_delivery: per(window(|cell| cell.window.requests), deliveries).filter(|_| costs),
        deliveries_per_response: per(deliveries, window(|cell| cell.window.responses_with_items)).filter(|_| costs),
        server: server(data, lane),
        generator: generator(lane),
        drift: drift::of(lane).map(|ratio| DriftSummary {
            ratio: ratio.point,
            ratio_ci: [Some(ratio.low), Some(ratio.high)],
            seen: drift::is_seen(&ratio),
        }),
        cells: cells(lane),
    }
}

/// None where the model does not hold: arrivals that are not random, members that publish, a path with a round trip of its own, an INVALID run.
fn computed(
    data: &Dataset,
    verdict: &Verdict,
    lane: &Lane,
    response: &Quantiles,
    rearm: Option<&Quantiles>,
) -> Option<Computed> {
    let scenario = &data.header.scenario;
    // With a round trip of its own the run needs no computed one.
    let near = data.header.host.loopback && data.header.rtt_ns.is_none();
    let beside_the_server = scenario.publisher == Publisher::Neutral;
    let holds = near && beside_the_server && scenario.arrivals == "poisson" && verdict.status != Status::Invalid;
    let (response, rearm, hold) = (response.p50?, rearm?.p50?, lane.info.hold_ns?);
    holds.then(|| gate::computed(scenario.rate_hz, response, rearm, hold))
}

fn deliveries_summary(data: &Dataset, lane: &Lane) -> DeliveriesSummary {
    let total = |value: fn(&Cell) -> u64| (lane.is_measured() && !data.is_silent()).then(|| lane.sum(value));
    DeliveriesSummary {
        expected: total(|cell| cell.deliveries.expected),
        delivered: total(|cell| cell.deliveries.delivered),
        lost: total(|cell| cell.deliveries.lost),
        duplicated: total(|cell| cell.deliveries.duplicated),
        reordered: total(|cell| cell.deliveries.reordered),
        replayed: total(|cell| cell.deliveries.replayed),
        gaps_told: total(|cell| cell.deliveries.gaps_told),
    }
}

/// Of every thousand samples, `beyond_per_mille` lie beyond the quantile.
fn carries(samples: u64, beyond_per_mille: u64) -> bool {
    samples.saturating_mul(beyond_per_mille) >= SAMPLES_BEYOND * 1_000
}

/// The largest quantile of the response time that a number of publications carries; none below the median.
pub(crate) fn largest_quantile(publishes: u64) -> Option<f64> {
    let quantiles = [(1, 0.999), (10, 0.99), (50, 0.95), (100, 0.9), (250, 0.75), (500, 0.5)];
    quantiles.into_iter().find(|&(beyond, _)| carries(publishes, beyond)).map(|(_, quantile)| quantile)
}

fn quantiles(timing: &Timing, samples: u64) -> Quantiles {
    let recorder: &Recorder = &timing.merged;
    let at = |quantile, beyond| carries(samples, beyond).then(|| recorder.quantile_ns(quantile)).flatten();
    let p99 = at(0.99, 10);
    Quantiles {
        p50: at(0.5, 500),
        p75: at(0.75, 250),
        p90: at(0.9, 100),
        p95: at(0.95, 50),
        p99,
        p999: at(0.999, 1),
        max: recorder.max_ns(),
        p50_ci: block_interval(timing, &timing.p50_per_block()),
        p99_ci: if p99.is_some() { block_interval(timing, &timing.p99_per_block()) } else { [None; 2] },
    }
}

/// A block without the quantile has it at infinity: an interval over the others would be too narrow.
fn block_interval(timing: &Timing, blocks: &PerBlock) -> Interval<u64> {
    let interval = median_of(blocks).1.filter(|_| blocks.len() == timing.blocks.len());
    interval.map_or([None; 2], |(low, high)| [Some(whole(low)), Some(whole(high))])
}

fn interval(interval: Option<(f64, f64)>) -> Interval<f64> {
    interval.map_or([None; 2], |(low, high)| [Some(low), Some(high)])
}

fn bytes(data: &Dataset, lane: &Lane) -> BytesSummary {
    let deliveries = lane.sum(|cell| cell.window.deliveries);
    let tls = data
        .all_cells()
        .any(|cell| [&cell.window.down, &cell.window.up].into_iter().any(|counts| count(counts, Category::Tls) > 0));
    let segments = |of: fn(&Segments) -> u64| lane.sum_all(|cell| cell.window.segments.as_ref().map(of));
    let syn_bytes = SYN_BYTES * lane.sum(|cell| cell.window.new_connections);
    let direction = |counts: fn(&Cell) -> &ByteCounts, of: fn(&Segments) -> u64| {
        let share = |category| per(lane.sum(|cell| count(counts(cell), category)), deliveries);
        CategoryBytes {
            payload: share(Category::Payload),
            envelope: share(Category::Envelope),
            framing: share(Category::Framing),
            http_head: share(Category::HttpHead),
            empty_polls: share(Category::EmptyPolls),
            heartbeat: share(Category::Heartbeat),
            handshake: share(Category::Handshake),
            tls: tls.then(|| share(Category::Tls)).flatten(),
            tcp_ip: segments(of)
                .zip(segments(|s| s.deliveries))
                .and_then(|(n, of)| per(n * SEGMENT_BYTES + syn_bytes, of)),
        }
    };
    let down = direction(|cell| &cell.window.down, |segments| segments.down);
    let up = direction(|cell| &cell.window.up, |segments| segments.up);
    let stream = |cell: &Cell| cell.window.down.values().chain(cell.window.up.values()).sum();
    let stream_total = per(lane.sum(stream), deliveries);
    let add = |total: Option<f64>, part: Option<f64>| Some(total? + part?);
    BytesSummary {
        down,
        up,
        stream_total,
        stream_total_ci: interval(median_of(&lane.stream_per_delivery()).1),
        ip_total: add(add(stream_total, down.tcp_ip), up.tcp_ip),
    }
}

fn count(counts: &ByteCounts, category: Category) -> u64 {
    counts.get(category.id()).copied().unwrap_or(0)
}

/// Of a connection's whole life.
fn handshake_bytes(cell: &Cell) -> u64 {
    count(&cell.kernel.down, Category::Handshake) + count(&cell.kernel.up, Category::Handshake)
}

fn setup_bytes(lane: &Lane) -> Option<f64> {
    per(lane.sum(handshake_bytes), lane.sum(|cell| cell.kernel.connections))
}

/// What connections that ended by reset carried is not known.
fn bytes_per_connect(lane: &Lane) -> Option<f64> {
    let whole = |cell: &Cell| cell.connects.is_some() && cell.kernel.reset == 0;
    let bytes = lane.sum_all(|cell| whole(cell).then(|| handshake_bytes(cell)))?;
    per(bytes, lane.sum(|cell| u64::from(cell.subscribers)))
}

/// Nanoseconds of a minute.
const MINUTE_NS: f64 = 60e9;

fn idle_per_minute(data: &Dataset, lane: &Lane) -> Option<f64> {
    let is_idle = data.is_silent() && data.header.scenario.connect_rate_hz.is_none();
    let bytes = lane.sum(|cell| cell.window.down.values().chain(cell.window.up.values()).sum());
    let watched_ns = lane.sum(|cell| u64::from(cell.subscribers) * cell.window.length_ns);
    per(bytes, watched_ns).filter(|_| is_idle).map(|per_ns| per_ns * MINUTE_NS)
}

fn server(data: &Dataset, lane: &Lane) -> ServerSummary {
    let cpu = lane.cpu_per_delivery();
    let (cpu_ns_per_delivery, ci) = median_of(&cpu);
    let ratio = data.floor().and_then(|floor| ratio_of(&cpu, &floor.cpu_per_delivery()));
    let (switches, switches_ci) =
        median_of(&lane.cost_per_block(|cell| per(cell.server.context_switches?, cell.window.segments?.deliveries)));
    let (cpu_ns_per_connect, per_connect_ci) =
        median_of(&lane.cost_per_block(|cell| per(cell.server.cpu_ns, cell.connects.as_ref()?.due)));
    ServerSummary {
        cpu_ns_per_connect,
        cpu_ns_per_connect_ci: interval(per_connect_ci),
        cpu_ns_per_delivery,
        cpu_ns_per_delivery_ci: interval(ci),
        cpu_ratio_to_raw: ratio.map(|ratio| ratio.point),
        cpu_ratio_to_raw_ci: interval(ratio.map(|ratio| (ratio.low, ratio.high))),
        cpu_user_share: user_share(lane),
        context_switches_per_delivery: switches,
        context_switches_per_delivery_ci: interval(switches_ci),
        memory_bytes_per_connection: memory(lane),
    }
}

/// None below [`SPLIT_NS`] of CPU, and where one block does not have the split.
fn user_share(lane: &Lane) -> Option<f64> {
    let user = lane.sum_all(|cell| cell.server.user_ns)?;
    let all = user + lane.sum_all(|cell| cell.server.system_ns)?;
    per(user, all).filter(|_| all >= SPLIT_NS && !lane.times_only)
}

fn generator(lane: &Lane) -> GeneratorSummary {
    let cpu = lane.cost_per_block(|cell| per(cell.generator_cpu_ns, cell.window.deliveries).filter(|&ns| ns > 0.0));
    let busy = lane.cost_per_block(|cell| cell.machine?.generator_core_busy);
    GeneratorSummary {
        cpu_ns_per_delivery: median_of(&cpu).0,
        busiest_core: busy.into_iter().map(|(_, share)| share).max_by(f64::total_cmp),
    }
}

/// The slope of every cell that has two sizes, then the median over blocks.
fn memory(lane: &Lane) -> MemorySummary {
    let slope = |bytes: fn(&MemoryPoint) -> Option<u64>| {
        let slopes = lane.cost_per_block(|cell| {
            let points = &cell.memory.as_ref()?.points;
            let first = points.iter().min_by_key(|point| point.connections)?;
            let last = points.iter().max_by_key(|point| point.connections)?;
            let connections = last.connections.checked_sub(first.connections).filter(|&n| n > 0)?;
            Some((float(bytes(last)?) - float(bytes(first)?)) / float(connections))
        });
        median_of(&slopes)
    };
    let (user, user_ci) = slope(|point| Some(point.user_bytes));
    let (kernel, kernel_ci) = slope(|point| point.kernel_bytes);
    // Both ends of a connection are on this host, and the kernel's share is of both.
    let half = |bytes: f64| bytes / 2.0;
    MemorySummary {
        user,
        user_ci: interval(user_ci),
        kernel: kernel.map(half),
        kernel_ci: interval(kernel_ci.map(|(low, high)| (half(low), half(high)))),
    }
}

fn cells(lane: &Lane) -> Vec<CellSummary> {
    let of = |blocks: &PerBlock, block: u32| blocks.iter().find(|(b, _)| *b == block).map(|&(_, value)| value);
    let (stream, cpu) = (lane.stream_per_delivery(), lane.cpu_per_delivery());
    let cell = |cell: &Cell| {
        let delay = lane.response_time.blocks.iter().find(|timing| timing.block == cell.block);
        CellSummary {
            block: cell.block,
            order: cell.order,
            repeated: cell.attempt > 0,
            response_time_p50_ns: delay.and_then(|timing| timing.p50),
            response_time_p99_ns: delay.and_then(|timing| timing.p99),
            stream_bytes_per_delivery: of(&stream, cell.block),
            cpu_ns_per_delivery: of(&cpu, cell.block),
        }
    };
    lane.cells.iter().map(cell).collect()
}
