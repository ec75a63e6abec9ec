//! The sentences of the answer, one kind of run each, and that the page has what proves them.

use record::{Publisher, Record};

use super::fixture::{
    DELIVERIES, EIGHT, LONG_POLLING, RAW, SHORT_POLLING, SOCKETIO, SSE, Spec, WEBSOCKET, cells_of, dataset, histogram,
    record, run,
};
use crate::{prose, render, summary, text, text::Sentence, verdict};

const EVERY_250MS: Spec = Spec {
    lane: "short-polling+interval=250ms",
    variant: 1,
    title: "Short polling (every 250ms)",
    delay: |u| 250_000_000.0 * u.max(0.001) + 600_000.0,
    up: &[("http_head", 1_900), ("empty_polls", 160)],
    cpu_ns: 60_000,
    ..SHORT_POLLING
};
const EVERY_5S: Spec = Spec {
    lane: "short-polling+interval=5s",
    variant: 2,
    title: "Short polling (every 5s)",
    delay: |u| 5_000_000_000.0 * u.max(0.001) + 600_000.0,
    up: &[("http_head", 100)],
    cpu_ns: 9_000,
    ..SHORT_POLLING
};

fn answer(record: &Record) -> Vec<Sentence> {
    let data = dataset(record);
    text::answer(&data, &summary(&data), &verdict(&data))
}

fn sentences(record: &Record) -> Vec<String> {
    answer(record).into_iter().map(|sentence| sentence.text).collect()
}

/// These lanes, those of short polling with their intervals.
fn sweep(lanes: &[Spec]) -> Record {
    let mut record = run(lanes, Some("sse"));
    for lane in &mut record.header.lanes {
        lane.interval_ns = match lane.lane.as_str() {
            "short-polling+interval=250ms" => Some(250_000_000),
            "short-polling" => Some(1_000_000_000),
            "short-polling+interval=5s" => Some(5_000_000_000),
            _ => None,
        };
    }
    record
}

pub(super) fn three_intervals() -> Record {
    sweep(&[EVERY_250MS, SHORT_POLLING, EVERY_5S, LONG_POLLING, SSE, RAW])
}

fn distant() -> Record {
    let mut record = run(&[RAW, LONG_POLLING, WEBSOCKET], Some("websocket"));
    record.header.rtt_ns = Some(100_000_000);
    record
}

fn silent() -> Record {
    let mut record = record();
    let scenario = &mut record.header.scenario;
    (scenario.publisher, scenario.rate_hz) = (Publisher::Nobody, 0.0);
    for (cell, _) in &mut record.cells {
        cell.window.length_ns = 30_000_000_000;
        cell.window.down = [("heartbeat".to_owned(), 3_000)].into();
        cell.window.up = [("heartbeat".to_owned(), 600)].into();
        (cell.publishes, cell.window.deliveries) = (0, 0);
        cell.response_time = histogram(&[]);
    }
    record
}

fn five_blocks() -> Record {
    let mut record = record();
    record.end = None;
    record.cells.retain(|(cell, _)| cell.block < 5);
    record
}

fn invalid() -> Record {
    let mut record = record();
    cells_of(&mut record, "raw")[2].deliveries.delivered = DELIVERIES - 3;
    record
}

fn without(record: Record, lane: &str) -> Record {
    let cells = record.cells.into_iter().filter(|(cell, _)| cell.lane != lane).collect();
    Record { cells, ..record }
}

#[test]
fn a_clear_winner_is_recommended_with_what_it_wins_by() {
    assert_eq!(
        sentences(&record()),
        [
            "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU.",
            "Half of the deliveries of WebSocket arrive within 260 µs of being due.",
            "Against WebSocket, Short polling takes 1,920x as long and costs 4.08x the bytes and 2.62x the server CPU."
        ]
    );
}

#[test]
fn the_next_lane_is_named_apart_from_the_latest() {
    assert_eq!(
        sentences(&run(&[RAW, WEBSOCKET, SOCKETIO, SHORT_POLLING], Some("websocket"))),
        [
            "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU.",
            "Half of the deliveries of WebSocket arrive within 260 µs of being due; the next, Socket.IO, takes 1.35x as long.",
            "Against WebSocket, Short polling takes 1,920x as long and costs 4.08x the bytes and 2.62x the server CPU."
        ]
    );
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
fn a_later_lane_that_spares_something_is_named_with_what_it_spares() {
    let thrifty = Spec { cpu_ns: 4_000, ..SHORT_POLLING };
    assert_eq!(
        sentences(&run(&[RAW, thrifty, WEBSOCKET], None))[0],
        "Use WebSocket where delay counts, or Short polling for 0.500x (0.500–0.501) the server CPU."
    );
}

#[test]
fn a_tie_is_called_one_and_the_cheaper_lane_recommended() {
    let lean = Spec { cpu_ns: 7_000, ..WEBSOCKET };
    assert_eq!(
        sentences(&run(&[RAW, SSE, lean, LONG_POLLING], Some("websocket"))),
        [
            "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU.",
            "WebSocket is as fast as SSE here (no difference seen) and costs the fewest bytes of them.",
            "Against WebSocket, Long polling takes 1.62x (1.61–1.62) as long and costs 5.28x the bytes and 4.85x (4.85–4.86) the server CPU."
        ]
    );
}

#[test]
fn equally_fast_lanes_that_spare_different_things_are_both_named() {
    assert_eq!(
        sentences(&run(&[RAW, SSE, WEBSOCKET], Some("websocket"))),
        [
            "Use WebSocket for the fewest bytes or SSE for the least server CPU: they deliver equally soon here (no difference seen).",
            "Against WebSocket, SSE costs 1.17x the bytes."
        ]
    );
}

#[test]
fn lanes_without_any_difference_do_equally_well() {
    let other = Spec { lane: "other", title: "Other", ..WEBSOCKET };
    assert_eq!(
        sentences(&run(&[RAW, WEBSOCKET, other], Some("websocket"))),
        [
            "WebSocket and Other do equally well for this workload: no difference was seen in delay, bytes or server CPU."
        ]
    );
}

#[test]
fn nothing_smaller_than_the_noise_is_claimed() {
    let close = Spec { lane: "close", title: "Close", delay: |u| (WEBSOCKET.delay)(u) * 1.05, ..WEBSOCKET };
    let mut record = run(&[RAW, WEBSOCKET, close], Some("websocket"));
    assert_eq!(
        sentences(&record)[0],
        "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU."
    );
    // The twin, twice as slow: the host is that noisy.
    for cell in cells_of(&mut record, "websocket").into_iter().filter(|cell| cell.twin) {
        cell.response_time = histogram(&[(520_000, DELIVERIES)]);
    }
    assert_eq!(
        sentences(&record),
        [
            "WebSocket and Close do equally well for this workload: no difference was seen in delay, bytes or server CPU."
        ]
    );
}

#[test]
fn one_lane_alone_is_described_and_not_compared() {
    assert_eq!(
        sentences(&run(&[SOCKETIO], None)),
        [
            "Only Socket.IO was measured: there is nothing to choose between.",
            "Half of the deliveries of Socket.IO arrive within 350 µs of being due, 99 of 100 within 741 µs.",
            "A delivery costs 228 B on the wire and 11.0 µs of server CPU."
        ]
    );
}

#[test]
fn the_floor_alone_is_no_choice() {
    assert_eq!(sentences(&run(&[RAW], None)), ["Only the floor was measured: there is nothing to choose between."]);
}

#[test]
fn a_lane_that_was_planned_and_not_measured_is_named() {
    let record = without(run(&[RAW, SSE, SHORT_POLLING, WEBSOCKET], Some("websocket")), "sse");
    assert_eq!(
        sentences(&record),
        [
            "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU.",
            "Half of the deliveries of WebSocket arrive within 260 µs of being due.",
            "Against WebSocket, Short polling takes 1,920x as long and costs 4.08x the bytes and 2.62x the server CPU.",
            "Nothing is said of SSE, which was not measured."
        ]
    );
    assert_eq!(
        sentences(&without(run(&[RAW, SSE, LONG_POLLING, SHORT_POLLING, WEBSOCKET], None), "sse"))
            .last()
            .map(String::as_str),
        Some("Nothing is said of SSE, which was not measured.")
    );
}

#[test]
fn a_run_that_ended_before_its_first_cell_has_nothing_to_say() {
    let mut record = record();
    record.cells.clear();
    record.end = None;
    assert_eq!(
        sentences(&record),
        [
            "Nothing was measured: there is nothing to choose between.",
            "The run was interrupted: 0 of 6 blocks are complete."
        ]
    );
}

#[test]
fn an_invalid_run_recommends_nothing() {
    assert_eq!(
        sentences(&invalid()),
        [
            "No recommendation: this run is INVALID, and its numbers must not be used.",
            "The first reason: raw: deliveries were lost, 3 at worst, in 1 of 6 cells."
        ]
    );
}

#[test]
fn a_run_that_died_after_five_blocks_shows_no_difference() {
    assert_eq!(
        sentences(&five_blocks()),
        [
            "No difference can be shown: a lane has 5 blocks, and six are needed.",
            "The figures below show what was measured; none of it carries a choice.",
            "The run was interrupted: 5 of 6 blocks are complete."
        ]
    );
}

#[test]
fn fewer_than_six_blocks_show_no_difference_though_nobody_interrupted_the_run() {
    let mut record = record();
    record.header.blocks = 3;
    record.cells.retain(|(cell, _)| cell.block < 3);
    assert_eq!(
        sentences(&record),
        [
            "No difference can be shown: a lane has 3 blocks, and six are needed.",
            "The figures below show what was measured; none of it carries a choice."
        ]
    );
}

#[test]
fn a_run_that_somebody_ended_after_its_sixth_block_answers_and_says_so() {
    let mut record = record();
    record.header.blocks = 9;
    record.end.as_mut().expect("an end").interrupted = true;
    let sentences = sentences(&record);
    assert_eq!(
        sentences[0],
        "Use WebSocket for this workload: no other lane is proven better in delay, bytes or server CPU."
    );
    assert_eq!(sentences[3..], ["The run was interrupted: 6 of 9 blocks are complete."]);
}

#[test]
fn a_sweep_says_what_the_shortest_interval_costs_and_gains() {
    assert_eq!(
        sentences(&three_intervals()),
        [
            "Use SSE for this workload: no other lane is proven better in delay, bytes or server CPU.",
            "Half of the deliveries of SSE arrive within 262 µs of being due.",
            "Against SSE, Long polling takes 1.60x as long and costs 4.52x the bytes and 4.85x (4.85–4.86) the server CPU.",
            "Short polling every 250 ms costs 5.79x the bytes and 6.66x (6.66–6.67) the server CPU of every 5 s, which takes 19.9x as long; every 250 ms still takes 479x as long as SSE."
        ]
    );
}

#[test]
fn an_interval_that_costs_nothing_is_said_to_gain_only() {
    let cheap = Spec { up: EVERY_5S.up, cpu_ns: EVERY_5S.cpu_ns, ..EVERY_250MS };
    assert_eq!(
        sentences(&sweep(&[cheap, EVERY_5S, SSE, RAW]))[2],
        "Short polling every 5 s takes 19.9x as long as every 250 ms, and no difference was seen in bytes or server CPU; every 250 ms still takes 479x as long as SSE."
    );
}

#[test]
fn an_interval_that_gains_nothing_is_said_to_cost_only() {
    let idle = Spec { delay: EVERY_5S.delay, ..EVERY_250MS };
    assert_eq!(
        sentences(&sweep(&[idle, EVERY_5S, SSE, RAW]))[2],
        "Short polling every 250 ms costs 5.79x the bytes and 6.66x (6.66–6.67) the server CPU of every 5 s, and no difference was seen in delay; every 250 ms still takes 9,540x (9,530–9,550) as long as SSE."
    );
}

#[test]
fn intervals_without_a_difference_are_said_to_have_none() {
    let same = Spec { lane: EVERY_250MS.lane, title: EVERY_250MS.title, variant: 1, ..EVERY_5S };
    assert_eq!(
        sentences(&sweep(&[same, EVERY_5S, SSE, RAW]))[2],
        "No difference was seen between Short polling every 250 ms and every 5 s in delay, bytes or server CPU; every 250 ms still takes 9,540x (9,530–9,550) as long as SSE."
    );
}

#[test]
fn a_sweep_behind_a_round_trip_speaks_of_delay_alone() {
    let mut record = sweep(&[EVERY_250MS, EVERY_5S, SSE, RAW]);
    record.header.rtt_ns = Some(100_000_000);
    assert_eq!(
        sentences(&record)[2..],
        [
            "Short polling every 5 s takes 19.9x as long as every 250 ms, and nothing else was measured; every 250 ms still takes 479x as long as SSE."
        ]
    );
}

#[test]
fn the_same_lane_twice_is_no_sweep() {
    let again = Spec { lane: "short-polling@again", title: "Short polling (again)", ..SHORT_POLLING };
    let mut record = run(&[SHORT_POLLING, again, SSE], None);
    for lane in &mut record.header.lanes[..2] {
        (lane.transport, lane.interval_ns) = ("short-polling".to_owned(), Some(1_000_000_000));
    }
    assert!(!sentences(&record).join(" ").contains("every"), "{:?}", sentences(&record));
}

#[test]
fn behind_a_round_trip_nothing_but_delay_is_compared() {
    assert_eq!(
        sentences(&distant()),
        [
            "Use WebSocket for this workload: no other lane is proven better in delay, and nothing else was measured.",
            "Half of the deliveries of WebSocket arrive within 260 µs of being due.",
            "Against WebSocket, Long polling takes 1.62x (1.61–1.62) as long."
        ]
    );
}

#[test]
fn a_silent_run_says_what_silence_costs() {
    assert_eq!(
        sentences(&silent()),
        [
            "While nothing is published, a subscriber costs in a minute 24.0 B (raw), 24.0 B (Short polling) and 24.0 B (WebSocket)."
        ]
    );
}

#[test]
fn without_root_the_page_says_that_kernel_memory_is_missing_and_the_answer_stands() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        for point in cell.memory.iter_mut().flat_map(|memory| &mut memory.points) {
            point.kernel_bytes = None;
        }
    }
    let data = dataset(&record);
    assert_eq!(
        prose::memory_note(&data, &summary(&data)),
        "Memory per connection is the slope between the smallest and the largest of 2 fleet sizes in one growing server: an \
         estimate. Kernel memory needs the right to read the kernel's slabs, and was not measured."
    );
    assert_eq!(sentences(&record), sentences(&self::record()));
}

#[test]
fn every_sentence_is_proven_on_its_page() {
    let few_publications = {
        let mut record = record();
        for (cell, _) in &mut record.cells {
            cell.publishes = 3;
        }
        record
    };
    let of_no_common_block = {
        let mut record = run(&[SSE, WEBSOCKET], None);
        for (cell, _) in &mut record.cells {
            cell.block += if cell.lane == "sse" { 6 } else { 0 };
        }
        record
    };
    let mut distant_sweep = three_intervals();
    distant_sweep.header.rtt_ns = Some(100_000_000);
    let records = [
        record(),
        run(&EIGHT, Some("websocket")),
        run(&[RAW, SSE, WEBSOCKET], Some("websocket")),
        run(&[SOCKETIO], None),
        run(&[RAW], None),
        three_intervals(),
        distant(),
        silent(),
        five_blocks(),
        invalid(),
        few_publications,
        of_no_common_block,
        distant_sweep,
    ];
    for record in &records {
        let page = render(&dataset(record)).expect("rendered");
        for Sentence { text, proof } in answer(record) {
            assert!(page.contains(&format!(" id=\"{proof}\"")), "{proof}: {text}");
        }
    }
}

#[test]
fn a_sentence_with_numbers_is_proven_by_a_figure() {
    let proofs = |record: &Record| answer(record).iter().map(|sentence| sentence.proof).collect::<Vec<_>>();
    assert_eq!(proofs(&record()), ["differences-ratios", "latency-quantiles", "differences-ratios"]);
    assert_eq!(proofs(&run(&[SOCKETIO], None)), ["lanes", "latency-quantiles", "bytes-stack"]);
    assert_eq!(proofs(&three_intervals()).last(), Some(&"sensitivity-interval"));
}
