//! A server that stands still for 1.4 s: everybody who waited for it must be in the quantiles.
//!
//! Publications go on at a constant rate, so their share of time is their share of the quantiles. One that is due `u` after the
//! stop waits `1.4 s - u`. Of a window W of 10 s, those that wait longer than x are `(1.4 s - x) / W`; that is 1 % for
//! x = 1.30 s, the p99, and 10 % for x = 0.40 s, the p90.
//!
//! The stop begins 1.2 s before the window's end and outlasts it. What is due before the end counts, with all that it waits;
//! what is due after it does not. So a ruler that takes what *arrived* in the window, or whose window ends early, misses the
//! stop, and fails: the largest 12 % of the window are in it, and the p90 needs 10 %.

use std::time::Duration;

use anyhow::bail;
use load::Stall;
use measure::Recorder;
use record::{Cell, Publication};
use report::calibration::{Check, Row, Shown};
use transport::{Lane, lane};

use super::{
    bench::{Bench, Run, cells, floor, ms, quantile_ms, response},
    closed_loop,
    model::{Asking, Feed, simulate},
};

/// See the file.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
pub(super) const STALL: Stall = Stall { after: Duration::from_millis(8800), length: Duration::from_millis(1400) };
pub(super) const TRUE_MS: [(f64, f64); 2] = [(0.9, 400.0), (0.99, 1300.0)];

/// 200 publications a second, evenly, each to one subscriber: a step of 5 ms between two waits, and 280 deliveries to catch up
/// with, a matter of a few milliseconds.
const SET: [&str; 6] =
    ["rooms=100", "subscribers=100", "rate_hz=2.0", "arrivals=constant", "warm_up=500ms", "window=10s"];

/// How far a push lane may be from the arithmetic, and a polling lane from its simulation.
const PUSHED: f64 = 0.05;
const POLLED: f64 = 0.1;

/// A closed loop whose p99 is below this has missed the stop.
const MISSED_MS: f64 = 100.0;

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let lanes = lane::standard(transport::ALL);
    let run = Run { name: "stall".to_owned(), lanes, set: &SET, stall: Some(STALL), ..Run::default() };
    let record = bench.run(&run)?;
    let mut rows = Vec::new();
    let floor = floor()?.to_string();
    let mut shown = vec![line("the truth, by arithmetic", [None, Some(400.0), Some(1300.0), Some(1400.0)])];
    let cells = cells(&record);
    for lane in &run.lanes {
        let first = |(cell, _): &&&(Cell, Vec<Publication>)| cell.lane == lane.to_string() && !cell.twin;
        let Some((cell, publications)) = cells.iter().find(first) else { bail!("{lane} has no cell") };
        let (response, service) = (response(cell)?, Recorder::from_text(&cell.service_time.0)?);
        match asking(lane, cell)? {
            Asking::Never => rows.extend(judge_pushed(&cell.lane, &response, &service)),
            asking => {
                let simulated = simulate(&feed(publications), STALL, &asking);
                rows.extend(judge_polled(&cell.lane, &response, &service, &simulated));
            }
        }
        if cell.lane == floor {
            shown.push(line(&format!("{floor}: response time, open loop"), quantiles(&response)));
            shown.push(line(&format!("{floor}: service time, open loop"), quantiles(&service)));
        }
    }
    let closed = closed_loop::run(bench)?;
    shown.push(line("closed loop, one request in flight", quantiles(&closed)));
    rows.extend(judge_closed(&closed));
    let head = ["the same stop, seen by", "p50", "p90", "p99", "max"].map(str::to_owned).to_vec();
    let caption = "What a closed loop does not see".to_owned();
    Ok(Check {
        question: "Does a server that stands still for 1.4 s show in the quantiles?".to_owned(),
        how: "The server is stopped with SIGSTOP for 1.4 s, 1.2 s before the end of a window of 10 s. Publications go on evenly, so \
              1 % of the window waits for more than 1.30 s and 10 % for more than 0.40 s. Push lanes must show this within 5 %, in \
              response and service time alike; polling lanes what a simulation of their gate gives, within 10 %. A client that \
              waits for each answer before it asks again counts the stop once, and must miss it."
            .to_owned(),
        rows,
        shown: Some(Shown { caption, head, rows: shown }),
        runs: vec![run.name],
        ..Check::default()
    })
}

/// How subscribers of the lane ask, with what the cell says of it.
fn asking(lane: &Lane, cell: &Cell) -> anyhow::Result<Asking> {
    let built = lane.build();
    if let Some(interval) = built.interval() {
        return Ok(Asking::ByTheClock {
            interval,
            phases: cell.phases.iter().map(|&phase| f64::from(phase)).collect(),
        });
    }
    if built.hold().is_none() {
        return Ok(Asking::Never);
    }
    let gap = cell.rearm_gap.as_ref().map(|gap| Recorder::from_text(&gap.0)).transpose()?;
    let shut = gap.and_then(|gap| gap.quantile_ns(0.5)).map(Duration::from_nanos).unwrap_or_default();
    Ok(Asking::AtOnce { shut })
}

/// The publications of a cell.
fn feed(publications: &[Publication]) -> Feed {
    Feed {
        window: WINDOW,
        dues: publications.iter().map(|publication| (publication.room, publication.due_ns)).collect(),
    }
}

/// Both times of a push lane against the arithmetic.
pub(super) fn judge_pushed(lane: &str, response: &Recorder, service: &Recorder) -> Vec<Row> {
    judge(lane, response, service, &TRUE_MS, PUSHED)
}

/// Both times of a polling lane against its simulation.
fn judge_polled(lane: &str, response: &Recorder, service: &Recorder, simulated: &Recorder) -> Vec<Row> {
    let expected = [0.9, 0.99].map(|quantile| (quantile, quantile_ms(simulated, quantile).unwrap_or(f64::NAN)));
    judge(lane, response, service, &expected, POLLED)
}

fn judge(lane: &str, response: &Recorder, service: &Recorder, expected: &[(f64, f64)], tolerance: f64) -> Vec<Row> {
    let rows = [("response", response), ("service", service)].into_iter().flat_map(|(what, times)| {
        expected.iter().map(move |&(quantile, expected)| {
            let name = format!("{lane}: {what} time p{:.0}", 100.0 * quantile);
            Row::near(name, "ms", quantile_ms(times, quantile), expected, expected * tolerance)
        })
    });
    rows.collect()
}

/// That the closed loop met the stop, and that its quantiles do not tell.
pub(super) fn judge_closed(times: &Recorder) -> Vec<Row> {
    let low = 0.9 * ms(STALL.length);
    let missed = |quantile| {
        let name = format!("closed loop: p{:.0}, which misses the stop", 100.0 * quantile);
        Row::bounded(name, "ms", quantile_ms(times, quantile), None, Some(MISSED_MS))
    };
    let met =
        Row::bounded("closed loop: max, the one request that met it", "ms", quantile_ms(times, 1.0), Some(low), None);
    vec![missed(0.9), missed(0.99), met]
}

fn quantiles(times: &Recorder) -> [Option<f64>; 4] {
    [0.5, 0.9, 0.99, 1.0].map(|quantile| quantile_ms(times, quantile))
}

fn line(name: &str, quantiles: [Option<f64>; 4]) -> Vec<String> {
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3} ms"));
    std::iter::once(name.to_owned()).chain(quantiles.map(text)).collect()
}
