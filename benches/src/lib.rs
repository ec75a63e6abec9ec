//! What the benches share: short measurements, and publications to measure with.
//!
//! | bench | measures |
//! |---|---|
//! | `codecs` | each codec, both ways |
//! | `hub` | one publication to every subscriber of its room |
//! | `recorder` | recording, reading and merging latencies |
//! | `driver` | one delivery in each transport's driver |
//!
//! They show whether a change of code made it faster or slower; what a lane costs is measured by `feedbench bench` alone.

use std::time::Duration;

use criterion::Criterion;
use serde_json::value::RawValue;
use wire::Publication;

/// Bytes of `data` in one publication: those of the scenario `feed`.
pub const DATA_BYTES: usize = 128;

/// Runs one bench with what the command line asks for.
///
/// Measures for 0.6 s: long enough for three digits of what takes microseconds, and all benches are done within 90 s.
pub fn run(bench: impl FnOnce(&mut Criterion)) {
    let criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(30)
        .nresamples(10_000)
        .without_plots();
    let mut criterion = criterion.configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}

/// A JSON value of `size_bytes` bytes.
///
/// # Panics
///
/// Below 11 bytes, which hold no such value.
#[must_use]
pub fn data(size_bytes: usize) -> Box<RawValue> {
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(size_bytes - r#"{"text":""}"#.len()));
    RawValue::from_string(text).expect("JSON")
}

/// The text of a publication with [`DATA_BYTES`] of `data`.
#[must_use]
pub fn publication(offset: u64) -> String {
    let data = data(DATA_BYTES);
    let from = Some("ana".into());
    Publication { offset, event: "message".into(), from, to: None, at_us: 1_732_090_000_123_456, data: &data }.encode()
}
