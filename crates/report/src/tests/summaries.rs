//! `summary.json`: exact numbers, and null where nothing was measured.

use serde_json::{Value, json};

use super::fixture::{CONNECTIONS, DELIVERIES, PUBLISHES, cells_of, dataset, histogram, record};
use crate::summary;

fn json_of(record: &record::Record) -> Value {
    serde_json::to_value(summary(&dataset(record))).expect("serialises")
}

fn lane(record: &record::Record, name: &str) -> Value {
    json_of(record)["lanes"][name].take()
}

#[test]
fn the_head_says_what_was_run() {
    let summary = json_of(&record());
    assert_eq!(summary["version"], 1);
    assert_eq!(summary["scenario"], "feed");
    assert_eq!(summary["profile"], "quick");
    assert_eq!(summary["seed"], 7);
    assert_eq!(summary["headers"], "chromium");
    assert_eq!(summary["verdict"], json!({"status": "valid", "reasons": [], "withdrawn": []}));
    assert_eq!(
        summary["host"],
        json!({"id": "a1b2c3", "cores": 2, "kernel": "6.18.44", "loopback": true, "realtime": true})
    );
}

#[test]
fn lanes_keep_the_order_of_the_header() {
    let text = serde_json::to_string(&summary(&dataset(&record()))).expect("serialises");
    let at = |name: &str| text.find(&format!("\"{name}\":{{\"blocks\"")).expect("a lane");
    assert!(at("raw") < at("short-polling") && at("short-polling") < at("websocket"));
}

#[test]
fn bytes_are_window_totals_over_window_deliveries() {
    let bytes = lane(&record(), "short-polling")["bytes_per_delivery"].take();
    assert_eq!(
        bytes["down"],
        json!({"payload": 128.0, "envelope": 70.0, "framing": 11.0, "http_head": 90.0, "empty_polls": 10.0,
            "heartbeat": 0.0, "handshake": 0.0, "tls": null, "tcp_ip": 52.0})
    );
    assert_eq!(bytes["up"]["http_head"], 480.0);
    assert_eq!(bytes["up"]["tcp_ip"], 26.0);
    assert_eq!(bytes["stream_total"], 829.0);
    assert_eq!(bytes["stream_total_ci"], json!([829.0, 829.0]));
    assert_eq!(bytes["ip_total"], 907.0);
}

#[test]
fn counts_and_costs_are_exact() {
    let polling = lane(&record(), "short-polling");
    assert_eq!(polling["blocks"], 6);
    assert_eq!(polling["publishes"], 6 * PUBLISHES);
    assert_eq!(polling["deliveries"]["expected"], 6 * DELIVERIES);
    assert_eq!(polling["deliveries"]["lost"], 0);
    assert_eq!(polling["requests_per_delivery"], 1.0);
    assert_eq!(polling["deliveries_per_response"], 1.0);
    assert_eq!(polling["setup_bytes"], 850.0);
    assert_eq!(polling["generator"]["cpu_ns_per_delivery"], 6_000.0);
    // 21,000 and twice the block's number more: 0, 2, .. 10.
    assert_eq!(polling["server"]["cpu_ns_per_delivery"], 21_005.0);
    assert_eq!(polling["server"]["cpu_ns_per_delivery_ci"], json!([21_000.0, 21_010.0]));
    assert_eq!(
        polling["server"]["memory_bytes_per_connection"],
        json!({"user": 3_005.0, "user_ci": [3_000.0, 3_010.0], "kernel": 4_002.5, "kernel_ci": [4_000.0, 4_005.0]})
    );
    assert_eq!(polling["cells"].as_array().map(Vec::len), Some(6));
}

#[test]
fn user_and_system_time_are_told_apart_from_two_seconds_of_cpu_on() {
    let split = |user_ns: u64| {
        let mut record = record();
        for cell in cells_of(&mut record, "websocket") {
            (cell.server.user_ns, cell.server.system_ns) = (Some(user_ns), Some(300_000_000));
        }
        lane(&record, "websocket")["server"]["cpu_user_share"].take()
    };
    assert_eq!(split(30_000_000), Value::Null);
    assert_eq!(split(100_000_000), 0.25);
}

#[test]
fn context_switches_are_shared_by_the_deliveries_of_the_whole_feed() {
    let server = lane(&record(), "raw")["server"].take();
    // Half of 1,300 deliveries and the block's number more, over 1,300.
    assert_eq!(server["context_switches_per_delivery"], 652.5 / 1_300.0);
    assert_eq!(server["context_switches_per_delivery_ci"], json!([650.0 / 1_300.0, 655.0 / 1_300.0]));
}

#[test]
fn the_generators_busiest_core_is_of_its_busiest_block() {
    let mut record = record();
    let mut busy = 0.3;
    for cell in cells_of(&mut record, "raw") {
        cell.machine.as_mut().expect("the fixture has it").generator_core_busy = Some(busy);
        busy += 0.01;
    }
    let busiest = lane(&record, "raw")["generator"]["busiest_core"].as_f64().expect("a share");
    assert!((busiest - 0.35).abs() < 1e-9, "{busiest}");
}

#[test]
fn segments_are_shared_by_the_deliveries_of_their_own_time() {
    let mut record = record();
    for cell in cells_of(&mut record, "raw") {
        cell.window.segments = Some(record::Segments { deliveries: 2 * DELIVERIES, down: DELIVERIES, up: 0 });
    }
    let bytes = lane(&record, "raw")["bytes_per_delivery"].take();
    assert_eq!(bytes["down"]["tcp_ip"], 26.0);
    assert_eq!(bytes["up"]["tcp_ip"], 0.0);
    assert_eq!(bytes["ip_total"], 202.0 + 26.0);
}

#[test]
fn the_first_segments_of_a_connection_are_longer() {
    let mut record = record();
    for cell in cells_of(&mut record, "raw") {
        let deliveries = cell.window.deliveries;
        cell.window.segments = Some(record::Segments { deliveries, down: deliveries, up: 0 });
        cell.window.new_connections = deliveries;
    }
    let bytes = lane(&record, "raw")["bytes_per_delivery"].take();
    assert_eq!((&bytes["down"]["tcp_ip"], &bytes["up"]["tcp_ip"]), (&json!(60.0), &json!(8.0)));
}

#[test]
fn one_block_without_segments_leaves_the_lane_without_ip_bytes() {
    let mut record = record();
    cells_of(&mut record, "raw")[3].window.segments = None;
    let bytes = lane(&record, "raw")["bytes_per_delivery"].take();
    assert_eq!((&bytes["down"]["tcp_ip"], &bytes["ip_total"]), (&Value::Null, &Value::Null));
}

#[test]
fn memory_of_five_blocks_has_no_interval() {
    let mut record = record();
    cells_of(&mut record, "raw")[0].memory = None;
    let memory = lane(&record, "raw")["server"]["memory_bytes_per_connection"].take();
    assert_eq!(memory["user"], 1_030.0);
    assert_eq!(memory["user_ci"], json!([null, null]));
}

#[test]
fn push_lanes_have_no_deliveries_per_response() {
    let push = lane(&record(), "websocket");
    assert_eq!(push["requests_per_delivery"], 0.0);
    assert_eq!(push["deliveries_per_response"], Value::Null);
}

#[test]
fn the_ratio_to_the_floor_is_paired_by_block() {
    let server = lane(&record(), "short-polling")["server"].take();
    let ratio = server["cpu_ratio_to_raw"].as_f64().expect("a ratio");
    let by_hand = (21_004.0_f64 / 5_004.0 * 21_006.0 / 5_006.0).sqrt();
    assert!((ratio - by_hand).abs() < 1e-9, "{ratio}");
    assert_eq!(lane(&record(), "raw")["server"]["cpu_ratio_to_raw"], 1.0);
}

#[test]
fn quantiles_are_of_the_merged_histogram_with_intervals_over_blocks() {
    let mut record = record();
    for (block, cell) in (0_i64..).zip(cells_of(&mut record, "short-polling")) {
        cell.response_time = histogram(&[(1_000 + block, 891), (1_900 + block, 9)]);
    }
    let time = lane(&record, "short-polling")["response_time_ns"].take();
    assert_eq!(time["p50"], 1_003);
    assert_eq!(time["p50_ci"], json!([1_000, 1_005]));
    assert_eq!(time["p99"], 1_005);
    assert_eq!(time["p99_ci"], json!([1_000, 1_005]));
    assert_eq!(time["max"], 1_905);
    assert_eq!(time["p99.9"], Value::Null);
}

#[test]
fn a_quantile_needs_ten_publications_beyond_it() {
    let given = |publishes: u64| {
        let mut record = record();
        for (cell, _) in &mut record.cells {
            cell.publishes = 0;
        }
        cells_of(&mut record, "raw")[0].publishes = publishes;
        let time = lane(&record, "raw")["response_time_ns"].take();
        ["p50", "p75", "p90", "p95", "p99", "p99.9"].into_iter().filter(|name| !time[*name].is_null()).count()
    };
    for (publishes, quantiles) in
        [(19, 0), (20, 1), (39, 1), (40, 2), (100, 3), (200, 4), (999, 4), (1_000, 5), (9_999, 5), (10_000, 6)]
    {
        assert_eq!(given(publishes), quantiles, "{publishes} publications");
    }
}

#[test]
fn a_quantile_among_deliveries_that_never_came_is_null() {
    let mut record = record();
    for cell in cells_of(&mut record, "raw") {
        let mut recorder = measure::Recorder::from_text(&cell.response_time.0).expect("a histogram");
        recorder.record_undelivered(DELIVERIES);
        cell.response_time = record::Histogram(recorder.to_text());
    }
    let time = lane(&record, "raw")["response_time_ns"].take();
    assert!(time["p50"].is_u64());
    assert_eq!(time["p75"], Value::Null);
    assert_eq!(time["max"], Value::Null);
}

#[test]
fn what_was_not_measured_is_null_and_never_zero() {
    let mut record = record();
    for cell in cells_of(&mut record, "websocket") {
        cell.memory = None;
        cell.window.segments = None;
        cell.server.cpu_ns = 0;
        cell.kernel.connections = 0;
        cell.generator_cpu_ns = 0;
    }
    let websocket = lane(&record, "websocket");
    assert_eq!(
        websocket["server"]["memory_bytes_per_connection"],
        json!({"user": null, "user_ci": [null, null], "kernel": null, "kernel_ci": [null, null]})
    );
    assert_eq!(websocket["server"]["cpu_ns_per_delivery"], Value::Null);
    assert_eq!(websocket["server"]["cpu_ratio_to_raw_ci"], json!([null, null]));
    assert_eq!(websocket["bytes_per_delivery"]["up"]["tcp_ip"], Value::Null);
    assert_eq!(websocket["bytes_per_delivery"]["down"]["tcp_ip"], Value::Null);
    assert_eq!(websocket["bytes_per_delivery"]["ip_total"], Value::Null);
    assert_eq!(websocket["bytes_per_delivery"]["stream_total"], 203.0);
    assert_eq!(websocket["setup_bytes"], Value::Null);
    assert_eq!(websocket["generator"]["cpu_ns_per_delivery"], Value::Null);
}

#[test]
fn a_lane_without_cells_is_there_with_nulls() {
    let mut record = record();
    record.cells.retain(|(cell, _)| cell.lane != "short-polling");
    let lane = lane(&record, "short-polling");
    assert_eq!(lane["blocks"], 0);
    for pointer in [
        "/deliveries/lost",
        "/response_time_ns/p50",
        "/response_time_ns/max",
        "/bytes_per_delivery/stream_total",
        "/requests_per_delivery",
    ] {
        assert_eq!(lane.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
}

#[test]
fn tls_is_null_only_when_no_lane_had_it() {
    let mut record = record();
    cells_of(&mut record, "websocket")[0].window.down.insert("tls".to_owned(), 6 * DELIVERIES);
    assert_eq!(lane(&record, "websocket")["bytes_per_delivery"]["down"]["tls"], 1.0);
    assert_eq!(lane(&record, "raw")["bytes_per_delivery"]["down"]["tls"], 0.0);
}

#[test]
fn the_noise_floor_is_the_farthest_bound_of_the_twin() {
    let noise = json_of(&record())["noise_floor"].take();
    assert_eq!(noise["stream_total"], 1.0);
    assert_eq!(noise["cpu_ns_per_delivery"], 1.0);
    let p50 = noise["response_time_p50"].as_f64().expect("a factor");
    assert!((p50 - 1.02).abs() < 0.002, "{p50}");
}

#[test]
fn without_a_twin_the_noise_is_not_known() {
    let mut record = record();
    record.cells.retain(|(cell, _)| !cell.twin);
    let noise = json_of(&record)["noise_floor"].take();
    assert_eq!(noise, json!({"response_time_p50": null, "cpu_ns_per_delivery": null, "stream_total": null}));
}

#[test]
fn lanes_are_ranked_by_three_metrics_without_the_floor() {
    let ranking = json_of(&record())["ranking"].take();
    let entry = |index: usize, lane: &str, rank: u64, why: &str| {
        assert_eq!(ranking[index], json!({"lane": lane, "rank": rank, "ties_with": [], "why": why}));
    };
    entry(0, "websocket", 1, "response_time_p50");
    entry(1, "short-polling", 2, "response_time_p50");
    entry(2, "websocket", 1, "stream_bytes_per_delivery");
    entry(4, "websocket", 1, "cpu_ns_per_delivery");
    assert_eq!(ranking.as_array().map(Vec::len), Some(6));
}

#[test]
fn five_blocks_rank_nothing() {
    let mut record = record();
    record.cells.retain(|(cell, _)| cell.block < 5);
    assert_eq!(json_of(&record)["ranking"], json!([]));
}

#[test]
fn an_invalid_run_ranks_nothing() {
    let mut record = record();
    cells_of(&mut record, "raw")[0].kernel.matched = CONNECTIONS - 1;
    let summary = json_of(&record);
    assert_eq!(summary["verdict"]["status"], "invalid");
    assert_eq!(summary["ranking"], json!([]));
}

#[test]
fn the_receive_lag_hides_smaller_differences() {
    let mut record = super::fixture::run(&[super::fixture::SSE, super::fixture::SOCKETIO], None);
    let first = |record: &record::Record| json_of(record)["ranking"][0].take();
    assert_eq!(first(&record)["ties_with"], json!([]));
    for (cell, _) in &mut record.cells {
        cell.receive_lag = histogram(&[(100_000, 10)]);
    }
    assert_eq!(first(&record)["ties_with"], json!(["socketio"]));
}
