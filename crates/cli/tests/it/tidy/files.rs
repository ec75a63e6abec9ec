//! Rules that every file keeps, whatever it holds.

use super::{assert_kept, list, read, sources};

const MAX_LINES: usize = 500;

/// What is left in code that is not done. Taken apart, so that this file passes its own rule.
const UNFINISHED: [&str; 3] = [concat!("#[", "ignore"), concat!("todo", "!("), concat!("unimplemented", "!(")];

fn starts_with_its_purpose(path: &str, text: &str) -> Vec<String> {
    let silent = !text.starts_with("//! ");
    silent.then(|| format!("{path} does not start with `//!`")).into_iter().collect()
}

fn is_short_enough(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES).then(|| format!("{path} has {lines} lines, more than {MAX_LINES}")).into_iter().collect()
}

fn is_finished(path: &str, text: &str) -> Vec<String> {
    let left = UNFINISHED.iter().filter(|needle| text.contains(**needle));
    left.map(|needle| format!("{path} holds `{needle}`")).collect()
}

fn manifest_follows_the_workspace(path: &str, text: &str) -> Vec<String> {
    let folder = path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or_default();
    let name = if folder == "cli" { "feedbench".to_owned() } else { format!("feedbench-{folder}") };
    let wanted = [format!("name = \"{name}\"\n"), "\n[lints]\nworkspace = true\n".to_owned(), "\npublish".to_owned()];
    let missing = wanted.iter().filter(|wanted| !text.contains(wanted.as_str()));
    missing.map(|wanted| format!("{path} lacks `{}`", wanted.trim())).collect()
}

/// The line that a newcomer types to run the tests, from CI's script.
fn test_command(script: &str) -> Option<&str> {
    let rest = script.lines().find_map(|line| line.strip_prefix("test_command='"))?;
    rest.strip_suffix('\'')
}

#[test]
fn every_rust_file_starts_with_its_purpose() {
    assert_eq!(starts_with_its_purpose("a.rs", "use std::fs;\n//! late\n").len(), 1);
    assert_kept(&sources(&["rs"]), starts_with_its_purpose);
}

#[test]
fn no_file_is_longer_than_500_lines() {
    assert_eq!(is_short_enough("a.rs", &"x\n".repeat(500)), Vec::<String>::new());
    assert_eq!(is_short_enough("a.rs", &"x\n".repeat(501)).len(), 1);
    assert_kept(&sources(&["rs", "js", "css"]), is_short_enough);
}

#[test]
fn nothing_is_left_unfinished_or_skipped() {
    for planted in UNFINISHED {
        assert_eq!(is_finished("a.rs", planted).len(), 1, "{planted}");
    }
    assert_kept(&sources(&["rs"]), is_finished);
}

#[test]
fn every_manifest_follows_the_workspace() {
    let good = "[package]\nname = \"feedbench-hub\"\npublish.workspace = true\n\n[lints]\nworkspace = true\n";
    assert_eq!(manifest_follows_the_workspace("crates/hub/Cargo.toml", good), Vec::<String>::new());
    assert_eq!(manifest_follows_the_workspace("crates/wire/Cargo.toml", good).len(), 1);
    for line in good.lines().skip(1).filter(|line| !line.is_empty()) {
        assert_eq!(manifest_follows_the_workspace("crates/hub/Cargo.toml", &good.replace(line, "")).len(), 1, "{line}");
    }
    let folders = list("crates").into_iter().map(|folder| format!("crates/{folder}Cargo.toml"));
    let manifests: Vec<_> = folders.chain(["benches/Cargo.toml".to_owned()]).collect();
    assert_kept(&manifests, manifest_follows_the_workspace);
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    assert_eq!(test_command("a\ntest_command='just x'\n"), Some("just x"));
    assert_eq!(test_command("just x\n"), None);
    let script = read(".ci/run");
    let command = test_command(&script).expect(".ci/run names its test command");
    assert!(read("README.md").contains(command), "README.md does not say: {command}");
}
