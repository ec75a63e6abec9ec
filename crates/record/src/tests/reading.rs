//! Records that are cut short, of another version, or none at all.

use std::fs;

use tempfile::TempDir;

use super::{cell, end, header, publications};
use crate::{Environment, FILE_NAME, Line, Publisher, ReadError, Record, VERSION};

fn line(line: &Line) -> String {
    serde_json::to_string(line).expect("serialises") + "\n"
}

fn header_line() -> String {
    line(&Line::Header(Box::new(header())))
}

fn cell_line() -> String {
    line(&Line::Cell(Box::new(cell())))
}

fn read(text: &str) -> Result<Record, ReadError> {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join(FILE_NAME), text).expect("written");
    Record::read(folder.path())
}

#[test]
fn a_last_line_cut_short_is_left_out_wherever_it_is_cut() {
    let whole = header_line() + &cell_line() + &line(&Line::Publication(publications()[1]));
    let last = line(&Line::End(end()));
    for cut in 0..last.len() {
        let record = read(&format!("{whole}{}", &last[..cut])).expect("readable");
        assert_eq!(record.cells.len(), 1, "cut at {cut}");
        assert_eq!(record.cells[0].1.len(), 1, "cut at {cut}");
        assert_eq!(record.end, None, "cut at {cut}");
    }
}

#[test]
fn a_broken_line_in_the_middle_is_named_by_its_number() {
    let error =
        read(&(header_line() + &cell_line() + "{\"cell\":{}}\n" + &line(&Line::End(end())))).expect_err("refused");
    assert!(matches!(error, ReadError::Line { line: 3, .. }), "{error}");
}

#[test]
fn a_newer_version_is_refused_even_when_its_header_is_unknown() {
    let error = read(&format!("{{\"header\":{{\"version\":{},\"new\":1}}}}\n", VERSION + 1)).expect_err("refused");
    assert!(matches!(error, ReadError::Newer { version, .. } if version == u64::from(VERSION) + 1), "{error}");
    assert!(error.to_string().contains("use a newer feedbench"), "{error}");
}

#[test]
fn members_added_later_to_this_version_are_ignored() {
    let text = header_line().replacen("\"version\":1", "\"version\":1,\"added\":true", 1);
    assert_eq!(read(&text).expect("readable").header, header());
}

#[test]
fn a_second_header_is_refused() {
    let error = read(&(header_line() + &header_line())).expect_err("refused");
    assert!(matches!(error, ReadError::NoHeader(_)), "{error}");
}

#[test]
fn what_does_not_begin_with_a_header_is_refused() {
    for text in ["", "\n", "hello\n", "{}\n", &cell_line(), &line(&Line::End(end()))] {
        let error = read(text).expect_err("refused");
        assert!(matches!(error, ReadError::NoHeader(_)), "{text:?}: {error}");
    }
}

#[test]
fn a_publication_without_its_cell_is_refused() {
    let error = read(&(header_line() + &line(&Line::Publication(publications()[0])))).expect_err("refused");
    assert!(matches!(error, ReadError::NoHeader(_)), "{error}");
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let folder = TempDir::new().expect("a folder");
    let error = Record::read(folder.path()).expect_err("refused");
    assert!(error.to_string().contains(FILE_NAME), "{error}");
}

#[test]
fn a_lane_of_an_older_record_is_the_plain_one_without_a_title_of_its_own() {
    let line = header_line();
    let older = line.replace("\"label\":\"Short polling (every 5s)\",\"variant\":1,", "");
    assert_ne!(older, line);
    let lane = &read(&older).expect("readable").header.lanes[0];
    assert_eq!((lane.label.as_deref(), lane.variant), (None, 0));
}

#[test]
fn a_lane_of_an_older_record_does_not_say_how_long_it_is_held() {
    let line = header_line();
    let older = line.replace("\"hold_ns\":25000000000,", "");
    assert_ne!(older, line);
    assert_eq!(read(&older).expect("readable").header.lanes[0].hold_ns, None);
}

#[test]
fn a_host_of_an_older_record_has_an_empty_environment() {
    let line = header_line();
    let (before, rest) = line.split_once(",\"environment\":{").expect("an environment");
    let older = format!("{before}{}", &rest[rest.find("}}},").expect("its end") + 2..]);
    let older = older.replace(",\"rustc\":\"rustc 1.95.0\"", "");
    let header = read(&older).expect("readable").header;
    assert_eq!((header.host.environment, header.tool.rustc), (Environment::default(), None));
}

#[test]
fn a_cell_of_an_older_record_is_a_first_attempt() {
    let line = cell_line();
    let older = line.replace("\"attempt\":1,", "");
    assert_ne!(older, line);
    assert_eq!(read(&(header_line() + &older)).expect("readable").cells[0].0.attempt, 0);
}

#[test]
fn a_scenario_of_an_older_record_has_a_neutral_publisher_and_connects_nobody() {
    let line = header_line();
    let newer = ",\"publisher\":\"members\",\"heartbeat_ns\":5000000000,\"connect_rate_hz\":12.5";
    let older = line.replace(newer, "");
    assert_ne!(older, line);
    let scenario = read(&older).expect("readable").header.scenario;
    let members = (scenario.publisher, scenario.heartbeat_ns, scenario.connect_rate_hz);
    assert_eq!(members, (Publisher::Neutral, None, None));

    let line = cell_line();
    let (before, rest) = line.split_once(",\"connects\":{").expect("connects");
    let older = format!("{before}{}", &rest[rest.find('}').expect("its end") + 1..]);
    assert_eq!(read(&(header_line() + &older)).expect("readable").cells[0].0.connects, None);
}
