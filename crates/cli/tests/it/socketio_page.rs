//! docs/SOCKETIO.md holds: every example in it runs against a server, with the official client or with curl.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    feedbench,
    programs::{INSTALL, serve},
    text,
};

/// Examples at a time: they mostly wait, and more would fill the memory of a small machine.
const AT_ONCE: usize = 6;

/// How long an example may take. It needs a second or two, on a machine that builds meanwhile some more.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an example may be, in lines, so that it can be read beside what it shows.
const MOST_LINES: usize = 20;

/// A fenced block under a heading.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    section: &'a str,
    language: &'a str,
    code: String,
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SOCKETIO.md")).unwrap()
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let (mut section, mut is_open) = ("", false);
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(language) if !is_open => found.push(Block { section, language, code: String::new() }),
            None if is_open => {
                let code = &mut found.last_mut().unwrap().code;
                code.push_str(line);
                code.push('\n');
            }
            _ => section = line.strip_prefix("## ").unwrap_or(section),
        }
        is_open ^= line.starts_with("```");
    }
    found
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The anchors that the first cells of the page's first table link to.
fn rows(page: &str) -> Vec<&str> {
    let table = page.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.skip(2).map(|row| row.split_once("](#").and_then(|(_, rest)| rest.split_once(')')).unwrap().0).collect()
}

/// Runs an example to its end; what is wrong with it, if anything.
fn complaint(block: &Block<'_>, folder: &Path, origin: &str) -> Option<String> {
    let (program, arguments) = match block.language {
        "js" => ("node", vec!["--input-type=module", "--eval"]),
        _ => ("sh", vec!["-euc"]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(&block.code).current_dir(folder).env("ORIGIN", origin).env("NO_PROXY", "*");
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = spawned.unwrap_or_else(|error| panic!("{error}: {program} {INSTALL}"));
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    let Ok(output) = ended.recv_timeout(PATIENCE) else {
        kill(pid, Signal::SIGKILL).unwrap();
        return Some(format!("{}: the example does not end", block.section));
    };
    let printed = text(&output.stdout);
    let is_good = output.status.success() && printed.lines().count() == 1;
    (!is_good).then(|| format!("{}: {}\n{printed}{}", block.section, output.status, text(&output.stderr)))
}

#[test]
fn blocks_are_found_with_their_sections() {
    let page = "# T\n## A b\n```js\n## no heading\n```\ntext\n```sh\nx\n```\n## 2^5\n";
    let block = |language, code: &str| Block { section: "A b", language, code: code.to_owned() };
    assert_eq!(blocks(page), [block("js", "## no heading\n"), block("sh", "x\n")]);
    assert_eq!(["A b", "2^5"].map(anchor), ["a-b", "25"]);
    assert_eq!(rows("t\n| a |\n|---|\n| [x](#x-y) | z |\n\n| [n](#n) |\n"), ["x-y"]);
}

#[test]
fn every_row_of_the_table_has_its_example() {
    let page = page();
    let blocks = blocks(&page);
    let shown: BTreeSet<_> =
        blocks.iter().filter(|block| block.language == "js").map(|block| anchor(block.section)).collect();
    assert_eq!(shown, rows(&page).into_iter().map(str::to_owned).collect());
    for Block { section, language, code } in &blocks {
        let is_whole = code.contains(r#"import { io } from "socket.io-client""#) && code.contains("assert.");
        assert!(matches!(*language, "js" | "sh"), "{section}: nobody runs {language:?}");
        assert!(*language == "sh" || is_whole, "{section} is no whole example");
        assert!(code.contains("ORIGIN") && code.lines().count() <= MOST_LINES, "{section}");
    }
}

#[test]
fn every_example_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outsiders");
    assert!(folder.join("node_modules/.package-lock.json").exists(), "node_modules {INSTALL}");
    let (_server, origin) = serve(&[]);
    let page = page();
    let blocks = blocks(&page);
    let (waiting, complaints) = (Mutex::new(blocks.iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(block) = next() {
                    let found = complaint(block, &folder, &origin);
                    complaints.lock().unwrap().extend(found);
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn flags_and_reserved_names_are_those_that_there_are() {
    let page = page();
    for name in wire::name::RESERVED_EVENTS {
        assert!(page.contains(&format!("`{name}`")), "{name} is reserved");
    }
    let help = text(&feedbench(&["serve", "--help"]).stdout);
    let quoted = page.split('`').filter(|quoted| quoted.starts_with("--"));
    let unknown: Vec<_> = quoted.filter(|flag| !help.contains(&format!("{flag} <"))).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
