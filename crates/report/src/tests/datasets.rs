//! Grouping a record's cells.

use record::Histogram;

use super::fixture::{DELIVERIES, dataset, record};
use crate::{DataError, Dataset, render, summary, table};

#[test]
fn lanes_stand_in_the_order_of_the_header_and_the_twin_apart() {
    let data = dataset(&record());
    let names: Vec<&str> = data.lanes.iter().map(|lane| lane.info.lane.as_str()).collect();
    assert_eq!(names, ["raw", "short-polling", "websocket"]);
    assert_eq!(data.lanes.iter().map(|lane| lane.cells.len()).collect::<Vec<_>>(), [6, 6, 6]);
    assert_eq!(data.twin.as_ref().map(|twin| twin.cells.len()), Some(6));
    assert_eq!(data.lanes[0].response_time.merged.len(), 6 * DELIVERIES);
}

#[test]
fn a_lane_without_cells_is_kept() {
    let mut record = record();
    record.cells.retain(|(cell, _)| cell.lane != "short-polling");
    let data = dataset(&record);
    assert!(!data.lanes[1].is_measured());
}

#[test]
fn a_repeated_cell_counts_with_its_last_repetition() {
    let mut record = record();
    let mut again = record.cells[0].clone();
    again.0.window.deliveries = 7;
    record.cells.push(again);
    let data = dataset(&record);
    assert_eq!(data.lanes[0].cells.len(), 6);
    assert_eq!(data.lanes[0].cells[0].window.deliveries, 7);
    assert_eq!(data.lanes[0].repeated[0].window.deliveries, DELIVERIES);
}

#[test]
fn a_repeated_cell_is_told_of_on_the_page_in_the_terminal_and_in_the_summary() {
    let mut record = record();
    let mut again = record.cells[0].clone();
    again.0.attempt = 1;
    record.cells.push(again);
    let data = dataset(&record);
    let words = "Disturbed and run again at the end of the block: raw, block 1.";
    assert!(table(&data).contains(words));
    assert!(render(&data).expect("rendered").contains(words));
    let cells = &summary(&data).lanes[0].1.cells;
    assert_eq!(cells.iter().map(|cell| cell.repeated).collect::<Vec<_>>(), [true, false, false, false, false, false]);
}

#[test]
fn a_cell_of_no_lane_is_refused() {
    let mut record = record();
    record.cells[3].0.lane = "pigeon".to_owned();
    assert!(matches!(Dataset::new(&record), Err(DataError::UnknownLane { lane, .. }) if lane == "pigeon"));
}

#[test]
fn a_histogram_of_another_format_is_refused_by_its_name() {
    let mut record = record();
    record.cells[0].0.service_time = Histogram("scribble".to_owned());
    let error = Dataset::new(&record).expect_err("refused");
    assert!(error.to_string().starts_with("raw, block 0: service_time cannot be read"), "{error}");
}

#[test]
fn an_empty_histogram_is_a_metric_that_was_not_taken() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.fanout_spread = Histogram::default();
    }
    assert!(dataset(&record).lanes[0].fanout_spread.merged.is_empty());
}
