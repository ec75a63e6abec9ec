//! Rules of the tree that no compiler and no lint checks.
//!
//! A rule is a pure function from one file (or one table) to complaints, so that its test can show it a planted violation
//! first and the real tree second. Paths are relative to the workspace's root.

mod files;
mod floors;
mod transports;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of what lies in `folder`, in order; those of folders end in `/`.
fn list(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() { format!("{name}/") } else { name }
        })
        .collect();
    names.sort();
    names
}

/// All files below `folder` with one of these extensions.
fn files_below(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in list(folder) {
        let path = format!("{folder}/{name}");
        if let Some(inner) = path.strip_suffix('/') {
            if !["node_modules/", "vendor/"].contains(&name.as_str()) {
                found.extend(files_below(inner, extensions));
            }
        } else if name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension)) {
            found.push(path);
        }
    }
    found
}

/// All files of the workspace that we write, with one of these extensions.
pub(crate) fn sources(extensions: &[&str]) -> Vec<String> {
    ["benches", "crates", "web"].into_iter().flat_map(|folder| files_below(folder, extensions)).collect()
}

/// Fails with every complaint of `rule` about `paths`.
fn assert_kept(paths: &[String], rule: impl Fn(&str, &str) -> Vec<String>) {
    assert!(!paths.is_empty(), "a rule that looks at nothing keeps nothing");
    let complaints: Vec<_> = paths.iter().flat_map(|path| rule(path, &read(path))).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Source without its comment lines and without the unit tests at its end.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

/// The words of a text in lower case: of `WebSocket` itself and its parts, of `http_head` its parts.
fn words(text: &str) -> BTreeSet<String> {
    let mut spaced = String::with_capacity(text.len());
    let mut after_small = false;
    for c in text.chars() {
        if after_small && c.is_uppercase() {
            spaced.push(' ');
        }
        after_small = c.is_lowercase();
        spaced.push(c);
    }
    let pieces = [text, &spaced].into_iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    pieces.map(str::to_lowercase).collect()
}

#[test]
fn words_are_found_in_identifiers_and_prose() {
    let found = words("fn http_head(a: WebSocketFrame) // a poll's SSE");
    for word in ["http", "head", "web", "socket", "websocketframe", "poll", "sse"] {
        assert!(found.contains(word), "{word} is not in {found:?}");
    }
    assert!(!words("pollution, assess").iter().any(|word| word == "poll" || word == "sse"));
}

#[test]
fn comments_and_unit_tests_are_not_code() {
    let text = "//! doc\nlet a = \"http://x\";\n    // why\n#[cfg(test)]\nmod tests {\n    let b;\n}\n";
    assert_eq!(code(text), "let a = \"http://x\";\n");
}
