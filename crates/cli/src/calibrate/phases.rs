//! Pollers that all ask at the same instant: their record must tell it, and that of a real run must not.

use report::{
    calibration::{Check, Row},
    detect::{UNEVEN_PHASES, unevenness},
};

use super::{
    bench::{Bench, cells},
    clock,
};

pub(super) fn check(bench: &Bench) -> anyhow::Result<Check> {
    let run = clock::run();
    let record = bench.once(&run)?;
    let phases: Vec<&[f32]> = cells(&record).into_iter().map(|(cell, _)| cell.phases.as_slice()).collect();
    Ok(Check {
        question: "Do phases of pollers that are locked show in the record?".to_owned(),
        how: "The distance of Kolmogorov and Smirnov between the realised phases of a cell and an even spread, times the root of \
              their number; 5 % of random draws exceed 1.36. The real run is far below; with its phases all made equal, it is \
              told."
            .to_owned(),
        rows: judge(&phases),
        runs: vec![run.name],
        ..Check::default()
    })
}

/// The real phases, cell by cell, and the same number of equal ones.
pub(super) fn judge(cells: &[&[f32]]) -> Vec<Row> {
    let worst = cells.iter().filter_map(|phases| unevenness(phases)).reduce(f64::max);
    let locked = |phases: &[f32]| unevenness(&vec![phases.first().copied().unwrap_or(0.0); phases.len()]);
    let least = cells.iter().filter_map(|phases| locked(phases)).reduce(f64::min);
    vec![
        Row::bounded("phases as they were, the worst cell", "", worst, None, Some(UNEVEN_PHASES)),
        Row::bounded("phases made equal, the mildest cell", "", least, Some(UNEVEN_PHASES), None),
    ]
}
