//! What leaves the report for other programs: Markdown for a pull request and CSV for a spreadsheet, to the letter.

use super::fixture::{DELIVERIES, cells_of, dataset, record};
use crate::{csv, markdown};

#[test]
fn a_pull_request_gets_the_first_screen() {
    assert_eq!(markdown(&dataset(&record())), include_str!("exports/run.md"));
}

#[test]
fn an_invalid_run_says_so_first_and_gives_its_reasons() {
    let mut record = record();
    cells_of(&mut record, "raw")[2].deliveries.delivered = DELIVERIES - 3;
    let markdown = markdown(&dataset(&record));
    assert!(markdown.starts_with("**INVALID** · feedbench · feed · "), "{markdown}");
    assert!(markdown.contains("\n- raw: deliveries were lost, 3 at worst, in 1 of 6 cells\n"), "{markdown}");
    assert!(markdown.contains("\nNo recommendation: this run is INVALID"), "{markdown}");
}

#[test]
fn names_from_a_record_stay_text_in_markdown() {
    let mut record = record();
    record.header.lanes[1].label = Some("a|b <img src=x> `c`\nd".to_owned());
    record.header.command = "feedbench bench '```'".to_owned();
    let markdown = markdown(&dataset(&record));
    assert!(markdown.contains("| a\\|b \\<img src=x\\> \\`c\\` d |"), "{markdown}");
    assert!(markdown.ends_with("````sh\nfeedbench bench '```'\n````\n"), "{markdown}");
}

#[test]
fn a_spreadsheet_gets_a_line_for_every_lane() {
    assert_eq!(csv(&dataset(&record())), include_str!("exports/run.csv").replace('\n', "\r\n"));
}

#[test]
fn every_line_has_as_many_cells_and_an_empty_one_was_not_measured() {
    let mut record = record();
    record.cells.retain(|(cell, _)| cell.lane != "raw");
    let csv = csv(&dataset(&record));
    let rows: Vec<Vec<&str>> = csv.split_terminator("\r\n").map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    let cell = |row: usize, name: &str| rows[row][rows[0].iter().position(|n| *n == name).expect("a column")];
    assert_eq!((cell(1, "lane"), cell(1, "lost"), cell(1, "response_time_p50_ns")), ("raw", "", ""));
    assert_eq!((cell(2, "lane"), cell(2, "lost")), ("short-polling", "0"));
    assert_eq!(cell(3, "rearm_gap_p50_ns"), "");
}

#[test]
fn a_name_can_neither_break_a_line_nor_be_a_formula() {
    let mut record = record();
    record.header.scenario.name = "=HYPERLINK(\"x\")".to_owned();
    record.header.lanes[1].label = Some("two, \"three\"\nfour".to_owned());
    record.header.lanes[2].label = Some("@sum".to_owned());
    let csv = csv(&dataset(&record));
    assert!(csv.contains("\r\n\"'=HYPERLINK(\"\"x\"\")\",quick,"), "{csv}");
    assert!(csv.contains(",\"two, \"\"three\"\"\nfour\",no,"), "{csv}");
    assert!(csv.contains(",'@sum,no,"), "{csv}");
}
