//! Every rule, provoked once; the limits' other side is the run that all tests begin with.

use measure::Recorder;
use record::{Cell, Environment, Histogram, Machine, Record};

use super::fixture::{CONNECTIONS, DELIVERIES, cells_of, dataset, histogram, record};
use crate::{Outcome, Status, Verdict, verdict};

fn judged(record: &Record) -> Verdict {
    verdict(&dataset(record))
}

/// The verdict when this many of the lane's six cells are changed.
fn with(cells: usize, change: impl Fn(&mut Cell)) -> Verdict {
    let mut record = record();
    cells_of(&mut record, "short-polling").into_iter().take(cells).for_each(change);
    judged(&record)
}

#[track_caller]
fn fires(verdict: &Verdict, status: Status, words: &str) {
    assert_eq!(verdict.status, status, "{:?}", verdict.reasons);
    assert_eq!(verdict.reasons.len(), 1, "{:?}", verdict.reasons);
    assert!(verdict.reasons[0].contains(words), "{:?}", verdict.reasons);
    assert_eq!(verdict.checks_passed, verdict.checks.len() - 1);
}

fn machine(cell: &mut Cell) -> &mut Machine {
    cell.machine.as_mut().expect("the fixture has it")
}

#[track_caller]
fn on_one_cell(words: &str, change: impl Fn(&mut Cell)) {
    fires(&with(1, change), Status::Invalid, words);
}

#[track_caller]
fn on_half_the_cells(status: Status, words: &str, change: impl Fn(&mut Cell)) {
    fires(&with(3, &change), status, words);
    assert_eq!(with(2, &change).status, Status::Valid, "a third of the cells is not more than a third");
}

#[test]
fn a_clean_run_is_valid_and_says_what_was_checked() {
    let verdict = judged(&record());
    assert_eq!(verdict.status, Status::Valid);
    assert_eq!((verdict.checks_passed, verdict.checks.len()), (24, 24));
    assert!(verdict.reasons.is_empty() && verdict.withdrawn.is_empty());
}

#[test]
fn one_lost_delivery_makes_a_run_invalid() {
    on_one_cell("deliveries were lost", |cell| {
        cell.deliveries.lost = 1;
        cell.deliveries.delivered = DELIVERIES - 1;
    });
}

#[test]
fn a_delivery_missing_from_the_ledger_is_lost_too() {
    on_one_cell("deliveries were lost", |cell| cell.deliveries.delivered = DELIVERIES - 1);
}

#[test]
fn a_delivery_that_nobody_expected_makes_a_run_invalid() {
    on_one_cell("more was delivered than expected", |cell| cell.deliveries.delivered = DELIVERIES + 1);
}

#[test]
fn one_duplicate_makes_a_run_invalid() {
    on_one_cell("came twice", |cell| cell.deliveries.duplicated = 1);
}

#[test]
fn disorder_without_a_gap_makes_a_run_invalid() {
    on_one_cell("out of order", |cell| cell.deliveries.reordered = 1);
    let told = with(1, |cell| {
        cell.deliveries.reordered = 1;
        cell.deliveries.gaps_told = 1;
    });
    assert_eq!(told.status, Status::Valid);
}

#[test]
fn one_changed_payload_makes_a_run_invalid() {
    on_one_cell("no server may make", |cell| {
        cell.violations.insert("changed_payload".to_owned(), 1);
    });
}

#[test]
fn unequal_work_makes_a_run_invalid() {
    on_one_cell("expected deliveries", |cell| {
        cell.deliveries.expected -= 5;
        cell.deliveries.delivered -= 5;
    });
}

#[test]
fn a_cell_with_less_to_deliver_than_its_neighbours_makes_a_run_invalid() {
    let mut record = record();
    // By itself it adds up: fewer publications, fewer deliveries.
    let cell = cells_of(&mut record, "raw").swap_remove(2);
    cell.publishes -= 1;
    cell.deliveries.expected -= 5;
    cell.deliveries.delivered -= 5;
    fires(&judged(&record), Status::Invalid, "raw: expected deliveries differ");
}

#[test]
fn a_lane_that_asks_by_the_clock_may_watch_another_part_of_the_feed() {
    let mut record = record();
    record.header.lanes[1].interval_ns = Some(1_000_000_000);
    for cell in cells_of(&mut record, "short-polling") {
        cell.publishes *= 2;
        cell.deliveries.expected *= 2;
        cell.deliveries.delivered *= 2;
    }
    assert_eq!(judged(&record).status, Status::Valid);
}

#[test]
fn bytes_unlike_the_kernels_make_a_run_invalid() {
    on_one_cell("ledger and kernel disagree", |cell| cell.kernel.matched = CONNECTIONS - 1);
    on_one_cell("ledger and kernel disagree", |cell| cell.kernel.bytes_up += 1);
}

#[test]
fn a_feed_below_its_rate_makes_a_run_invalid() {
    on_half_the_cells(Status::Invalid, "not written or not acknowledged", |cell| cell.sent = 256);
    on_half_the_cells(Status::Invalid, "not written or not acknowledged", |cell| cell.acked = 256);
    on_half_the_cells(Status::Invalid, "took longer than planned", |cell| cell.sent_span_ns = 915_000_000);
}

#[test]
fn a_busy_generator_makes_a_run_invalid() {
    on_half_the_cells(Status::Invalid, "generator's core", |cell| machine(cell).generator_core_busy = Some(0.91));
}

#[test]
fn a_clock_that_runs_backwards_makes_a_run_invalid() {
    on_one_cell("the clock is not monotonic", |cell| cell.response_time = histogram(&[(-1, 1), (500_000_000, 899)]));
    on_one_cell("the clock is not monotonic", |cell| cell.publish_delay = histogram(&[(-1, 1), (9_000, 179)]));
    let mut record = record();
    let clean = record.cells[0].clone();
    record.cells[0].0.service_time = histogram(&[(-7, 1), (200_000, 899)]);
    record.cells.push(clean);
    fires(&judged(&record), Status::Invalid, "in 1 of 7 cells");
}

#[test]
fn a_path_with_a_round_trip_of_its_own_makes_a_run_suspect() {
    let mut record = record();
    let with = |record: &mut Record, ns| record.header.host.environment.round_trip_ns = Some(ns);
    with(&mut record, 1_000_001);
    fires(&judged(&record), Status::Suspect, "a round trip to the server took 1.00 ms before the run put any delay");
    with(&mut record, 1_000_000);
    assert_eq!(judged(&record).status, Status::Valid);
}

#[test]
fn a_queue_on_loopback_makes_a_run_suspect() {
    let mut record = record();
    let with = |record: &mut Record, kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        record.header.host.environment.loopback_qdiscs = Some(kinds);
    };
    with(&mut record, &["noqueue", "netem", "tbf"]);
    fires(&judged(&record), Status::Suspect, "the loopback interface has a queueing discipline: netem, tbf");
    with(&mut record, &[]);
    assert_eq!(judged(&record).status, Status::Valid);
}

#[test]
fn a_late_publisher_makes_a_run_invalid() {
    on_half_the_cells(Status::Invalid, "publisher's own delay", |cell| {
        cell.publish_delay = histogram(&[(25_000, 180)]);
    });
}

#[test]
fn a_disturbed_machine_makes_a_run_suspect() {
    on_half_the_cells(Status::Suspect, "hypervisor", |cell| machine(cell).steal = 0.02);
    on_half_the_cells(Status::Suspect, "other processes", |cell| machine(cell).others_cores = 0.06);
}

#[test]
fn blocks_that_do_not_agree_make_a_run_suspect() {
    let mut record = record();
    for (cell, ns) in cells_of(&mut record, "short-polling").into_iter().zip([1_000_000, 1_000_000, 1, 3, 900, 900]) {
        cell.response_time = histogram(&[(ns * 1_000, 900)]);
        cell.publish_delay = histogram(&[(10, 180)]);
    }
    for lane in ["raw", "websocket"] {
        for cell in cells_of(&mut record, lane) {
            cell.publish_delay = histogram(&[(10, 180)]);
        }
    }
    fires(&judged(&record), Status::Suspect, "median block");
}

#[test]
fn a_run_that_was_cut_short_is_suspect() {
    let mut died = record();
    died.end = None;
    fires(&judged(&died), Status::Suspect, "interrupted: the record has no end");
    let mut ended = record();
    ended.end.as_mut().expect("an end").interrupted = true;
    fires(&judged(&ended), Status::Suspect, "interrupted: somebody");
    let mut short = record();
    short.cells.retain(|(cell, _)| cell.lane != "raw" || cell.block < 5);
    fires(&judged(&short), Status::Suspect, "raw 5 of 6 blocks");
}

#[test]
fn failures_make_a_run_suspect() {
    let mut failed = record();
    failed.end.as_mut().expect("an end").failures.push("no answer".to_owned());
    fires(&judged(&failed), Status::Suspect, "no answer");
    fires(
        &with(1, |cell| {
            cell.errors.insert("refused".to_owned(), 2);
        }),
        Status::Suspect,
        "2 errors",
    );
}

#[test]
fn a_debug_build_is_suspect() {
    let mut record = record();
    record.header.tool.build = "debug".to_owned();
    fires(&judged(&record), Status::Suspect, "built as debug");
}

#[test]
fn a_shared_cpu_makes_a_run_suspect() {
    let mut record = record();
    record.header.host.server_cpu = None;
    fires(&judged(&record), Status::Suspect, "had to share their CPUs");
}

#[test]
fn a_generator_without_a_cpu_of_its_own_is_not_called_idle() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        machine(cell).generator_core_busy = None;
    }
    let verdict = judged(&record);
    let busy = verdict.checks.iter().find(|check| check.name.contains("generator's core")).expect("the rule");
    assert_eq!(busy.outcome, Outcome::NotMeasured);
}

#[test]
fn a_run_interrupted_before_anything_was_measured_is_suspect() {
    let mut died = record();
    died.cells.clear();
    died.end = None;
    let mut ended = record();
    ended.cells.clear();
    ended.end.as_mut().expect("an end").interrupted = true;
    for record in [died, ended] {
        let verdict = judged(&record);
        assert_eq!(verdict.status, Status::Suspect);
        assert_eq!(verdict.reasons.len(), 2, "{:?}", verdict.reasons);
        assert_eq!(verdict.reasons[0], "nothing was measured");
        assert!(verdict.reasons[1].starts_with("interrupted: "), "{:?}", verdict.reasons);
    }
}

#[test]
fn a_run_without_cells_is_invalid() {
    let mut record = record();
    record.cells.clear();
    let verdict = judged(&record);
    assert_eq!(verdict.status, Status::Invalid);
    assert_eq!(verdict.reasons[0], "nothing was measured");
}

#[test]
fn what_the_record_does_not_hold_does_not_pass() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.machine = None;
        cell.kernel.connections = 0;
    }
    record.header.host.environment = Environment::default();
    let verdict = judged(&record);
    assert_eq!(verdict.status, Status::Valid);
    assert_eq!(verdict.checks_passed, 18);
    assert_eq!(verdict.checks.iter().filter(|check| check.outcome == Outcome::NotMeasured).count(), 6);
}

#[test]
fn what_a_repeated_cell_lost_was_lost() {
    let mut record = record();
    let clean = record.cells[0].clone();
    record.cells[0].0.deliveries.lost = 1;
    record.cells.push(clean);
    fires(&judged(&record), Status::Invalid, "in 1 of 7 cells");
}

#[test]
fn the_twin_is_judged_like_a_lane() {
    let mut record = record();
    let twin = record.cells.iter_mut().find(|(cell, _)| cell.twin).expect("a twin");
    twin.0.deliveries.duplicated = 1;
    fires(&judged(&record), Status::Invalid, "websocket (twin)");
}

#[test]
fn a_tail_that_the_publisher_explains_is_withdrawn_and_the_run_stands() {
    let mut record = record();
    for cell in cells_of(&mut record, "websocket") {
        cell.publish_delay = histogram(&[(9_000, 170), (200_000, 10)]);
    }
    let verdict = judged(&record);
    assert_eq!(verdict.status, Status::Valid);
    assert_eq!(verdict.withdrawn.len(), 1);
    assert_eq!((verdict.withdrawn[0].lane.as_str(), verdict.withdrawn[0].claim), ("websocket", "p99"));
    let table = crate::table(&dataset(&record));
    assert!(table.contains(" withdrawn\n") || table.contains(" withdrawn "), "{table}");
    let sentence = "The p99 of websocket is withdrawn: the publisher itself was 200 µs late at its p99, ";
    assert!(table.contains(sentence), "{table}");
    let page = crate::render(&dataset(&record)).expect("rendered");
    assert!(page.contains(sentence));
}

#[test]
fn a_metric_that_was_not_taken_breaks_no_rule() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.publish_delay = Histogram::default();
    }
    assert_eq!(judged(&record).status, Status::Valid);
}

#[test]
fn a_second_mode_at_40_ms_is_suspect_and_named() {
    let mut record = record();
    for cell in cells_of(&mut record, "raw").into_iter().take(3) {
        let median = Recorder::from_text(&cell.response_time.0).unwrap().quantile_ns(0.5).unwrap();
        let wall = (0..200).map(|sample| (40_000_000 + sample * 20_000, 1));
        let times: Vec<(i64, u64)> = [(i64::try_from(median).unwrap(), 700)].into_iter().chain(wall).collect();
        cell.response_time = histogram(&times);
    }
    fires(&judged(&record), Status::Suspect, "Nagle");
}

#[test]
fn locked_phases_are_suspect() {
    let mut record = record();
    record
        .header
        .lanes
        .iter_mut()
        .filter(|lane| lane.lane == "short-polling")
        .for_each(|lane| lane.interval_ns = Some(1_000_000_000));
    let spread: Vec<f32> = (0..100_u16).map(|index| f32::from(index) / 100.0).collect();
    for cell in cells_of(&mut record, "short-polling") {
        cell.phases.clone_from(&spread);
    }
    assert_eq!(judged(&record).status, Status::Valid);
    for cell in cells_of(&mut record, "short-polling") {
        cell.phases = vec![0.3; 100];
    }
    fires(&judged(&record), Status::Suspect, "not spread evenly");
}
