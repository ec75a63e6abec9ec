//! Wrong usage: one clear line on standard error that says what to do, nothing on standard output, exit code 2.

use std::{net::TcpListener, path::Path};

use crate::{feedbench, text};

/// Runs with `arguments` and checks that every one of `says` stands in the one line.
fn refused(arguments: &[&str], says: &[&str]) {
    let output = feedbench(arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
    assert!(error.starts_with("feedbench: "), "{error}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    for words in says {
        assert!(error.contains(words), "{arguments:?} does not say {words:?}: {error}");
    }
}

#[test]
fn an_unknown_verb_is_named() {
    refused(&["bnech"], &["bnech", "bench"]);
}

#[test]
fn a_missing_verb_says_what_there_is() {
    refused(&[], &["serve", "bench", "list"]);
}

#[test]
fn an_unknown_flag_is_named() {
    refused(&["bench", "--client", "5"], &["--client"]);
}

#[test]
fn an_unknown_lane_lists_the_lanes() {
    refused(&["bench", "--lanes", "carrier-pigeon"], &["carrier-pigeon", "websocket", "short-polling"]);
}

#[test]
fn an_unknown_option_of_a_lane_lists_the_options() {
    refused(&["bench", "--lanes", "short-polling+every=5s"], &["every", "interval"]);
}

#[test]
fn a_bad_duration_shows_a_good_one() {
    refused(&["bench", "--duration", "5"], &["\"5\"", "250ms"]);
    refused(&["bench", "--lanes", "short-polling+interval=soon"], &["soon", "50ms", "60s"]);
}

#[test]
fn a_lane_named_twice_is_refused() {
    refused(&["bench", "--lanes", "raw,raw"], &["raw", "twice"]);
}

#[test]
fn zero_clients_are_refused() {
    refused(&["bench", "--clients", "0"], &["subscribers", "at least 1"]);
}

#[test]
fn more_rooms_than_clients_are_refused() {
    refused(&["bench", "--clients", "5", "--rooms", "6"], &["rooms", "subscribers"]);
}

#[test]
fn more_clients_than_files_are_refused() {
    refused(&["bench", "--lanes", "raw", "--clients", "3000000"], &["file limit", "--clients"]);
}

#[test]
fn a_payload_too_small_or_too_large_is_refused() {
    refused(&["bench", "--size", "5"], &["size_bytes", "20"]);
    refused(&["bench", "--size", "70000"], &["size_bytes", "65536"]);
}

#[test]
fn an_unknown_scenario_lists_the_scenarios() {
    refused(&["bench", "fed"], &["fed", "feed"]);
}

#[test]
fn an_unknown_key_of_a_scenario_is_named() {
    refused(&["bench", "--set", "roms=5"], &["roms", "rooms"]);
    refused(&["bench", "--set", "rooms"], &["key=value"]);
}

#[test]
fn an_unknown_profile_or_header_profile_is_named() {
    refused(&["bench", "--profile", "thorough"], &["thorough", "quick"]);
    refused(&["bench", "--headers", "netscape"], &["netscape", "chromium", "./own.txt"]);
}

#[test]
fn a_header_profile_that_cannot_be_used_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.txt");
    std::fs::write(&file, "[fetch]\nHost: {host}\nno header\n").unwrap();
    refused(&["bench", "--headers", file.to_str().unwrap()], &["mine.txt", "line 3", "[fetch]", "no header"]);
    std::fs::write(&file, "[fetch]\nHost: {host}\n[post]\nContent-Length: {length}\n").unwrap();
    refused(&["bench", "--headers", file.to_str().unwrap()], &["mine.txt", "no section [post-text]"]);
    refused(&["bench", "--headers", "./nowhere.txt"], &["./nowhere.txt", "header profile"]);
}

#[test]
fn a_round_trip_out_of_bounds_is_refused() {
    refused(&["bench", "--rtt", "50"], &["--rtt", "\"50\"", "50ms"]);
    for rtt in ["0ms", "1001ms", "5s"] {
        refused(&["bench", "--rtt", rtt], &["--rtt", "from 1ms to 1s"]);
    }
    refused(&["bench", "idle", "--rtt", "50ms"], &["idle", "only times", "--rtt"]);
}

#[test]
fn a_list_where_one_value_belongs_is_refused() {
    for (flag, list) in [
        ("--clients", "10,20"),
        ("--rooms", "1,2"),
        ("--rate", "1,5"),
        ("--size", "20,128"),
        ("--duration", "1s,2s"),
        ("--rtt", "10ms,50ms"),
        ("--blocks", "1,6"),
        ("--seed", "1,2"),
    ] {
        refused(&["bench", flag, list], &[flag, list, "not a list", "--interval"]);
    }
    refused(&["bench", "--set", "size_bytes=20,128"], &["size_bytes", "one value", "--interval"]);
    refused(&["bench", "--set", "size_bytes=[20,128]"], &["size_bytes", "one value", "--interval"]);
}

#[test]
fn an_interval_that_no_lane_uses_is_refused() {
    refused(&["bench", "--interval", "1s", "--lanes", "sse,raw"], &["--interval", "sse, raw"]);
    let named = "short-polling+interval=5s";
    refused(&["bench", "--interval", "1s", "--lanes", named], &["--interval", named]);
}

#[test]
fn an_interval_named_twice_or_left_empty_is_refused() {
    refused(&["bench", "--interval", "1s,1s"], &["short-polling", "twice"]);
    refused(&["bench", "--interval", "250ms,,1s"], &["short-polling", "interval"]);
}

#[test]
fn blocks_out_of_bounds_are_refused() {
    refused(&["bench", "--blocks", "0"], &["--blocks", "1..=100"]);
    refused(&["bench", "--blocks", "101"], &["--blocks", "1..=100"]);
}

#[test]
fn a_scenario_that_does_not_fit_together_is_refused() {
    refused(&["bench", "feed", "--rate", "0"], &["rate_hz must be above 0"]);
    refused(&["bench", "idle", "--duration", "30s"], &["whole number of heartbeats"]);
    refused(&["bench", "connect", "--duration", "2s"], &["window must be left out"]);
    refused(&["bench", "--size", "20", "--rate", "2000"], &["size_bytes", "--rate"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    refused(&["bench", "--out", "/proc/feedbench"], &["/proc/feedbench", "--out"]);
}

#[test]
fn a_record_that_is_not_there_is_named() {
    refused(&["report", "/nowhere/at-all"], &["/nowhere/at-all"]);
}

#[test]
fn a_file_that_is_no_record_is_named() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    refused(&["report", file.to_str().unwrap()], &["Cargo.toml", "header"]);
}

#[test]
fn a_bad_address_is_named() {
    refused(&["serve", "--listen", "localhost"], &["--listen", "localhost"]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["serve", "--listen", &address], &["cannot listen", &address]);
}

#[test]
fn a_limit_that_is_no_number_is_named() {
    refused(&["serve", "--ring-items", "many"], &["many", "--ring-items"]);
    refused(&["serve", "--heartbeat", "25"], &["--heartbeat", "\"25\"", "5s"]);
}

#[test]
fn limits_that_stop_a_server_are_refused() {
    refused(&["serve", "--reply-items", "0"], &["reply-items"]);
    refused(&["serve", "--drain-spread", "20s"], &["drain-spread", "drain"]);
    refused(&["serve", "--send-backlog-bytes", "0"], &["send-backlog-bytes"]);
}

#[test]
fn a_load_that_no_memory_holds_is_refused() {
    refused(&["bench", "--rate", "300000"], &["publications", "--rate"]);
}

#[test]
fn wrong_usage_leaves_no_folder_behind() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("reports");
    refused(&["bench", "--lanes", "raw,raw", "--out", folder.to_str().unwrap()], &["twice"]);
    assert!(!folder.exists());
}

#[test]
fn a_bad_file_of_limits_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.toml");
    std::fs::write(&file, "ring_itmes = 5\n").unwrap();
    let file = file.to_str().unwrap();
    refused(&["serve", "--config", file], &["limits.toml", "ring_itmes"]);
    refused(&["serve", "--config", "/nowhere.toml"], &["/nowhere.toml"]);
}

#[test]
fn an_unknown_check_lists_the_checks() {
    refused(&["calibrate", "--only", "delays"], &["delays", "delay, stall"]);
}
