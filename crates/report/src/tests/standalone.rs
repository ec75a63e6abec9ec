//! A figure outside of its page has to bring everything along.

use std::collections::BTreeSet;

use super::fixture::{EIGHT, cells_of, dataset, record, run};
use crate::{RenderError, chart};

/// The texts between `start` and the first `end` behind it.
fn between<'a>(text: &'a str, start: &str, end: char) -> BTreeSet<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split_once(end)).map(|(found, _)| found).collect()
}

#[test]
fn every_colour_that_a_standalone_figure_uses_is_defined_in_it_for_both_themes() {
    let data = dataset(&run(&EIGHT, Some("websocket")));
    for (id, one) in [("latency-quantiles", "--lane-6"), ("bytes-stack", "--category-0")] {
        let svg = chart(&data, id).unwrap();
        let (style, _) = svg.split_once("</style>").unwrap();
        let used = between(&svg, "var(", ')');
        assert!(used.contains("--ground") && used.contains(one), "{used:?}");
        for variable in used {
            assert_eq!(style.matches(&format!("{variable}:#")).count(), 2, "{variable} in {style}");
        }
    }
}

#[test]
fn a_standalone_figure_keeps_its_words_for_screen_readers_and_needs_nothing_from_elsewhere() {
    let svg = chart(&dataset(&record()), "latency-quantiles").unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 "), "{svg}");
    assert!(svg.ends_with("</svg>\n"));
    let [named, described] = ["<title id=\"", "<desc id=\""].map(|start| between(&svg, start, '"'));
    for id in between(&svg, "aria-labelledby=\"", '"').iter().flat_map(|ids| ids.split(' ')) {
        assert!(named.contains(id) || described.contains(id), "{id}");
    }
    for outside in ["href", "@import", "url(http", "<script"] {
        assert!(!svg.contains(outside), "{outside}");
    }
    assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    assert_eq!(svg, chart(&dataset(&record()), "latency-quantiles").unwrap());
}

#[test]
fn a_figure_of_a_run_that_must_not_be_used_says_so_by_itself() {
    let says = |record: &record::Record| {
        let svg = chart(&dataset(record), "latency-quantiles").unwrap();
        ["SUSPECT", "INVALID"].map(|status| svg.contains(&format!("\">{status}</tspan></text>")))
    };
    let mut record = record();
    assert_eq!(says(&record), [false, false]);
    record.end.as_mut().unwrap().interrupted = true;
    assert_eq!(says(&record), [true, false]);
    cells_of(&mut record, "raw")[0].deliveries.delivered -= 1;
    assert_eq!(says(&record), [false, true]);
}

#[test]
fn a_figure_that_the_run_does_not_have_is_refused_with_those_it_has() {
    let error = chart(&dataset(&record()), "colour").unwrap_err();
    assert!(matches!(error, RenderError::NoFigure { .. }));
    let said = error.to_string();
    assert!(said.contains("\"colour\"") && said.contains("latency-quantiles"), "{said}");
}
