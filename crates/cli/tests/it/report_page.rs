//! The pages that people are shown, as a browser and the rules of HTML and of accessibility see them: the committed run, a
//! calibration, the list of both. `tests/outsiders/report-page.mjs` looks at them.

use std::{collections::BTreeMap, fs, path::Path};

use record::{Header, Record};
use report::{
    Calibration, Dataset, Status, calibration,
    calibration::{Check, Row, Shown},
    index::{self, Entry, Found, Run},
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::programs::{INSTALL, node};

const REPORT: &str = "report.html";
const CALIBRATION: &str = "calibration.html";
const LIST: &str = "index.html";

/// What the script says of one look at a page.
#[derive(Debug, Deserialize)]
struct Looked {
    look: String,
    wrong: Vec<String>,
}

fn committed() -> Record {
    Record::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/sample")).unwrap()
}

/// Everything that the page of a calibration can show, on the machine of a run.
fn calibrated(header: &Header) -> Calibration {
    let check = |name: &str, rows: Vec<Row>| Check {
        name: name.to_owned(),
        question: format!("Does the {name} show as it is?"),
        how: "A server of known behaviour is measured like any other.".to_owned(),
        rows,
        ..Check::default()
    };
    let shown = Shown {
        caption: "The same stop".to_owned(),
        head: ["loop", "p99"].map(str::to_owned).to_vec(),
        rows: vec![vec!["closed".to_owned(), "0.100 ms".to_owned()]],
    };
    let near = Row::near("p50", "ms", Some(10.25), 10.0, 0.4).spread(Some(0.125));
    let delay = Check { shown: Some(shown), runs: vec!["runs/delay".to_owned()], ..check("delay", vec![near]) };
    let far = Row::bounded("lost", "", None, Some(1.0), None);
    let broken = Check { failure: Some("no server".to_owned()), ..check("ledger", vec![far]) };
    Calibration {
        version: calibration::VERSION,
        at_us: header.at_us,
        command: "feedbench calibrate --seed 7".to_owned(),
        host: header.host.clone(),
        tool: header.tool.clone(),
        whole: false,
        checks: vec![delay, broken],
    }
}

/// These pages in a folder of their own.
fn pages(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let record = committed();
    let calibration = calibrated(&record.header);
    for name in names {
        let page = match *name {
            REPORT => report::render(&Dataset::new(&record).unwrap()).unwrap(),
            CALIBRATION => calibration::render(&calibration).unwrap(),
            _ => {
                let run = Run { header: record.header.clone(), status: Status::Valid };
                let found = [
                    Found::Run(Box::new(run)),
                    Found::Calibration(Box::new(calibration.clone())),
                    Found::Unread("no record".to_owned()),
                ];
                let entry = |(folder, found): (&str, Found)| Entry { folder: folder.to_owned(), found };
                let entries: Vec<Entry> = ["2026-a", "2026-b", "c d"].into_iter().zip(found).map(entry).collect();
                index::render(&entries).unwrap()
            }
        };
        fs::write(folder.path().join(name), page).unwrap();
    }
    folder
}

/// Fails with everything that is wrong with these pages.
fn assert_nothing_wrong(what: &str, names: &[&str]) {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let folder = pages(names);
    let files: Vec<String> = names.iter().map(|name| folder.path().join(name).display().to_string()).collect();
    let arguments: Vec<&str> = std::iter::once(what).chain(files.iter().map(String::as_str)).collect();
    let lines = node("report-page.mjs", &arguments).end();
    let looks = lines.iter().map(|line| serde_json::from_str::<Looked>(line).unwrap());
    let looked: BTreeMap<String, Vec<String>> = looks.map(|Looked { look, wrong }| (look, wrong)).collect();
    for name in names {
        assert!(looked.keys().any(|look| look.starts_with(name)), "{name} was not looked at: {looked:?}");
    }
    let wrong: Vec<_> = looked.iter().filter(|(_, wrong)| !wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_serious_is_in_the_way_of_anybody_in_light_in_dark_and_on_a_phone() {
    assert_nothing_wrong("accessible", &[REPORT, CALIBRATION, LIST]);
}

#[test]
fn every_page_keeps_the_rules_of_html() {
    assert_nothing_wrong("valid", &[REPORT, CALIBRATION, LIST]);
}

#[test]
fn without_scripts_and_without_a_network_every_page_is_whole() {
    assert_nothing_wrong("bare", &[REPORT, CALIBRATION, LIST]);
}

#[test]
fn no_page_is_wider_than_its_window_or_its_paper() {
    assert_nothing_wrong("fitting", &[REPORT, CALIBRATION, LIST]);
}

#[test]
fn the_first_screen_holds_verdict_answer_and_every_lane() {
    assert_nothing_wrong("first", &[REPORT]);
}

#[test]
fn with_scripts_figures_say_their_values_and_grow_and_tables_are_sorted_and_copied() {
    assert_nothing_wrong("alive", &[REPORT, CALIBRATION]);
}
