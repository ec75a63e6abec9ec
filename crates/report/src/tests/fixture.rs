//! A run made by hand: every number in it is known, so every number derived from it can be.

use std::{collections::BTreeMap, sync::LazyLock};

use measure::Recorder;
use record::{
    ByteCounts, Cell, Deliveries, End, Environment, Header, Histogram, Host, Kernel, Lane, Machine, Memory,
    MemoryPoint, Publisher, Record, Scenario, Segments, ServerCost, SocketOptions, Tool, VERSION, Window,
};

use crate::Dataset;

/// Publications due in the window of one cell; 5 subscribers hear each.
pub(super) const PUBLISHES: u64 = 180;
/// Deliveries in the window of one cell.
pub(super) const DELIVERIES: u64 = PUBLISHES * 5;
/// Deliveries of one cell, those before and after the window too.
const FED: u64 = 260 * 5;
/// Connections read at the end of one cell.
pub(super) const CONNECTIONS: u64 = 300;
/// How much each block is slower than the first lane's run and the twin's.
const BLOCKS: [[f64; 6]; 2] = [[1.0, 1.01, 0.99, 1.02, 0.98, 1.0], [1.01, 1.0, 1.0, 1.0, 0.99, 0.98]];

/// What a lane is made of. Bytes, CPU and requests are per delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) lane: &'static str,
    /// Its place among the lanes of its transport.
    pub(super) variant: u32,
    pub(super) title: &'static str,
    pub(super) colours: [&'static str; 2],
    pub(super) mark: &'static str,
    /// Nanoseconds at quantile `u`.
    pub(super) delay: fn(f64) -> f64,
    pub(super) down: &'static [(&'static str, u64)],
    pub(super) up: &'static [(&'static str, u64)],
    pub(super) requests: u64,
    pub(super) cpu_ns: u64,
    pub(super) memory: u64,
    /// From an answer to the next request, when that follows at once.
    pub(super) rearm_ns: Option<i64>,
}

pub(super) const RAW: Spec = Spec {
    lane: "raw",
    variant: 0,
    title: "raw",
    colours: ["#6B7280", "#9CA3AF"],
    mark: "line",
    delay: |u| push(190_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 4)],
    up: &[],
    requests: 0,
    cpu_ns: 5_000,
    memory: 1_024,
    rearm_ns: None,
};
pub(super) const SHORT_POLLING: Spec = Spec {
    lane: "short-polling",
    variant: 0,
    title: "Short polling",
    colours: ["#C2410C", "#FB923C"],
    mark: "circle",
    delay: |u| 1_000_000_000.0 * u.max(0.001) + 600_000.0,
    down: &[("payload", 128), ("envelope", 70), ("framing", 11), ("http_head", 90), ("empty_polls", 10)],
    up: &[("http_head", 480), ("empty_polls", 40)],
    requests: 1,
    cpu_ns: 21_000,
    memory: 3_000,
    rearm_ns: None,
};
pub(super) const LONG_POLLING: Spec = Spec {
    lane: "long-polling",
    variant: 0,
    title: "Long polling",
    colours: ["#A16207", "#FACC15"],
    mark: "square",
    delay: |u| push(420_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 14), ("http_head", 160)],
    up: &[("http_head", 700)],
    requests: 1,
    cpu_ns: 34_000,
    memory: 4_100,
    rearm_ns: Some(80_000),
};
pub(super) const SSE: Spec = Spec {
    lane: "sse",
    variant: 0,
    title: "SSE",
    colours: ["#047857", "#34D399"],
    mark: "triangle",
    delay: |u| push(262_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 38), ("heartbeat", 1)],
    up: &[],
    requests: 0,
    cpu_ns: 7_000,
    memory: 1_600,
    rearm_ns: None,
};
pub(super) const WEBSOCKET: Spec = Spec {
    lane: "websocket",
    variant: 0,
    title: "WebSocket",
    colours: ["#1D4ED8", "#60A5FA"],
    mark: "diamond",
    delay: |u| push(260_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 4)],
    up: &[("heartbeat", 1)],
    requests: 0,
    cpu_ns: 8_000,
    memory: 5_000,
    rearm_ns: None,
};
pub(super) const SOCKETIO: Spec = Spec {
    lane: "socketio",
    variant: 0,
    title: "Socket.IO",
    colours: ["#A21CAF", "#E879F9"],
    mark: "cross",
    delay: |u| push(350_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 26), ("heartbeat", 2)],
    up: &[("heartbeat", 2)],
    requests: 0,
    cpu_ns: 11_000,
    memory: 29_000,
    rearm_ns: None,
};

pub(super) const SOCKETIO_WEBSOCKET: Spec = Spec {
    lane: "socketio+websocket",
    variant: 1,
    title: "Socket.IO (WebSocket)",
    delay: |u| push(340_000.0, u),
    ..SOCKETIO
};
pub(super) const SOCKETIO_POLLING: Spec = Spec {
    lane: "socketio+polling",
    variant: 2,
    title: "Socket.IO (polling)",
    delay: |u| push(520_000.0, u),
    down: &[("payload", 128), ("envelope", 70), ("framing", 26), ("http_head", 170), ("heartbeat", 2)],
    up: &[("http_head", 720), ("heartbeat", 2)],
    requests: 1,
    cpu_ns: 37_000,
    memory: 31_000,
    rearm_ns: Some(90_000),
    ..SOCKETIO
};

/// All of them, in the order of reports.
pub(super) const EIGHT: [Spec; 8] =
    [SHORT_POLLING, LONG_POLLING, SSE, WEBSOCKET, SOCKETIO, SOCKETIO_WEBSOCKET, SOCKETIO_POLLING, RAW];

/// A push lane's delay: half within `p50`, with a tail.
fn push(p50: f64, u: f64) -> f64 {
    p50 * (0.55 + 0.36 * (1.0 / (1.0 - u).max(0.0002)).powf(0.32))
}

/// Three lanes, the twin of one of them, six blocks: a valid run.
pub(super) fn record() -> Record {
    static MADE: LazyLock<Record> = LazyLock::new(|| run(&[RAW, SHORT_POLLING, WEBSOCKET], Some("websocket")));
    MADE.clone()
}

/// The dataset of a record that can be read.
pub(super) fn dataset(record: &Record) -> Dataset {
    Dataset::new(record).expect("a record made by hand is whole")
}

/// A run of these lanes over six blocks.
pub(super) fn run(lanes: &[Spec], twin_of: Option<&str>) -> Record {
    let mut cells = Vec::new();
    for block in 0..6_u32 {
        for spec in lanes {
            cells.push((cell(spec, block, false), Vec::new()));
            if twin_of == Some(spec.lane) {
                cells.push((cell(spec, block, true), Vec::new()));
            }
        }
    }
    Record {
        header: header(lanes, twin_of),
        cells,
        end: Some(End { at_us: 2, interrupted: false, failures: Vec::new() }),
    }
}

/// The text of a recorder with these samples in nanoseconds, each that many times.
pub(super) fn histogram(samples: &[(i64, u64)]) -> Histogram {
    let mut recorder = Recorder::new();
    for &(ns, times) in samples {
        for _ in 0..times {
            recorder.record_ns(ns);
        }
    }
    Histogram(recorder.to_text())
}

/// Every cell of the lane, the twin's too.
pub(super) fn cells_of<'a>(record: &'a mut Record, lane: &str) -> Vec<&'a mut Cell> {
    record.cells.iter_mut().map(|(cell, _)| cell).filter(|cell| cell.lane == lane).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers made by hand")]
fn delays(spec: &Spec, factor: f64) -> Histogram {
    let at = |i: u64| ((spec.delay)((i as f64 + 0.5) / DELIVERIES as f64) * factor) as i64;
    histogram(&(0..DELIVERIES).map(|i| (at(i), 1)).collect::<Vec<_>>())
}

fn times(bytes: &[(&str, u64)], n: u64) -> ByteCounts {
    bytes.iter().map(|&(category, count)| (category.to_owned(), count * n)).collect()
}

fn cell(spec: &Spec, block: u32, twin: bool) -> Cell {
    let factor = BLOCKS[usize::from(twin)][block as usize];
    let mut kernel = Kernel {
        connections: CONNECTIONS,
        matched: CONNECTIONS,
        reset: 0,
        down: times(spec.down, 1_400),
        up: times(spec.up, 1_400),
        bytes_down: 0,
        bytes_up: 0,
    };
    kernel.down.insert("handshake".to_owned(), CONNECTIONS * 200);
    kernel.up.insert("handshake".to_owned(), CONNECTIONS * 650);
    kernel.bytes_down = kernel.down.values().sum();
    kernel.bytes_up = kernel.up.values().sum();
    let point = |connections: u64| MemoryPoint {
        connections,
        // Twice the block's number more, so that intervals have a width.
        user_bytes: 2_000_000 + connections * (spec.memory + 2 * u64::from(block)),
        kernel_bytes: Some(9_000_000 + connections * (8_000 + 2 * u64::from(block))),
    };
    Cell {
        lane: spec.lane.to_owned(),
        twin,
        block,
        order: 0,
        attempt: 0,
        subscribers: 300,
        publishes: PUBLISHES,
        offered: 260,
        sent: 260,
        acked: 260,
        offered_span_ns: 900_000_000,
        sent_span_ns: 900_100_000,
        response_time: delays(spec, factor),
        service_time: delays(spec, factor * 0.98),
        publish_delay: histogram(&[(9_000, 170), (40_000, 10)]),
        time_to_first_delivery: histogram(&[(900_000, 300)]),
        fanout_spread: histogram(&[(60_000, PUBLISHES)]),
        receive_lag: histogram(&[(1_500, 400)]),
        rearm_gap: spec.rearm_ns.map(|ns| histogram(&[(ns, 400)])),
        connects: None,
        deliveries: Deliveries { expected: DELIVERIES, delivered: DELIVERIES, ..Deliveries::default() },
        window: Window {
            length_ns: 600_000_000,
            deliveries: DELIVERIES,
            down: times(spec.down, DELIVERIES),
            up: times(spec.up, DELIVERIES),
            segments: Some(Segments { deliveries: FED, down: FED, up: FED / 2 }),
            requests: spec.requests * DELIVERIES,
            responses_with_items: spec.requests * DELIVERIES,
            new_connections: 0,
        },
        kernel,
        // As for memory.
        server: ServerCost {
            cpu_ns: (spec.cpu_ns + 2 * u64::from(block)) * DELIVERIES,
            user_ns: Some(10_000_000),
            system_ns: Some(30_000_000),
            context_switches: Some(FED / 2 + u64::from(block)),
        },
        generator_cpu_ns: 6_000 * DELIVERIES,
        machine: Some(Machine { generator_core_busy: Some(0.31), steal: 0.0, others_cores: 0.01 }),
        memory: Some(Memory { points: vec![point(60), point(300)] }),
        phases: Vec::new(),
        violations: BTreeMap::new(),
        errors: BTreeMap::new(),
    }
}

fn environment() -> Environment {
    Environment {
        hz: Some(250),
        clocksource: Some("tsc".to_owned()),
        governors: None,
        server_scheduling: Some("SCHED_RR 10".to_owned()),
        generator_scheduling: Some("SCHED_RR 10".to_owned()),
        loopback_qdiscs: Some(vec!["noqueue".to_owned()]),
        round_trip_ns: Some(41_000),
        socket: Some(SocketOptions { no_delay: Some(true), ..SocketOptions::default() }),
        sysctls: BTreeMap::from([("net.core.somaxconn".to_owned(), "4096".to_owned())]),
    }
}

fn header(lanes: &[Spec], twin_of: Option<&str>) -> Header {
    let lane = |spec: &Spec| Lane {
        lane: spec.lane.to_owned(),
        transport: spec.lane.split('+').next().unwrap_or_default().to_owned(),
        title: spec.title.split(" (").next().unwrap_or_default().to_owned(),
        label: Some(spec.title.to_owned()),
        variant: spec.variant,
        colour_light: spec.colours[0].to_owned(),
        colour_dark: spec.colours[1].to_owned(),
        mark: spec.mark.to_owned(),
        interval_ns: None,
        hold_ns: spec.rearm_ns.map(|_| 25_000_000_000),
        options: spec.lane.split('+').skip(1).map(|flag| (flag.to_owned(), String::new())).collect(),
    };
    Header {
        version: VERSION,
        at_us: 1,
        command: "feedbench bench feed --profile quick --seed 7".to_owned(),
        rtt_ns: None,
        scenario: Scenario {
            name: "feed".to_owned(),
            question: "Which transport should carry a chat feed?".to_owned(),
            rooms: 60,
            subscribers: 300,
            rate_hz: 5.0,
            arrivals: "poisson".to_owned(),
            size_bytes: 128,
            window_ns: 600_000_000,
            warm_up_ns: 150_000_000,
            heartbeat_ns: None,
            connect_rate_hz: None,
            publisher: Publisher::Neutral,
        },
        profile: "quick".to_owned(),
        seed: 7,
        headers: "chromium".to_owned(),
        lanes: lanes.iter().map(lane).collect(),
        twin_of: twin_of.map(str::to_owned),
        floor: Some("raw".to_owned()),
        blocks: 6,
        host: Host {
            id: "a1b2c3".to_owned(),
            cores: 2,
            cpu: "AMD EPYC".to_owned(),
            kernel: "6.18.44".to_owned(),
            loopback: true,
            realtime: true,
            server_cpu: Some(0),
            generator_cpu: Some(1),
            file_limit: 65_536,
            environment: environment(),
        },
        calibration: None,
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: Some("0123abc".to_owned()),
            build: "release".to_owned(),
            rustc: Some("rustc 1.95.0".to_owned()),
        },
        server: vec!["feedbench".to_owned(), "serve".to_owned()],
    }
}
