//! The page and the file of a calibration, and what reports say of it.

use super::fixture::{dataset, record};
use crate::{
    Calibration,
    calibration::{Check, Row, Shown, render},
};

fn calibration(rows: Vec<Row>) -> Calibration {
    let header = record().header;
    let check = Check {
        name: "delay".to_owned(),
        question: "Does a delay <of> d show as d?".to_owned(),
        rows,
        shown: Some(Shown {
            caption: "The same stop".to_owned(),
            head: vec![String::new(), "p99".to_owned()],
            rows: vec![vec!["closed loop".to_owned(), "0.100 ms".to_owned()]],
        }),
        runs: vec!["runs/delay".to_owned()],
        ..Check::default()
    };
    Calibration {
        version: 1,
        at_us: 1_732_090_000_000_000,
        command: "feedbench calibrate --seed 7".to_owned(),
        host: header.host,
        tool: header.tool,
        whole: true,
        checks: vec![check],
    }
}

/// The page of a calibration that passed.
pub(super) fn page() -> String {
    render(&calibration(vec![Row::near("p50", "ms", Some(10.25), 10.0, 0.4).spread(Some(0.125))])).expect("rendered")
}

#[test]
fn a_page_shows_bias_spread_bounds_and_outcome() {
    let rows = vec![Row::near("p50", "ms", Some(10.25), 10.0, 0.4).spread(Some(0.125))];
    let calibration = calibration(rows);
    let page = render(&calibration).unwrap();
    let shown =
        ["10.2 ms", "10 ms", "0.250 ms", "0.125 ms", "9.60 to 10.4 ms", "passed", "YES", "2024-11-20", "closed loop"];
    for words in shown {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<of>") && !page.contains("FAILED"), "{page}");
    assert_eq!(page, render(&calibration).unwrap());
}

#[test]
fn a_figure_out_of_bounds_or_without_a_number_fails_the_whole() {
    for measured in [Some(10.5), Some(f64::NAN), Some(f64::INFINITY), None] {
        let calibration = calibration(vec![
            Row::near("p50", "ms", measured, 10.0, 0.4),
            Row::near("p99", "ms", Some(10.0), 10.0, 0.4),
        ]);
        assert!(!calibration.passed(), "{measured:?}");
        let page = render(&calibration).unwrap();
        assert!(page.contains("FAILED") && page.contains("NO"), "{page}");
    }
    let failure = Some("no server".to_owned());
    let check = Check { failure, rows: vec![Row::near("p50", "ms", Some(1.0), 1.0, 0.0)], ..Check::default() };
    assert!(!check.passed() && !Check::default().passed());
}

#[test]
fn a_bound_that_is_not_there_is_not_judged() {
    assert!(Row::bounded("a", "", Some(7.0), None, Some(7.0)).passed);
    assert!(Row::bounded("a", "", Some(7.0), Some(7.0), None).passed);
    assert!(!Row::bounded("a", "", Some(7.0), Some(7.1), None).passed);
    assert!(!Row::bounded("a", "", Some(7.0), None, Some(6.9)).passed);
}

#[test]
fn a_report_quotes_the_calibration_of_its_record() {
    let page = |calibration| {
        let mut record = record();
        record.header.calibration = calibration;
        crate::render(&dataset(&record)).unwrap()
    };
    assert!(page(None).contains("not calibrated on this host"));
    let quoted = calibration(vec![Row::near("p50", "ms", Some(1.0), 1.0, 0.0)]).quoted();
    assert!(page(Some(quoted.clone())).contains("calibrated 2024-11-20, all 1 checks passed"));
    let failed = record::Calibration { checks: 10, passed: 8, ..quoted };
    assert!(page(Some(failed)).contains("2 of 10 checks FAILED"));
}
