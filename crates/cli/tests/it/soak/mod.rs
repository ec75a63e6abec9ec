//! The stress test: a plain model of rooms against 200 subscribers on mixed lanes, in bad weather, over a drain and a kill.
//!
//! A seed decides who sits where, what is published how and when, who is sent away, and what the network does. Which of two
//! things comes first it does not decide, so what is checked holds for every order: each subscriber was told everything that is
//! for it once and in order, or of a gap around it, and nothing else; a publish that was acknowledged stands once in its history,
//! one without an answer once at most.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | what a seed decides |
//! | `model` | what rooms must have held, and what is wrong with what somebody was told: pure |
//! | `subscriber`, `http` | clients on lanes and beside them |
//! | `place` | the server with its successors, and the weather |
//! | `run`, `crowd` | one seed from its beginning to its end, and who is in it |

mod crowd;
mod http;
mod model;
mod model_tests;
mod place;
mod plan;
mod run;
mod subscriber;

use std::{env, fmt::Write as _, fs, io, path::Path};

/// How many complaints of a seed are shown: one fault has many.
const SHOWN: usize = 20;

/// A number out of the environment.
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// `just soak N` runs N seeds; two are enough to be in every run of the tests. A seed that fails is kept in `soak-failures.txt`.
#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_is_told_everything_once_whatever_the_network_and_the_server_do() {
    let (first, seeds) = (setting("FEEDBENCH_SOAK_FIRST", 1), setting("FEEDBENCH_SOAK_SEEDS", 2));
    let mut failures = String::new();
    for seed in first..first + seeds {
        // A task of its own, so that a panic is a failure of its seed.
        let ended = tokio::spawn(run::run(seed)).await;
        let (counts, complaints) = ended.unwrap_or_else(|panic| (run::Counts::default(), vec![panic.to_string()]));
        println!("seed {seed}: {counts}: {}", if complaints.is_empty() { "exact" } else { "WRONG" });
        if !complaints.is_empty() {
            let shown = complaints[..complaints.len().min(SHOWN)].join("\n  ");
            println!("  {shown}");
            let _infallible =
                writeln!(failures, "just soak 1 {seed}\n  {counts}\n  {} wrong:\n  {shown}", complaints.len());
        }
    }
    if !failures.is_empty() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak-failures.txt");
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&kept).unwrap();
        io::Write::write_all(&mut file, failures.as_bytes()).unwrap();
        panic!("{failures}kept in {}", kept.display());
    }
}
