//! The table of promises, and the report.

use std::collections::BTreeSet;

use crate::{Cell, Outcome, PROMISES, Promise, Report};

fn cell(promise: usize, lane: &str, outcome: Outcome) -> Cell {
    Cell { promise: PROMISES[promise].name, lane: lane.to_owned(), outcome }
}

fn report() -> Report {
    let none = || Outcome::NotApplicable { why: "no such thing".to_owned() };
    let cells = vec![
        cell(1, "a", none()),
        cell(0, "longer-one", Outcome::Broken { why: "offset 2 came after 3".to_owned() }),
        cell(1, "longer-one", none()),
        cell(0, "a", Outcome::Kept { detail: "tried".to_owned() }),
    ];
    Report::new(&["a", "longer-one"].map(str::to_owned), cells)
}

#[test]
fn promises_have_names_of_their_own_and_one_sentence() {
    let names: BTreeSet<_> = PROMISES.iter().map(|promise| promise.name).collect();
    assert_eq!(names.len(), PROMISES.len());
    for promise in PROMISES {
        assert!(promise.what.ends_with('.') && promise.what.matches(". ").count() == 0, "{}", promise.what);
        assert_eq!(Promise::find(promise.name).unwrap().name, promise.name);
    }
    let unknown = Promise::find("delivers_pizza").unwrap_err().to_string();
    assert!(unknown.contains("delivers_pizza") && unknown.contains("delivers_in_order, "), "{unknown}");
}

#[test]
fn the_text_is_a_table_then_what_is_broken_then_each_reason_once() {
    let [first, second] = [PROMISES[0].name, PROMISES[1].name];
    let width = first.len().max(second.len());
    let wanted = format!(
        "{:width$}  a       longer-one\n{first:width$}  kept    BROKEN\n{second:width$}  -       -\n\
         \nBROKEN  {first}: {}\n  longer-one: offset 2 came after 3\n\
         \n-  no such thing\n  {second} on a, {second} on longer-one\n",
        "", PROMISES[0].what
    );
    assert_eq!(report().text(), wanted);
}

#[test]
fn the_json_is_an_array_of_cells() {
    let json = serde_json::to_value(report()).unwrap();
    let outcomes: Vec<_> = json.as_array().unwrap().iter().map(|cell| cell["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["kept", "broken", "not_applicable", "not_applicable"]);
    assert_eq!(json[1]["detail"], "offset 2 came after 3");
    assert_eq!((json[1]["promise"].as_str(), json[1]["lane"].as_str()), (Some(PROMISES[0].name), Some("longer-one")));
}

#[test]
fn one_broken_cell_breaks_the_report() {
    assert!(!report().is_kept());
    assert!(Report::new(&[], vec![cell(0, "a", Outcome::NotApplicable { why: String::new() })]).is_kept());
}
