//! Writing and reading back.

use std::{fs, io};

use super::{cell, end, header, publications};
use crate::{FILE_NAME, Record, Writer};

#[test]
fn every_line_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::create(folder.path(), &header()).expect("created");
    writer.cell(&cell(), &publications()).expect("written");
    let mut bare = cell();
    bare.memory = None;
    bare.machine = None;
    bare.window.segments = None;
    writer.cell(&bare, &[]).expect("written");
    writer.end(end()).expect("ended");

    let record = Record::read(folder.path()).expect("readable");
    assert_eq!(record.header, header());
    assert_eq!(record.cells, vec![(cell(), publications().to_vec()), (bare, Vec::new())]);
    assert_eq!(record.end, Some(end()));
}

#[test]
fn the_record_file_itself_can_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    Writer::create(folder.path(), &header()).expect("created").end(end()).expect("ended");
    let record = Record::read(&folder.path().join(FILE_NAME)).expect("readable");
    assert_eq!(record.header, header());
}

#[test]
fn a_cell_is_on_disk_before_the_run_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::create(folder.path(), &header()).expect("created");
    writer.cell(&cell(), &publications()).expect("written");
    let record = Record::read(folder.path()).expect("readable");
    assert_eq!(record.cells.len(), 1);
    assert_eq!(record.end, None);
    drop(writer);
}

#[test]
fn a_publication_is_a_row_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::create(folder.path(), &header()).expect("created");
    writer.cell(&cell(), &publications()).expect("written");
    let text = fs::read_to_string(folder.path().join(FILE_NAME)).expect("text");
    assert!(text.contains("\n{\"publication\":[1,0,10,11,20,21,22,5]}\n"), "{text}");
}

#[test]
fn an_existing_record_is_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(FILE_NAME), "precious").expect("written");
    let error = Writer::create(folder.path(), &header()).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(folder.path().join(FILE_NAME)).expect("text"), "precious");
}
