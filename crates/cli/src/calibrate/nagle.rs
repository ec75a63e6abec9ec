//! A server that writes every delivery in two pieces with Nagle's algorithm on: its second mode must be told by name.

use measure::Recorder;
use report::{
    calibration::{Check, Row},
    detect,
};

use super::bench::{Bench, Run, cells, floor, response};

/// Evenly, and faster than one in 40 ms: every other delivery finds the one before it unacknowledged, so there are two modes.
const SET: [&str; 6] = ["rooms=4", "subscribers=4", "rate_hz=30.0", "arrivals=constant", "warm_up=500ms", "window=3s"];

/// The smallest share in the second mode; a third to a half is in it.
const AT_LEAST: f64 = 20.0;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let mut rows = Vec::new();
    let mut runs = Vec::new();
    for (name, golden) in [("nagle-on", vec!["--two-writes".to_owned()]), ("nagle-off", Vec::new())] {
        let two_writes = !golden.is_empty();
        let run =
            Run { name: name.to_owned(), lanes: vec![floor()?], set: &SET, golden: Some(golden), ..Run::default() };
        let mut times = Recorder::new();
        for (cell, _) in cells(&bench.run(&run)?) {
            times.merge(&response(cell)?);
        }
        rows.push(judge(&times, two_writes));
        runs.push(run.name);
    }
    Ok(Check {
        question: "Is Nagle's algorithm on a server told by its second mode?".to_owned(),
        how: "The golden server writes length and item apart, with the algorithm on: the item waits for an acknowledgement that \
              Linux delays by 40 ms and up to a tick. Linux does so only on connections that talk both ways, so a heartbeat that \
              the client answers goes along. Deliveries at 40 to 44 ms, thrice as dense as beside, are the mark."
            .to_owned(),
        rows,
        runs,
        ..Check::default()
    })
}

/// What the detector says, and whether it should have said something.
pub(super) fn judge(times: &Recorder, two_writes: bool) -> Row {
    let share = Some(100.0 * detect::delayed_acks(times).unwrap_or(0.0));
    if two_writes {
        Row::bounded(
            "two writes, algorithm on: deliveries in a second mode at 40 to 44 ms",
            "%",
            share,
            Some(AT_LEAST),
            None,
        )
    } else {
        Row::near("one write, algorithm off: deliveries in such a mode", "%", share, 0.0, 0.0)
    }
}
