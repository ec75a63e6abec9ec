//! The gate model, and what is computed with it.

use record::Record;
use serde_json::Value;

use super::fixture::{CONNECTIONS, LONG_POLLING, RAW, SSE, WEBSOCKET, cells_of, dataset, histogram, run};
use crate::{gate::Gate, render, summary, table};

fn asking() -> Record {
    run(&[LONG_POLLING, SSE, WEBSOCKET, RAW], Some("websocket"))
}

fn lane(record: &Record, name: &str) -> Value {
    serde_json::to_value(summary(&dataset(record))).expect("serialises")["lanes"][name].take()
}

/// Within 1 %, or within half of the last digit that the expected value is printed with.
fn assert_near(value: f64, expected: f64, half_digit: f64, what: &str) {
    assert!((value - expected).abs() <= half_digit.max(expected * 0.01), "{what}: {value}, expected {expected}");
}

#[test]
fn the_model_gives_the_numbers_that_simulation_confirmed() {
    // Milliseconds closed, publications a second, then requests a second, wait at p50 and p99 in ms, share delayed.
    let rows = [
        (20.0, 1.0, 1.00, 0.0, 10.0, 0.020),
        (20.0, 20.0, 18.7, 0.0, 19.5, 0.374),
        (100.0, 0.1, 0.105, 0.0, 4.9, 0.011),
        (100.0, 1.0, 0.995, 0.0, 90.0, 0.100),
        (100.0, 5.0, 4.52, 0.0, 97.8, 0.452),
        (100.0, 20.0, 9.37, 46.6, 98.9, 0.937),
        (100.0, 100.0, 10.0, 50.0, 99.0, 1.00),
        (250.0, 1.0, 0.97, 0.0, 240.0, 0.243),
        (250.0, 5.0, 3.25, 96.0, 247.0, 0.814),
    ];
    for (closed_ms, rate_hz, requests, p50_ms, p99_ms, share) in rows {
        let gate = Gate::new(rate_hz, closed_ms / 1e3, 30.0);
        let what = |metric| format!("{metric}, {closed_ms} ms, {rate_hz}/s");
        assert_near(gate.requests_per_second(), requests, 0.0, &what("requests"));
        assert_near(gate.wait_s(0.5) * 1e3, p50_ms, 0.0, &what("p50"));
        assert_near(gate.wait_s(0.99) * 1e3, p99_ms, 0.0, &what("p99"));
        assert_near(gate.share_delayed(), share, 0.000_5, &what("share"));
    }
}

#[test]
fn the_longest_wait_is_the_whole_time_that_the_gate_is_closed() {
    assert_near(Gate::new(5.0, 0.1, 25.0).wait_s(1.0), 0.1, 0.0, "max");
}

#[test]
fn waits_longer_than_a_time_are_the_rest_of_the_closed_gate() {
    let gate = Gate::new(5.0, 0.1, 25.0);
    assert_near(gate.share_later_than(0.01), 0.9 * gate.share_delayed(), 0.0, "10 ms");
    assert_near(gate.share_later_than(0.2), 0.0, 0.000_1, "beyond the gate");
}

#[test]
fn the_hold_is_the_one_of_the_lane() {
    let mut record = asking();
    record.header.scenario.rate_hz = 0.1;
    let requests = |record: &Record| {
        let computed = lane(record, "long-polling")["computed_at_50ms_rtt"].take();
        computed["requests_per_second"].as_f64().expect("a number")
    };
    let long = requests(&record);
    record.header.lanes[0].hold_ns = Some(5_000_000_000);
    assert!(requests(&record) > 2.0 * long);
}

#[test]
fn a_shorter_hold_makes_more_requests() {
    let requests = |hold_s| Gate::new(0.1, 0.05, hold_s).requests_per_second();
    assert_near(requests(5.0), (0.05 + (-0.005_f64).exp() * (1.0 - (-0.5_f64).exp()) / 0.1).recip(), 0.0, "5 s");
    assert!(requests(5.0) > 2.0 * requests(25.0));
}

#[test]
fn a_lane_at_a_distance_is_computed_from_its_two_medians() {
    let mut record = asking();
    for cell in cells_of(&mut record, "long-polling") {
        cell.response_time = histogram(&[(400_000, 900)]);
        cell.rearm_gap = Some(histogram(&[(100_000, 500)]));
    }
    let lane = lane(&record, "long-polling");
    let (response, gap) = (&lane["response_time_ns"]["p50"], &lane["rearm_gap_ns"]["p50"]);
    assert_near(gap.as_f64().expect("a gap"), 100_000.0, 0.0, "gap");
    let computed = &lane["computed_at_50ms_rtt"];
    assert_eq!(computed["rtt_ns"], 50_000_000);
    assert_eq!(computed["p50_ns"], 25_000_000 + response.as_u64().expect("a median"));
    // G = 50.1 ms, e^(-5 G) = 0.77841, C = 50.1 + 155.68 ms, share = 0.24346.
    let number = |name: &str| computed[name].as_f64().expect("a number");
    assert_near(number("share_delayed"), 0.243_46, 0.000_02, "share");
    assert_near(number("requests_per_second"), 4.859_5, 0.0, "requests");
    assert_near(number("p99_ns"), 25_400_000.0 + 48_042_000.0, 0.0, "p99");
}

#[test]
fn a_lane_that_does_not_ask_again_at_once_has_neither_gap_nor_computed_numbers() {
    for name in ["sse", "websocket", "raw"] {
        let lane = lane(&asking(), name);
        assert_eq!((&lane["rearm_gap_ns"], &lane["computed_at_50ms_rtt"]), (&Value::Null, &Value::Null), "{name}");
    }
}

#[test]
fn nothing_is_computed_where_the_model_does_not_hold() {
    let cases: [fn(&mut Record); 6] = [
        |record| record.header.rtt_ns = Some(100_000_000),
        |record| record.header.lanes[0].hold_ns = None,
        |record| record.header.scenario.arrivals = "constant".to_owned(),
        |record| record.header.host.loopback = false,
        |record| cells_of(record, "raw")[0].kernel.matched = CONNECTIONS - 1,
        |record| cells_of(record, "long-polling").into_iter().for_each(|cell| cell.publishes = 1),
    ];
    for (case, change) in cases.into_iter().enumerate() {
        let mut record = asking();
        change(&mut record);
        let lane = lane(&record, "long-polling");
        assert!(lane["rearm_gap_ns"].is_object(), "case {case}");
        assert_eq!(lane["computed_at_50ms_rtt"], Value::Null, "case {case}");
        assert!(!table(&dataset(&record)).contains("omputed"), "case {case}");
        assert!(!render(&dataset(&record)).expect("rendered").contains("omputed, not"), "case {case}");
    }
}

#[test]
fn page_and_terminal_say_that_it_is_computed() {
    let data = dataset(&asking());
    let table = table(&data);
    let line = table.lines().nth(5).expect("a line below the lanes");
    assert!(
        line.starts_with("Computed, not measured: at 50 ms round trip Long polling delivers half within 25."),
        "{line}"
    );
    assert!(line.ends_with("because 24.3 % of publications find no request waiting."), "{line}");
    let page = render(&data).expect("rendered");
    let (first, rest) = page.split_once("<section id=\"limits\">").expect("a first screen");
    assert!(first.contains(&format!("* {line}")));
    assert!(rest.contains(&format!("<p class=\"answer\">{line}")));
}
