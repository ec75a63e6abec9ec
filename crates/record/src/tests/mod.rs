//! What a record promises to whoever reads it later.

mod reading;
mod round_trip;

use std::collections::BTreeMap;

use crate::{
    Calibration, Cell, Connects, Deliveries, End, Environment, Header, Histogram, Host, Kernel, Lane, Machine, Memory,
    MemoryPoint, Publication, Publisher, Scenario, Segments, ServerCost, SocketOptions, Tool, VERSION, Window,
};

/// A header in which no optional member is empty.
fn header() -> Header {
    Header {
        version: VERSION,
        at_us: 1_700_000_000_000_000,
        command: "feedbench bench feed --seed 7".to_owned(),
        rtt_ns: None,
        scenario: Scenario {
            name: "feed".to_owned(),
            question: "Which transport?".to_owned(),
            rooms: 60,
            subscribers: 300,
            rate_hz: 5.5,
            arrivals: "poisson".to_owned(),
            size_bytes: 128,
            window_ns: 600_000_000,
            warm_up_ns: 150_000_000,
            publisher: Publisher::Members,
            heartbeat_ns: Some(5_000_000_000),
            connect_rate_hz: Some(12.5),
        },
        profile: "quick".to_owned(),
        seed: u64::MAX,
        headers: "chromium".to_owned(),
        lanes: vec![Lane {
            lane: "short-polling+interval=5s".to_owned(),
            transport: "short-polling".to_owned(),
            title: "Short polling".to_owned(),
            label: Some("Short polling (every 5s)".to_owned()),
            variant: 1,
            colour_light: "#C2410C".to_owned(),
            colour_dark: "#FB923C".to_owned(),
            mark: "circle".to_owned(),
            interval_ns: Some(5_000_000_000),
            hold_ns: Some(25_000_000_000),
            options: BTreeMap::from([("interval".to_owned(), "5s".to_owned())]),
        }],
        twin_of: Some("websocket".to_owned()),
        floor: Some("raw".to_owned()),
        blocks: 6,
        host: Host {
            id: "0123abcd".to_owned(),
            cores: 2,
            cpu: "a \"quoted\" CPU, \u{fc}".to_owned(),
            kernel: "6.18".to_owned(),
            loopback: true,
            realtime: true,
            server_cpu: Some(0),
            generator_cpu: Some(1),
            file_limit: 65_536,
            environment: environment(),
        },
        calibration: Some(Calibration {
            at_us: 1_732_000_000_000_000,
            checks: 10,
            passed: 9,
            version: "0.1.0".to_owned(),
            commit: Some("abc".to_owned()),
        }),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: Some("abc-dirty".to_owned()),
            build: "release".to_owned(),
            rustc: Some("rustc 1.95.0".to_owned()),
        },
        server: vec!["feedbench".to_owned(), "serve".to_owned()],
    }
}

fn environment() -> Environment {
    Environment {
        hz: Some(250),
        clocksource: Some("tsc".to_owned()),
        governors: Some(vec!["performance".to_owned()]),
        server_scheduling: Some("SCHED_RR 10".to_owned()),
        generator_scheduling: Some("SCHED_OTHER".to_owned()),
        loopback_qdiscs: Some(vec!["noqueue".to_owned()]),
        round_trip_ns: Some(40_000),
        socket: Some(SocketOptions {
            no_delay: Some(true),
            notsent_lowat_bytes: Some(16_384),
            send_buffer_bytes: Some(87_040),
            receive_buffer_bytes: Some(131_072),
            congestion: Some("cubic".to_owned()),
        }),
        sysctls: BTreeMap::from([("net.core.somaxconn".to_owned(), "4096".to_owned())]),
    }
}

/// A cell in which no member has its default.
fn cell() -> Cell {
    let bytes = |n| BTreeMap::from([("payload".to_owned(), n), ("framing".to_owned(), n / 2)]);
    let histogram = |text: &str| Histogram(text.to_owned());
    Cell {
        lane: "sse".to_owned(),
        twin: true,
        block: 3,
        order: 2,
        attempt: 1,
        subscribers: 300,
        publishes: 180,
        offered: 260,
        sent: 259,
        acked: 258,
        offered_span_ns: 900_000_000,
        sent_span_ns: 900_000_123,
        response_time: histogram("a"),
        service_time: histogram("b"),
        publish_delay: histogram("c"),
        time_to_first_delivery: histogram("d"),
        fanout_spread: histogram("e"),
        receive_lag: histogram("f"),
        rearm_gap: None,
        deliveries: Deliveries {
            expected: 900,
            delivered: 899,
            lost: 1,
            duplicated: 2,
            reordered: 3,
            replayed: 4,
            gaps_told: 5,
        },
        window: Window {
            length_ns: 600_000_000,
            deliveries: 901,
            down: bytes(100),
            up: bytes(50),
            segments: Some(Segments { deliveries: 1_300, down: 901, up: 7 }),
            requests: 11,
            responses_with_items: 10,
            new_connections: 9,
        },
        kernel: Kernel {
            connections: 300,
            matched: 299,
            reset: 1,
            down: bytes(1_000),
            up: bytes(500),
            bytes_down: 1_500,
            bytes_up: 750,
        },
        server: ServerCost {
            cpu_ns: 7_000_000,
            user_ns: Some(10_000_000),
            system_ns: Some(20_000_000),
            context_switches: Some(44),
        },
        generator_cpu_ns: 5_000_000,
        machine: Some(Machine { generator_core_busy: Some(0.25), steal: 0.001, others_cores: 0.02 }),
        memory: Some(Memory {
            points: vec![
                MemoryPoint { connections: 60, user_bytes: 1_000_000, kernel_bytes: Some(2_000_000) },
                MemoryPoint { connections: 300, user_bytes: 2_000_000, kernel_bytes: None },
            ],
        }),
        phases: vec![0.25, 0.5],
        connects: Some(Connects { due: 40, time: histogram("g"), delay: histogram("h") }),
        violations: BTreeMap::from([("changed_payload".to_owned(), 1)]),
        errors: BTreeMap::from([("connection_refused".to_owned(), 2)]),
    }
}

/// A publication that nobody got, and one that everybody got.
fn publications() -> [Publication; 2] {
    let lost = Publication {
        n: 0,
        room: 59,
        due_ns: -5,
        sent_ns: None,
        first_ns: None,
        median_ns: None,
        last_ns: None,
        delivered: 0,
    };
    let got = Publication {
        n: 1,
        room: 0,
        due_ns: 10,
        sent_ns: Some(11),
        first_ns: Some(20),
        median_ns: Some(21),
        last_ns: Some(22),
        delivered: 5,
    };
    [lost, got]
}

fn end() -> End {
    End { at_us: 1_700_000_060_000_000, interrupted: true, failures: vec!["sse, block 4: no answer".to_owned()] }
}
