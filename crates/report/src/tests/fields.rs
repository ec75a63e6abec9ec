//! Every field of `summary.json` is filled by a run that this program can make, or stands in a list with what is missing for it.

use std::collections::BTreeSet;

use record::{Connects, Publication, Publisher, Record};
use serde_json::Value;

use super::fixture::{EIGHT, cells_of, dataset, histogram, run};
use crate::summary;

/// Null in every run of this version, and why.
const LATER: &[(&str, &str)] = &[
    ("lanes.*.bytes_per_delivery.down.tls", "no lane has TLS yet"),
    ("lanes.*.bytes_per_delivery.up.tls", "no lane has TLS yet"),
];

/// The paths of all members: lanes by one name, lists by their elements.
fn paths(value: &Value, path: &str, filled: &mut BTreeSet<String>, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            filled.insert(path.to_owned());
            for (name, value) in members {
                let name = if path == "lanes" { "*" } else { name };
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                paths(value, &path, filled, all);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for element in elements {
                paths(element, path, filled, all);
            }
        }
        Value::Null | Value::Array(_) => {
            all.insert(path.to_owned());
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            all.insert(path.to_owned());
            filled.insert(path.to_owned());
        }
    }
}

/// `bench feed` with 2,000 clients and windows of 3 s: drift, the split of CPU, p99.9 of all times.
fn long() -> Record {
    let mut record = run(&EIGHT, Some("websocket"));
    for (cell, lines) in &mut record.cells {
        cell.window.length_ns = 3_000_000_000;
        cell.publishes *= 10;
        cell.deliveries.expected *= 10;
        cell.deliveries.delivered *= 10;
        cell.server.system_ns = Some(400_000_000);
        cell.time_to_first_delivery = histogram(&[(900_000, 2_000)]);
        cell.receive_lag = histogram(&[(1_500, 2_000)]);
        cell.rearm_gap = cell.rearm_gap.as_ref().map(|_| histogram(&[(80_000, 2_000)]));
        let line = |n: i64| Publication {
            n: n.unsigned_abs(),
            room: 0,
            due_ns: n * 10_000_000,
            sent_ns: None,
            first_ns: None,
            median_ns: Some(n * 10_000_000 + 200_000),
            last_ns: None,
            delivered: 5,
        };
        *lines = (0..300).map(line).collect();
    }
    record
}

/// The same behind a round trip, disturbed, with noise that hides differences.
fn troubled() -> Record {
    let mut record = run(&EIGHT, Some("websocket"));
    record.header.rtt_ns = Some(50_000_000);
    record.header.tool.build = "debug".to_owned();
    for cell in cells_of(&mut record, "websocket").into_iter().filter(|cell| cell.twin) {
        cell.response_time = histogram(&[(400_000, 900)]);
    }
    record
}

/// `bench idle`: nothing is published.
fn idle() -> Record {
    let mut record = run(&EIGHT, Some("websocket"));
    record.header.scenario.publisher = Publisher::Nobody;
    record
}

/// `bench connect`: subscriptions come and go.
fn connect() -> Record {
    let mut record = idle();
    record.header.scenario.connect_rate_hz = Some(100.0);
    for (cell, _) in &mut record.cells {
        let connects = |ns| histogram(&[(ns, 2_000)]);
        cell.connects = Some(Connects { due: 2_000, time: connects(700_000), delay: connects(5_000) });
    }
    record
}

#[test]
fn every_field_of_the_summary_is_filled_by_some_run_or_named_as_later() {
    let (mut filled, mut all) = (BTreeSet::new(), BTreeSet::new());
    for record in [long(), troubled(), idle(), connect()] {
        let json = serde_json::to_value(summary(&dataset(&record))).expect("serialises");
        paths(&json, "", &mut filled, &mut all);
    }
    let empty: BTreeSet<&str> = all.difference(&filled).map(String::as_str).collect();
    let later: BTreeSet<&str> = LATER.iter().map(|&(path, _)| path).collect();
    assert_eq!(empty, later, "never filled, and what is said to be so");
}
