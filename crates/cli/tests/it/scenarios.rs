//! Every scenario end to end, small: what it is to measure is there, what it cannot have is not, and its counts hold. What it
//! says about time means nothing here.

use std::{fs, path::Path};

use record::{Publisher, Record};
use serde_json::Value;
use transport::{ALL, lane::standard};

use crate::{feedbench, only_folder, text};

/// A run and what it left.
struct Run {
    _folder: tempfile::TempDir,
    record: Record,
    summary: Value,
    page: String,
    printed: String,
}

/// Runs a scenario with these flags. On a busy machine the generator may be late, and must say so: INVALID is well, too.
fn run(arguments: &[&str]) -> Run {
    let out = tempfile::tempdir().unwrap();
    let given = [&["bench"], arguments, &["--seed", "7", "--out", out.path().to_str().unwrap()]].concat();
    let output = feedbench(&given);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {output:?}");
    let folder = only_folder(out.path());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    Run {
        record: Record::read(&folder).unwrap(),
        summary: serde_json::from_str(&read("summary.json")).unwrap(),
        page: read("index.html"),
        printed: text(&output.stdout),
        _folder: out,
    }
}

impl Run {
    fn lanes(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.summary["lanes"].as_object().unwrap().iter()
    }

    /// Checks what holds in every scenario: nothing failed, and the ledger equals the kernel, connection by connection.
    fn is_sound(&self) {
        assert_eq!(self.record.end.as_ref().unwrap().failures, [""; 0]);
        for (cell, _) in &self.record.cells {
            let (name, kernel) = (format!("{} block {}", cell.lane, cell.block), &cell.kernel);
            assert!(
                cell.errors.is_empty() && cell.violations.is_empty(),
                "{name}: {:?} {:?}",
                cell.errors,
                cell.violations
            );
            assert!(kernel.connections > 0, "{name}");
            assert_eq!((kernel.matched, kernel.reset), (kernel.connections, 0), "{name}");
            let ledger = (kernel.down.values().sum::<u64>(), kernel.up.values().sum::<u64>());
            assert_eq!(ledger, (kernel.bytes_down, kernel.bytes_up), "{name}");
        }
    }

    /// Checks that each publication came once to each of so many subscribers of its room.
    fn delivers(&self, subscribers: u64) {
        for (cell, publications) in &self.record.cells {
            let (name, deliveries) = (format!("{} block {}", cell.lane, cell.block), cell.deliveries);
            assert!(cell.publishes > 0, "{name}");
            assert_eq!(deliveries.expected, cell.publishes * subscribers, "{name}");
            assert_eq!((deliveries.delivered, deliveries.lost), (deliveries.expected, 0), "{name}");
            assert_eq!((deliveries.duplicated, deliveries.reordered, deliveries.gaps_told), (0, 0, 0), "{name}");
            assert_eq!((cell.sent, cell.acked), (cell.offered, cell.offered), "{name}");
            assert_eq!(publications.len() as u64, cell.offered, "{name}");
        }
    }

    /// Checks that a run in which nothing was published has no figure of deliveries, and no rule that fires for want of them.
    fn has_no_deliveries(&self) {
        assert_eq!(self.record.header.scenario.publisher, Publisher::Nobody);
        for (name, lane) in self.lanes() {
            for figure in ["requests_per_delivery", "deliveries_per_response", "computed_at_50ms_rtt"] {
                assert!(lane[figure].is_null(), "{name}: {figure}");
            }
            for part in ["expected", "delivered", "lost", "duplicated", "reordered", "replayed", "gaps_told"] {
                assert!(lane["deliveries"][part].is_null(), "{name}: {part}");
            }
            for times in ["response_time_ns", "service_time_ns", "publish_delay_ns", "fanout_spread_ns"] {
                assert!(lane[times]["p50"].is_null() && lane[times]["max"].is_null(), "{name}: {times}");
            }
            assert!(lane["bytes_per_delivery"]["stream_total"].is_null(), "{name}");
            assert!(lane["server"]["cpu_ns_per_delivery"].is_null(), "{name}");
            assert!(lane["server"]["cpu_ratio_to_raw"].is_null(), "{name}");
        }
        assert_eq!(self.summary["ranking"], Value::Array(Vec::new()));
        let reasons = self.summary["verdict"]["reasons"].to_string();
        for word in ["deliver", "publish"] {
            assert!(!reasons.contains(word), "{reasons}");
        }
        assert!(self.printed.contains("not measured"), "{}", self.printed);
        assert!(self.page.contains("nothing published"), "the page says what was done");
        for wrong in ["NaN", "inf ", "six are needed"] {
            assert!(!self.page.contains(wrong), "{wrong}");
        }
    }
}

#[test]
fn chat_carries_every_publication_over_the_lanes_own_uplink() {
    let run = run(&[
        "chat",
        "--clients",
        "6",
        "--rooms",
        "2",
        "--rate",
        "30",
        "--duration",
        "200ms",
        "--blocks",
        "1",
        "--interval",
        "100ms",
        "--set",
        "warm_up=200ms",
    ]);
    run.is_sound();
    run.delivers(3);
    assert_eq!(run.record.cells.len(), standard(ALL).len() + 1, "every lane and the twin");
    for (cell, _) in &run.record.cells {
        let sent = cell.kernel.up["payload"];
        assert_eq!(sent, cell.offered * 128, "{}: what was said went up the subscribers' own connections", cell.lane);
    }
    for (name, lane) in run.lanes() {
        assert!(lane["bytes_per_delivery"]["up"]["payload"].as_f64().unwrap() > 0.0, "{name}");
        assert!(lane["computed_at_50ms_rtt"].is_null(), "{name}: the model has its publisher beside the server");
    }
    assert!(run.page.contains("published by the subscribers"));
}

#[test]
fn fanout_delivers_one_message_to_everybody() {
    let run = run(&["fanout", "--clients", "50", "--lanes", "sse,raw", "--duration", "300ms", "--blocks", "1"]);
    run.is_sound();
    run.delivers(50);
}

#[test]
fn poll_interval_names_its_lanes() {
    let run = run(&[
        "poll-interval",
        "--clients",
        "6",
        "--rooms",
        "2",
        "--rate",
        "40",
        "--blocks",
        "1",
        "--set",
        r#"lanes=["short-polling+interval=100ms","short-polling+interval=200ms","long-polling","raw"]"#,
    ]);
    run.is_sound();
    run.delivers(3);
    let names: Vec<_> = run.lanes().map(|(name, _)| name.as_str()).collect();
    for lane in ["short-polling+interval=100ms", "short-polling+interval=200ms", "long-polling", "raw"] {
        assert!(names.contains(&lane), "{names:?}");
    }
}

#[test]
fn an_interval_swept_over_is_a_lane_for_each() {
    let run = run(&[
        "feed",
        "--lanes",
        "short-polling,raw",
        "--interval",
        "100ms,200ms",
        "--clients",
        "6",
        "--rooms",
        "2",
        "--rate",
        "40",
        "--blocks",
        "1",
    ]);
    run.is_sound();
    let lanes: Vec<_> = run.record.header.lanes.iter().map(|lane| lane.lane.as_str()).collect();
    assert_eq!(lanes, ["short-polling+interval=100ms", "short-polling+interval=200ms", "raw"]);
}

#[test]
fn idle_measures_what_silence_costs() {
    let run = run(&[
        "idle",
        "--clients",
        "20",
        "--set",
        "heartbeat=1s",
        "--duration",
        "2s",
        "--blocks",
        "1",
        "--lanes",
        "sse,websocket,short-polling,raw",
    ]);
    run.is_sound();
    run.has_no_deliveries();
    for (name, lane) in run.lanes() {
        assert!(lane["idle_per_minute"].as_f64().unwrap() > 0.0, "{name}");
        assert!(lane["connect_time_ns"].is_null(), "{name}");
    }
    // A window of two heartbeats holds two of every connection: 30 times as many in a minute as in the window.
    for (cell, _) in run.record.cells.iter().filter(|(cell, _)| !cell.twin) {
        let bytes: u64 = cell.window.down.values().chain(cell.window.up.values()).sum();
        let per_minute = run.summary["lanes"][&cell.lane]["idle_per_minute"].as_f64().unwrap();
        let expected = f64::from(u32::try_from(bytes).unwrap()) / 20.0 * 30.0;
        assert!((per_minute - expected).abs() < 1e-6 * expected, "{}: {per_minute} and {expected}", cell.lane);
        if cell.lane != "short-polling" {
            // A heartbeat of SSE is a chunk, and the chunk's own line is framing.
            let beats = ["heartbeat", "framing"].map(|category| cell.window.down[category] + cell.window.up[category]);
            assert_eq!(bytes, beats.iter().sum::<u64>(), "{}: beats alone", cell.lane);
        }
    }
    assert!(run.record.header.server.ends_with(&["--heartbeat".to_owned(), "1s".to_owned()]));
    assert!(run.printed.contains("idle/minute"), "{}", run.printed);
}

#[test]
fn connect_measures_how_long_a_subscription_takes_to_stand() {
    let run = run(&["connect", "--clients", "100", "--blocks", "1"]);
    run.is_sound();
    run.has_no_deliveries();
    assert_eq!(run.record.cells.len(), standard(ALL).len() + 1, "every lane and the twin");
    for (cell, _) in &run.record.cells {
        // 100 at 200 a second, of which a quarter of a second is warm-up.
        assert_eq!(cell.connects.as_ref().unwrap().due, 50, "{}", cell.lane);
        assert!(cell.memory.is_none() && cell.phases.is_empty(), "{}", cell.lane);
    }
    for (name, lane) in run.lanes() {
        assert!(lane["connect_time_ns"]["max"].as_u64().unwrap() > 0, "{name}");
        assert!(lane["bytes_per_connect"].as_f64().unwrap() > 100.0, "{name}");
        assert!(lane["server"]["cpu_ns_per_connect"].as_f64().unwrap() > 0.0, "{name}");
        assert!(lane["idle_per_minute"].is_null(), "{name}");
    }
    for head in ["connect p50", "bytes/connect", "server CPU/connect"] {
        assert!(run.printed.contains(head) && run.page.contains(head), "{head}: {}", run.printed);
    }
}

#[test]
fn a_round_trip_is_in_the_times_and_leaves_costs_unmeasured() {
    let run = run(&[
        "feed",
        "--rtt",
        "40ms",
        "--clients",
        "6",
        "--rooms",
        "2",
        "--rate",
        "40",
        "--blocks",
        "1",
        "--duration",
        "300ms",
        "--lanes",
        "long-polling,sse",
    ]);
    run.delivers(3);
    assert_eq!(run.summary["rtt_ns"], 40_000_000);
    for (name, lane) in run.lanes() {
        // Half of it is on the way of every delivery, and nothing makes it shorter.
        assert!(lane["response_time_ns"]["p50"].as_u64().unwrap() >= 20_000_000, "{name}");
        assert!(lane["bytes_per_delivery"]["stream_total"].is_null(), "{name}");
        assert!(lane["server"]["cpu_ns_per_delivery"].is_null(), "{name}");
        assert!(lane["server"]["memory_bytes_per_connection"]["user"].is_null(), "{name}");
    }
    assert!(run.printed.contains("40 ms round trip") && run.printed.contains("not measured"), "{}", run.printed);
}

#[test]
fn heads_of_a_file_are_sent_and_the_record_tells_files_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.txt");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transport/src/headers/minimal.txt");
    let minimal = fs::read_to_string(own).unwrap();
    let measured = |profile: &str| {
        let flags = [
            "feed",
            "--lanes",
            "long-polling",
            "--clients",
            "2",
            "--rooms",
            "1",
            "--blocks",
            "1",
            "--headers",
            profile,
        ];
        let run = run(&flags);
        run.is_sound();
        let (cell, _) = &run.record.cells[0];
        let head = cell.window.up["http_head"] / cell.window.responses_with_items;
        (run.record.header.headers.clone(), head)
    };
    fs::write(&path, &minimal).unwrap();
    let (name, plain) = measured(path.to_str().unwrap());
    fs::write(&path, minimal.replace("[fetch]\n", "[fetch]\nX-Mine: 0123456789\n")).unwrap();
    let (other_name, longer) = measured(path.to_str().unwrap());
    assert_eq!(longer, plain + "X-Mine: 0123456789\r\n".len() as u64);
    assert!(name.starts_with("mine@") && other_name.starts_with("mine@") && name != other_name, "{name} {other_name}");
}
