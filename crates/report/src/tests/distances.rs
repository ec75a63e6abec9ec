//! A run behind a round trip that was put there: it is told, and only times are measured.

use record::Record;
use serde_json::{Value, json};

use super::fixture::{LONG_POLLING, RAW, SSE, WEBSOCKET, dataset, record, run};
use crate::{render, summary, table};

fn distant() -> Record {
    let mut record = run(&[RAW, LONG_POLLING, WEBSOCKET], Some("websocket"));
    record.header.rtt_ns = Some(100_000_000);
    record
}

fn json_of(record: &Record) -> Value {
    serde_json::to_value(summary(&dataset(record))).expect("serialises")
}

/// Whether there is no number in it, at any depth.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn the_summary_names_the_round_trip_or_says_that_there_is_none() {
    assert_eq!(json_of(&distant())["rtt_ns"], 100_000_000);
    assert_eq!(json_of(&record()).get("rtt_ns"), Some(&Value::Null));
}

#[test]
fn behind_a_round_trip_only_times_and_deliveries_have_numbers() {
    let summary = json_of(&distant());
    let costs = [
        "bytes_per_delivery",
        "setup_bytes",
        "requests_per_delivery",
        "deliveries_per_response",
        "server",
        "generator",
    ];
    for name in ["raw", "long-polling", "websocket"] {
        let lane = &summary["lanes"][name];
        for cost in costs {
            assert!(is_empty(&lane[cost]), "{name}, {cost}: {}", lane[cost]);
        }
        assert!(lane["response_time_ns"]["p50"].is_u64(), "{name}");
        assert_eq!(lane["deliveries"]["lost"], 0, "{name}");
        for cell in lane["cells"].as_array().expect("cells") {
            assert!(cell["response_time_p50_ns"].is_u64(), "{name}");
            assert!(cell["cpu_ns_per_delivery"].is_null() && cell["stream_bytes_per_delivery"].is_null(), "{name}");
        }
    }
    assert!(summary["noise_floor"]["response_time_p50"].is_f64());
    assert_eq!(summary["noise_floor"]["cpu_ns_per_delivery"], Value::Null);
    assert_eq!(summary["noise_floor"]["stream_total"], Value::Null);
    let ranking = summary["ranking"].as_array().expect("a ranking");
    assert!(!ranking.is_empty() && ranking.iter().all(|entry| entry["why"] == json!("response_time_p50")));
}

#[test]
fn the_page_tells_the_round_trip_on_its_first_line_and_in_its_environment() {
    let words = "100 ms round trip put between subscribers and server";
    let page = render(&dataset(&distant())).expect("rendered");
    assert!(page.contains(&format!("<span>{words}</span>")));
    assert!(page.contains(&format!("<dd>loopback; {words}</dd>")));
    assert!(page.contains(&format!("<li>{words}, half of it each way")));
    assert!(!render(&dataset(&record())).expect("rendered").contains("round trip put"));
}

#[test]
fn the_page_does_not_deny_the_round_trip_nor_speak_of_costs() {
    let page = render(&dataset(&distant())).expect("rendered");
    for words in ["there is no round trip", "line through two sizes", "receiver's TCP work", "bytes or server CPU"] {
        assert!(!page.contains(words), "{words}");
    }
    assert_eq!(page.matches("Only times were measured behind the round trip").count(), 2);
}

#[test]
fn lanes_equally_late_at_a_distance_are_not_said_to_cost_the_same() {
    let mut record = run(&[RAW, SSE, WEBSOCKET], Some("websocket"));
    record.header.rtt_ns = Some(100_000_000);
    let page = render(&dataset(&record)).expect("rendered");
    assert!(page.contains("no difference was seen in delay, and nothing else was measured."));
}

#[test]
fn the_terminal_says_it_in_a_line() {
    let table = table(&dataset(&distant()));
    assert_eq!(table.lines().count(), 5, "{table}");
    assert_eq!(
        table.lines().last(),
        Some("100 ms round trip put between subscribers and server: only times are measured behind it.")
    );
    let line = table.lines().find(|line| line.starts_with("websocket")).expect("a lane");
    assert_eq!(line.matches("not measured").count(), 4, "{table}");
}
