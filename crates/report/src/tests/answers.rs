//! The sentences of the answer, one kind of run each.

use record::Record;

use super::fixture::{
    DELIVERIES, LONG_POLLING, RAW, SHORT_POLLING, SOCKETIO, SSE, Spec, WEBSOCKET, cells_of, dataset, record, run,
};
use crate::{summary, text::answer, verdict};

fn sentences(record: &Record) -> Vec<String> {
    let data = dataset(record);
    let answer = answer(&data, &summary(&data), &verdict(&data));
    answer.into_iter().map(|sentence| sentence.text).collect()
}

#[test]
fn a_clear_winner_is_recommended_with_what_it_wins_by() {
    let answer = sentences(&record());
    assert_eq!(answer.len(), 3, "{answer:?}");
    assert!(answer[0].starts_with("Use WebSocket for this workload"), "{answer:?}");
    assert_eq!(answer[1], "Half of its deliveries arrive within 260 µs of being due.");
    assert!(answer[2].starts_with("Against WebSocket, Short polling takes 1,9"), "{answer:?}");
    assert!(answer[2].contains("4.08x the bytes and costs 2.62x the server CPU"), "{answer:?}");
}

#[test]
fn the_next_lane_is_named_apart_from_the_latest() {
    let answer = sentences(&run(&[RAW, WEBSOCKET, SOCKETIO, SHORT_POLLING], Some("websocket")));
    assert!(answer[1].contains("; the next, Socket.IO, takes 1.3"), "{answer:?}");
    assert!(answer[2].starts_with("Against WebSocket, Short polling takes 1,9"), "{answer:?}");
}

#[test]
fn no_factor_is_said_twice() {
    let thrifty = Spec { cpu_ns: 4_000, ..SHORT_POLLING };
    for lanes in [[RAW, SHORT_POLLING, WEBSOCKET], [RAW, thrifty, WEBSOCKET], [RAW, SSE, LONG_POLLING]] {
        let answer = sentences(&run(&lanes, None)).join(" ");
        let mut factors: Vec<&str> = answer.split(' ').filter(|word| word.ends_with('x')).collect();
        let all = factors.len();
        factors.sort_unstable();
        factors.dedup();
        assert_eq!(factors.len(), all, "{answer}");
        assert!(answer.matches("as long").count() == 1, "{answer}");
    }
}

#[test]
fn a_tie_is_called_one_and_the_cheaper_lane_recommended() {
    let lean = Spec { cpu_ns: 7_000, ..WEBSOCKET };
    let answer = sentences(&run(&[RAW, SSE, lean, LONG_POLLING], Some("websocket")));
    assert_eq!(answer[1], "It is as fast as SSE here (no difference seen) and costs the fewest bytes of them.");
    assert!(answer[2].starts_with("Against WebSocket, Long polling takes 1.6"), "{answer:?}");
}

#[test]
fn equally_fast_lanes_that_spare_different_things_are_both_named() {
    let answer = sentences(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")));
    assert_eq!(
        answer[0],
        "Use WebSocket for the fewest bytes or SSE for the least server CPU: they deliver equally soon here (no difference seen)."
    );
}

#[test]
fn lanes_without_any_difference_do_equally_well() {
    let other = Spec { lane: "other", title: "Other", ..WEBSOCKET };
    let answer = sentences(&run(&[RAW, WEBSOCKET, other], Some("websocket")));
    assert_eq!(
        answer,
        [
            "WebSocket and Other do equally well for this workload: no difference was seen in delay, bytes or server CPU."
        ]
    );
}

#[test]
fn a_later_lane_that_spares_something_is_mentioned() {
    let thrifty = Spec { cpu_ns: 4_000, ..SHORT_POLLING };
    let answer = sentences(&run(&[RAW, thrifty, WEBSOCKET], Some("websocket")));
    assert_eq!(
        answer[0],
        "Use WebSocket for the lowest delay, or Short polling for 0.500x (0.500–0.501) the server CPU."
    );
}

#[test]
fn a_single_lane_is_described_and_not_recommended() {
    let answer = sentences(&run(&[RAW, SOCKETIO], None));
    assert_eq!(answer[0], "Only Socket.IO was measured: there is nothing to choose between.");
    assert_eq!(
        answer[1],
        "Half of the deliveries of Socket.IO arrive within 350 µs of being due, 99 of 100 within 741 µs."
    );
    assert_eq!(answer[2], "A delivery costs 228 B on the wire and 11.0 µs of server CPU.");
}

#[test]
fn the_floor_alone_is_no_choice() {
    assert_eq!(sentences(&run(&[RAW], None)), ["Only the floor was measured: there is nothing to choose between."]);
}

#[test]
fn a_run_that_ended_before_its_first_cell_has_nothing_to_say() {
    let mut record = record();
    record.cells.clear();
    record.end = None;
    assert_eq!(sentences(&record), ["Nothing was measured: there is nothing to choose between."]);
}

#[test]
fn an_invalid_run_recommends_nothing() {
    let mut record = record();
    cells_of(&mut record, "raw")[2].deliveries.delivered = DELIVERIES - 3;
    let answer = sentences(&record);
    assert_eq!(answer[0], "No recommendation: this run is INVALID, and its numbers must not be used.");
    assert_eq!(answer[1], "The first reason: raw: deliveries were lost, 3 at worst, in 1 of 6 cells.");
}

#[test]
fn an_interrupted_run_with_five_blocks_shows_no_difference() {
    let mut record = record();
    record.end = None;
    record.cells.retain(|(cell, _)| cell.block < 5);
    let answer = sentences(&record);
    assert_eq!(answer[0], "No difference can be shown: a lane has 5 blocks, and six are needed.");
}

#[test]
fn nothing_smaller_than_the_noise_is_claimed() {
    let close = Spec { lane: "close", title: "Close", delay: |u| (WEBSOCKET.delay)(u) * 1.05, ..WEBSOCKET };
    let mut record = run(&[RAW, WEBSOCKET, close], Some("websocket"));
    assert!(sentences(&record)[0].starts_with("Use WebSocket"));
    // The twin, twice as slow: the host is that noisy.
    for cell in cells_of(&mut record, "websocket").into_iter().filter(|cell| cell.twin) {
        cell.response_time = super::fixture::histogram(&[(520_000, DELIVERIES)]);
    }
    assert!(sentences(&record)[0].contains("do equally well"), "{:?}", sentences(&record));
}
