//! Which cells of a block are run again.

use measure::Recorder;
use record::{Cell, Histogram, Machine};

use crate::repeat::{disturbed, most};

fn histogram(ns: i64) -> Histogram {
    let mut recorder = Recorder::new();
    recorder.record_ns(ns);
    Histogram(recorder.to_text())
}

/// A cell with these medians in microseconds, and this share of a core stolen.
fn cell(response_us: i64, delay_us: i64, steal: f64) -> Cell {
    let empty = r#"{"lane":"sse","twin":false,"block":0,"order":0,"subscribers":1,"publishes":1,"offered":1,"sent":1,
        "acked":1,"offered_span_ns":1,"sent_span_ns":1,"response_time":"","service_time":"","publish_delay":"",
        "time_to_first_delivery":"","fanout_spread":"","receive_lag":"","rearm_gap":null,
        "deliveries":{"expected":1,"delivered":1,"lost":0,"duplicated":0,"reordered":0,"replayed":0,"gaps_told":0},
        "window":{"length_ns":1,"deliveries":1,"down":{},"up":{},"segments":null,"requests":0,"responses_with_items":0,
        "new_connections":0},
        "kernel":{"connections":1,"matched":1,"reset":0,"down":{},"up":{},"bytes_down":0,"bytes_up":0},
        "server":{"cpu_ns":1,"user_ns":null,"system_ns":null,"context_switches":null},"generator_cpu_ns":1,
        "machine":null,"memory":null,"phases":[],"violations":{},"errors":{}}"#;
    Cell {
        response_time: histogram(response_us * 1_000),
        publish_delay: histogram(delay_us * 1_000),
        machine: Some(Machine { generator_core_busy: None, steal, others_cores: 0.0 }),
        ..serde_json::from_str(empty).unwrap()
    }
}

#[test]
fn a_cell_from_which_the_hypervisor_took_more_than_two_hundredths_of_a_core_is_disturbed() {
    assert_eq!(disturbed(&[cell(200, 10, 0.019), cell(200, 10, 0.021), cell(200, 10, 0.0)]), [1]);
}

#[test]
fn a_late_publisher_disturbs_by_the_fastest_cell_of_the_block() {
    // 30 us are little to a poller and much to the fastest lane.
    assert_eq!(disturbed(&[cell(500_000, 30, 0.0), cell(200, 10, 0.0)]), [0]);
    assert_eq!(disturbed(&[cell(500_000, 30, 0.0), cell(400, 10, 0.0)]), [] as [usize; 0]);
}

#[test]
fn a_lane_gets_no_second_try_for_being_slow() {
    assert_eq!(disturbed(&[cell(9_000_000, 10, 0.0), cell(200, 10, 0.0)]), [] as [usize; 0]);
}

#[test]
fn what_the_machine_does_not_tell_disturbs_nothing() {
    let untold = Cell { machine: None, publish_delay: Histogram::default(), ..cell(200, 10, 0.5) };
    assert_eq!(disturbed(&[untold]), [] as [usize; 0]);
    assert_eq!(disturbed(&[]), [] as [usize; 0]);
}

#[test]
fn at_most_a_tenth_of_the_cells_is_repeated() {
    assert_eq!([0, 9, 10, 54, 60].map(most), [0, 0, 1, 5, 6]);
}
