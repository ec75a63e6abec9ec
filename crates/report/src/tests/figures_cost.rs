//! The figures of bytes, costs and deliveries: what was not measured is said and not drawn, what was lost is seen, and parts
//! add up to their totals.

use record::{Publisher, Record};

use super::fixture::{DELIVERIES, EIGHT, RAW, SSE, WEBSOCKET, cells_of, dataset, record, run};
use crate::{
    charts::{Figure, Figures, Input},
    summary,
    text::INVALID_FIGURE,
    verdict,
};

/// Of the sections bytes, cost and reliability.
fn figures(record: &Record) -> Vec<Figure> {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    let figures = Figures::draw(Input { data: &data, summary: &summary, verdict: &verdict }).expect("drawn");
    figures.bytes.into_iter().chain(figures.cost).chain(figures.reliability).collect()
}

fn figure(record: &Record, id: &str) -> Figure {
    figures(record).into_iter().find(|figure| figure.id == id).expect(id)
}

/// What a pointer reads, part by part.
fn tips(svg: &str) -> Vec<&str> {
    let (_, tips) = svg.split_once("<g class=\"tips\">").expect("tips");
    tips.split("<title>").skip(1).filter_map(|rest| Some(rest.split_once("</title>")?.0)).collect()
}

/// The cells of the table's row of a lane.
fn cells<'a>(figure: &'a Figure, lane: &str) -> Vec<&'a str> {
    let row = figure.table.rows.iter().find(|row| row.head.label == lane).expect(lane);
    row.cells.iter().map(|cell| cell.text.as_str()).collect()
}

fn number(text: &str) -> f64 {
    text.split(' ').next().expect("a number").replace(',', "").parse().expect(text)
}

#[test]
fn a_run_of_a_feed_has_all_of_them_in_both_forms() {
    let figures = figures(&run(&EIGHT, Some("websocket")));
    let ids: Vec<&str> = figures.iter().map(|figure| figure.id).collect();
    assert_eq!(ids, ["bytes-stack", "bytes-rate", "requests-bars", "cpu-bars", "memory-bars", "delivery-ledger"]);
    for figure in &figures {
        for svg in [&figure.wide, &figure.narrow] {
            assert!(!tips(svg).is_empty(), "{}", figure.id);
        }
    }
}

#[test]
fn the_same_record_gives_the_same_figures() {
    let record = run(&EIGHT, Some("websocket"));
    for (a, b) in figures(&record).iter().zip(&figures(&record)) {
        assert!(a.wide == b.wide && a.narrow == b.narrow && a.answer == b.answer, "{}", a.id);
    }
}

#[test]
fn parts_of_a_stack_add_up_to_its_total() {
    let stack = figure(&record(), "bytes-stack");
    let parts = tips(&stack.wide).into_iter().filter_map(|tip| tip.strip_prefix("Short polling, "));
    let sum: f64 = parts.map(|tip| number(tip.split_once(": ").expect("a value").1)).sum();
    assert!((sum - 829.0).abs() < 0.5, "{sum}");
    assert!(tips(&stack.wide).contains(&"Short polling: 829 B"));
}

#[test]
fn bytes_a_second_are_those_of_the_windows_over_their_length_and_subscribers() {
    let rate = figure(&record(), "bytes-rate");
    // 900 deliveries of 202 bytes down and 1 up, to 300 subscribers in 0.6 s; 3.65 MB is 1,015 B/s for an hour.
    assert_eq!(cells(&rate, "WebSocket"), ["1,010 B/s", "5.00 B/s", "1,020 B/s", "3.65 MB"]);
    for row in &rate.table.rows {
        let [down, up, both] = [0, 1, 2].map(|column| number(&row.cells[column].text));
        assert!((down + up - both).abs() <= both * 0.01, "{}", row.head.label);
    }
    assert!(rate.note.contains("WebSocket 3.65 MB"), "{}", rate.note);
    assert_eq!(rate.answer, "WebSocket costs a subscriber 1,020 B/s, Short polling 4,140 B/s.");
}

#[test]
fn an_idle_run_has_its_bytes_by_the_minute_and_no_ledger() {
    let mut record = record();
    (record.header.scenario.publisher, record.header.scenario.rate_hz) = (Publisher::Nobody, 0.0);
    for (cell, _) in &mut record.cells {
        cell.window.deliveries = 0;
        cell.window.length_ns = 30_000_000_000;
        cell.window.down = [("heartbeat".to_owned(), 3_000)].into();
        cell.window.up = [("heartbeat".to_owned(), 600)].into();
    }
    let figures = figures(&record);
    let ids: Vec<&str> = figures.iter().map(|figure| figure.id).collect();
    assert_eq!(ids, ["bytes-rate", "memory-bars"]);
    assert!(figures[0].title.contains("a minute"));
    // 300 subscribers, half a minute.
    assert_eq!(cells(&figures[0], "WebSocket"), ["20.0 B/min", "4.00 B/min", "24.0 B/min", "1.44 kB"]);
    assert_eq!(figures[0].answer, "No difference was seen between Short polling and WebSocket.");
}

#[test]
fn requests_are_counted_and_lanes_without_any_are_named_together() {
    let requests = figure(&run(&EIGHT, Some("websocket")), "requests-bars");
    let without = "SSE, WebSocket, Socket.IO and Socket.IO (WebSocket)";
    assert!(
        requests.answer.starts_with(&format!("A delivery takes no request with {without}, and 1.00 requests with "))
    );
    assert_eq!(cells(&requests, "Long polling"), ["1.00 requests", "1.00"]);
    assert_eq!(cells(&requests, "SSE"), ["0 requests", "not measured"]);
}

#[test]
fn lanes_of_which_none_makes_a_request_have_an_axis_all_the_same() {
    let requests = figure(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")), "requests-bars");
    assert_eq!(requests.answer, "No difference was seen between SSE and WebSocket.");
    for svg in [&requests.wide, &requests.narrow] {
        assert!(svg.contains("\n0.5\n") || svg.contains("\n0.2\n"), "{svg}");
        assert!(tips(svg).contains(&"SSE: 0 requests"));
    }
}

#[test]
fn memory_of_the_kernel_that_was_not_measured_is_said_and_not_drawn() {
    let mut record = record();
    let drawn = figure(&record, "memory-bars");
    assert!(tips(&drawn.wide).iter().any(|tip| tip.starts_with("WebSocket, kernel: ")));
    assert!(drawn.wide.contains("opacity=\"0.25\""));
    for (cell, _) in &mut record.cells {
        for point in &mut cell.memory.as_mut().expect("memory").points {
            point.kernel_bytes = None;
        }
    }
    let memory = figure(&record, "memory-bars");
    assert!(!tips(&memory.wide).iter().any(|tip| tip.contains(", kernel:")));
    assert!(memory.wide.contains("+ kernel not measured") && memory.note.contains("was not measured"));
    assert_eq!(cells(&memory, "WebSocket")[1], "not measured");
}

#[test]
fn a_lane_without_memory_is_named_and_has_no_bar() {
    let mut record = record();
    for cell in cells_of(&mut record, "short-polling") {
        cell.memory = None;
    }
    let memory = figure(&record, "memory-bars");
    assert!(!tips(&memory.wide).iter().any(|tip| tip.starts_with("Short polling")));
    assert!(memory.wide.contains("Short polling: not measured;"), "the words for screen readers");
}

#[test]
fn a_difference_in_memory_is_claimed_only_where_intervals_are_apart() {
    let memory = figure(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")), "memory-bars");
    assert_eq!(
        memory.answer,
        "In the server process a subscriber of SSE holds 1.57 KiB, one of WebSocket holds 4.89 KiB."
    );
    let mut record = run(&[RAW, SSE, WEBSOCKET], Some("websocket"));
    // One block in which the lighter lane held as much.
    let heavy = cells_of(&mut record, "websocket")[0].memory.clone();
    cells_of(&mut record, "sse")[5].memory = heavy;
    assert_eq!(figure(&record, "memory-bars").answer, "No difference was seen between SSE and WebSocket.");
}

#[test]
fn intervals_of_bars_are_drawn_with_six_blocks_and_printed_beside_them() {
    let cpu = figure(&record(), "cpu-bars");
    assert!(cpu.wide.contains("Short polling: 21.0 µs, 4.20x floor"), "{}", cpu.wide);
    let mut record = record();
    for (index, cell) in (0..).zip(cells_of(&mut record, "short-polling")) {
        cell.server.cpu_ns += index * 1_000 * DELIVERIES;
    }
    let wider = figure(&record, "cpu-bars");
    assert!(wider.wide.contains("Short polling: 23.5 µs (21.0–26.0), "), "{}", wider.wide);
}

#[test]
fn a_ledger_in_which_all_is_well_is_one_small_bar() {
    let ledger = figure(&run(&EIGHT, Some("websocket")), "delivery-ledger");
    assert_eq!(ledger.answer, "Every one of the 43,200 expected deliveries arrived, once and in order.");
    assert_eq!(tips(&ledger.wide), ["All 8 lanes: 43,200 of 43,200"]);
    assert_eq!(ledger.table.rows.len(), 8);
    assert!(!ledger.wide.contains("var(--red)"));
}

#[test]
fn a_single_loss_is_seen_in_red_beside_what_else_went_wrong() {
    let mut record = record();
    let cell = &mut cells_of(&mut record, "websocket")[0].deliveries;
    (cell.delivered, cell.lost, cell.duplicated, cell.replayed) = (DELIVERIES - 1, 1, 2, 3);
    let ledger = figure(&record, "delivery-ledger");
    for svg in [&ledger.wide, &ledger.narrow] {
        assert!(svg.contains("var(--red)"));
        assert!(tips(svg).contains(&"WebSocket: 1 lost"));
        assert!(tips(svg).contains(&"WebSocket: 5,399 of 5,400, 1 lost, 2 duplicated, 3 replayed"), "{:?}", tips(svg));
        assert!(tips(svg).contains(&"Short polling: 5,400 of 5,400"));
    }
    assert_eq!(ledger.answer, format!("Of 16,200 expected deliveries: 1 lost, 2 duplicated. {INVALID_FIGURE}"));
    assert_eq!(cells(&ledger, "WebSocket"), ["5,400", "5,399", "1", "2", "0", "3", "0"]);
}

#[test]
fn a_delivery_that_is_missing_is_lost_even_if_the_record_does_not_say_so() {
    let mut record = record();
    cells_of(&mut record, "raw")[0].deliveries.delivered = DELIVERIES - 1;
    assert!(tips(&figure(&record, "delivery-ledger").wide).contains(&"raw (floor): 1 lost"));
}

#[test]
fn of_an_invalid_run_no_figure_claims_anything() {
    let mut record = record();
    cells_of(&mut record, "raw")[0].deliveries.delivered = DELIVERIES - 1;
    for figure in figures(&record) {
        assert!(figure.answer.ends_with(INVALID_FIGURE), "{}: {}", figure.id, figure.answer);
    }
}

#[test]
fn behind_a_round_trip_only_deliveries_are_left() {
    let mut record = record();
    record.header.rtt_ns = Some(50_000_000);
    let ids: Vec<&str> = figures(&record).iter().map(|figure| figure.id).collect();
    assert_eq!(ids, ["delivery-ledger"]);
}
