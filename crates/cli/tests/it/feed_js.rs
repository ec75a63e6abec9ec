//! `web/feed.js`, the client of the page and of others: its promises in a real browser, and its decisions in Node with halves
//! of its tests' own. The scripts `tests/outsiders/feed-*.mjs` are tests by themselves; what fails in them is printed.

use std::{path::Path, process::Command};

use crate::{binary, programs::INSTALL, text};

/// How long a script may take, in milliseconds. They need 15 s at most, on a machine that builds meanwhile some more.
const MOST: &str = "--test-timeout=120000";

/// Runs a script of tests, of which there are at least so many.
fn passes(script: &str, at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outsiders");
    assert!(folder.join("node_modules/.package-lock.json").exists(), "node_modules {INSTALL}");
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=tap", MOST, script]).current_dir(folder).env("FEEDBENCH", binary());
    let output = command.output().unwrap_or_else(|error| panic!("{error}: node {INSTALL}"));
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", text(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).and_then(|count| count.parse().ok());
    assert!(passed.is_some_and(|passed: usize| passed >= at_least), "{said}");
}

#[test]
fn every_lane_gives_the_same_bytes_and_switches_and_resumes_without_loss() {
    passes("feed-lanes.mjs", 20);
}

#[test]
fn a_feed_falls_back_keeps_what_is_published_and_goes_when_it_is_sent_away() {
    passes("feed-ends.mjs", 15);
}

#[test]
fn a_feed_decides_alike_in_every_order_of_events() {
    passes("feed-logic.mjs", 20);
    passes("feed-parts.mjs", 4);
}
