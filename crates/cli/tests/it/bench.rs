//! The main job, small: a real server process, real sockets, a record, a summary, a page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use record::Record;
use serde_json::Value;
use transport::{ALL, lane::standard};

use crate::{binary, feedbench, only_folder, text};

/// A bench that is over in some seconds. What it says about time means nothing, its counts must hold all the same.
const SMALL: [&str; 11] =
    ["bench", "--clients", "6", "--rooms", "3", "--rate", "40", "--duration", "200ms", "--seed", "7"];
/// For a bench of all lanes: those that ask by the clock do so as often as the small window permits.
const OFTEN: [&str; 2] = ["--interval", "100ms"];

fn small(out: &Path, more: &[&str]) -> (std::process::Output, PathBuf) {
    let arguments: Vec<&str> =
        SMALL.iter().copied().chain(["--out", out.to_str().unwrap()]).chain(more.iter().copied()).collect();
    let output = feedbench(&arguments);
    let folder = only_folder(out);
    (output, folder)
}

/// Done or INVALID: on a busy machine the generator may be late, and must say so.
fn ended_well(output: &std::process::Output) {
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}

#[test]
fn every_byte_and_every_delivery_of_every_lane_is_accounted_for() {
    let out = tempfile::tempdir().unwrap();
    let (output, folder) = small(out.path(), &[&OFTEN[..], &["--blocks", "6", "--format", "json"]].concat());
    ended_well(&output);
    let record = Record::read(&folder).unwrap();
    // On a busy machine some are run again.
    let first = record.cells.iter().filter(|(cell, _)| cell.attempt == 0).count();
    assert_eq!(first, 6 * (standard(ALL).len() + 1), "every lane and the twin in every block");
    for (cell, publications) in &record.cells {
        let name = format!("{} block {}", cell.lane, cell.block);
        assert_eq!(
            (cell.errors.len(), cell.violations.len()),
            (0, 0),
            "{name}: {:?} {:?}",
            cell.errors,
            cell.violations
        );
        let deliveries = cell.deliveries;
        assert_eq!(deliveries.expected, cell.publishes * 2, "{name}: two subscribers a room");
        assert_eq!((deliveries.delivered, deliveries.lost), (deliveries.expected, 0), "{name}");
        assert_eq!((deliveries.duplicated, deliveries.reordered, deliveries.gaps_told), (0, 0, 0), "{name}");
        assert_eq!((cell.sent, cell.acked), (cell.offered, cell.offered), "{name}");
        assert_eq!(publications.len() as u64, cell.offered, "{name}: one line a publication");
        let kernel = &cell.kernel;
        assert!(kernel.connections >= 6, "{name}: {} connections of six subscribers", kernel.connections);
        assert_eq!((kernel.matched, kernel.reset), (kernel.connections, 0), "{name}");
        assert_eq!(kernel.down.values().sum::<u64>(), kernel.bytes_down, "{name}");
        assert_eq!(kernel.up.values().sum::<u64>(), kernel.bytes_up, "{name}");
        assert!(cell.server.cpu_ns > 0, "{name}");
    }

    let printed: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let written: Value = serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(printed, written);
    assert_eq!(written["version"], 1);
    let lanes = written["lanes"].as_object().unwrap();
    assert_eq!(lanes.len(), standard(ALL).len());
    for (name, lane) in lanes {
        assert!(lane["response_time_ns"]["p50"].is_u64(), "{name}");
        assert!(lane["bytes_per_delivery"]["stream_total"].is_f64(), "{name}");
        assert!(lane["server"]["cpu_ratio_to_raw"].is_f64(), "{name}");
    }
    assert!(written["noise_floor"]["response_time_p50"].is_f64());
}

/// Framing bytes of one delivery on the way down, over a whole cell of a lane.
fn framing(lane: &str, size: &str) -> f64 {
    let out = tempfile::tempdir().unwrap();
    let (output, folder) = small(out.path(), &["--lanes", lane, "--size", size, "--blocks", "1"]);
    ended_well(&output);
    let summary: Value = serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    summary["lanes"][lane]["bytes_per_delivery"]["down"]["framing"].as_f64().unwrap()
}

#[test]
fn websocket_framing_is_two_bytes_below_126_and_four_above() {
    // 36 bytes of data and 72 to 75 around it; 128 and the same.
    for (size, expected) in [("36", 2.0), ("128", 4.0)] {
        let measured = framing("websocket", size);
        assert!((measured - expected).abs() < f64::EPSILON, "{size}: {measured}");
    }
}

#[test]
fn a_page_is_rendered_again_to_the_same_bytes() {
    let out = tempfile::tempdir().unwrap();
    let (output, folder) = small(out.path(), &["--lanes", "raw", "--blocks", "1"]);
    ended_well(&output);
    let shown = text(&output.stdout);
    assert!(shown.contains(&format!("report: {}", folder.join("index.html").display())), "{shown}");
    let first = fs::read(folder.join("index.html")).unwrap();
    let again = out.path().join("again.html");
    let rendered = feedbench(&["report", folder.to_str().unwrap(), "--out", again.to_str().unwrap()]);
    ended_well(&rendered);
    assert_eq!(first, fs::read(&again).unwrap());
}

#[test]
fn page_terminal_and_exit_code_give_one_verdict() {
    let out = tempfile::tempdir().unwrap();
    let (_, folder) = small(out.path(), &["--lanes", "raw", "--blocks", "1"]);
    let path = folder.join(record::FILE_NAME);
    let planted = fs::read_to_string(&path).unwrap().replacen("\"duplicated\":0", "\"duplicated\":1", 1);
    fs::write(&path, planted).unwrap();
    let output = feedbench(&["report", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let (shown, page) = (text(&output.stdout), fs::read_to_string(folder.join("index.html")).unwrap());
    let (status, checks) = shown.lines().next().unwrap().split_once(": ").unwrap();
    assert_eq!(status, "INVALID");
    assert!(page.contains(&format!("<b>{status}</b> {checks}")), "{checks}");
    let reasons: Vec<&str> = shown.lines().skip(1).take_while(|line| !line.is_empty()).map(str::trim).collect();
    assert!(reasons.iter().any(|reason| reason.contains("came twice")), "{shown}");
    for reason in reasons {
        // The page writes an apostrophe as an entity.
        assert!(
            page.contains(&format!("<li>{}</li>", reason.replace('\'', "&#39;").replace('>', "&#62;"))),
            "{reason}"
        );
    }
    let summary: Value = serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["verdict"]["status"], "invalid");
}

#[test]
fn an_interrupted_run_keeps_what_it_has_and_says_so() {
    let out = tempfile::tempdir().unwrap();
    let arguments =
        SMALL.iter().chain(&OFTEN).copied().chain(["--out", out.path().to_str().unwrap(), "--blocks", "50"]);
    let mut child =
        Command::new(binary()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The first cell that is told of is in the record.
    let mut told = String::new();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap());
    while !told.contains("delivered") {
        assert!(std::io::BufRead::read_line(&mut lines, &mut told).unwrap() > 0, "{told}");
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    std::io::Read::read_to_string(&mut lines, &mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    ended_well(&output);

    let folder = only_folder(out.path());
    let record = Record::read(&folder).unwrap();
    assert!(record.end.as_ref().unwrap().interrupted);
    assert!(!record.cells.is_empty() && record.cells.len() < 50 * (standard(ALL).len() + 1));
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.contains("interrupted"), "the page says so");
    assert!(text(&output.stdout).contains("interrupted"), "the terminal says so");
}

#[test]
fn nineteen_thousand_connections_are_held_and_reached() {
    let limit = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limit.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let most: u64 = files.split_ascii_whitespace().nth(4).unwrap().parse().unwrap();
    // What one process may hold is the machine's affair; close to it is what this is about.
    let clients = (most.min(20_000) - 1_000).to_string();
    let out = tempfile::tempdir().unwrap();
    let arguments = ["bench", "--lanes", "raw", "--rooms", "1", "--blocks", "1", "--rate", "1", "--duration", "1s"];
    let more = ["--set", "arrivals=constant", "--clients", &clients, "--out", out.path().to_str().unwrap()];
    let output = feedbench(&[&arguments[..], &more[..]].concat());
    ended_well(&output);
    let folder = only_folder(out.path());
    let record = Record::read(&folder).unwrap();
    assert_eq!(record.end.as_ref().unwrap().failures, [""; 0]);
    for (cell, _) in &record.cells {
        assert_eq!(cell.kernel.connections.to_string(), clients);
        assert_eq!(cell.kernel.matched, cell.kernel.connections);
        assert!(cell.deliveries.expected >= cell.kernel.connections, "at least one publication to everybody");
        // The last of a crowd may be later than the deadline on a slow machine; nobody is skipped and nobody gets it twice.
        assert_eq!((cell.deliveries.duplicated, cell.deliveries.gaps_told), (0, 0));
        assert_eq!(cell.deliveries.delivered, cell.deliveries.expected, "{:?}", cell.errors);
    }
}

/// How long a bench of the quick profile may take on two cores, after the build.
const QUICK: Duration = Duration::from_secs(75);

#[test]
fn the_quick_profile_says_beforehand_that_it_ends_in_time() {
    let out = tempfile::tempdir().unwrap();
    let mut child = Command::new(binary())
        .args(["bench", "--out", out.path().to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let seconds: u64 = line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(Duration::from_secs(seconds) <= QUICK, "{line}");
}
