//! Tests of the whole: the binary as its users meet it, and the rules of the tree.
// Always true here; it tells clippy that helpers beside the tests may unwrap too.
#![cfg(test)]

mod bench;
mod bytes;
mod calibrate;
mod conform;
mod demo_page;
mod drain;
mod feed_js;
mod hardening;
mod index;
mod notify_page;
mod origins;
mod outsiders;
mod programs;
mod report_page;
mod sample;
mod scenarios;
mod serve;
mod sessions;
mod slow_readers;
mod soak;
mod socketio;
mod socketio_misuse;
mod socketio_page;
mod tidy;
mod watched;
mod web_types;
mod wrong_usage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The binary under test.
fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_feedbench"))
}

/// Runs it to its end.
fn feedbench(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

/// What a process printed.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one folder in another, which holds the list of runs beside it.
fn only_folder(out: &Path) -> PathBuf {
    let mut folders = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let folder = folders.next().unwrap();
    assert_eq!(folders.next(), None);
    folder
}
