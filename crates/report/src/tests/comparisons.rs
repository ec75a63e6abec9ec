//! The figures that compare lanes: what is drawn as proven, what as not, and where names stand.

use record::Record;

use super::{
    answers::three_intervals,
    fixture::{DELIVERIES, EIGHT, RAW, SSE, WEBSOCKET, cells_of, dataset, record, run},
};
use crate::{
    charts::{Figure, Figures, Input},
    summary, verdict,
};

fn figures(record: &Record) -> Figures {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    Figures::draw(Input { data: &data, summary: &summary, verdict: &verdict }).expect("drawn")
}

fn differences(record: &Record) -> Figure {
    figures(record).differences.pop().expect("a figure of differences")
}

fn trade(record: &Record) -> Figure {
    figures(record).sensitivity.pop().expect("a figure of intervals")
}

/// Circles of this attribute, as plotters writes them.
fn circles(svg: &str, attribute: &str) -> usize {
    svg.split("<circle").skip(1).filter(|rest| rest.split('>').next().is_some_and(|it| it.contains(attribute))).count()
}

#[test]
fn a_proven_difference_is_filled_and_any_other_hollow() {
    let figure = differences(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")));
    assert_eq!(
        figure.answer,
        "Lanes proven different from WebSocket: 0 of 1 in delay, 1 of 1 in bytes and 1 of 1 in server CPU."
    );
    for svg in [&figure.wide, &figure.narrow] {
        // One of each kind is the key's.
        assert_eq!(circles(svg, "fill=\"var(--ground)\""), 1 + 1, "{svg}");
        assert_eq!(circles(svg, "fill=\"var(--lane-1)\""), 2, "filled");
        assert!(svg.contains("<title>SSE, delay: 1.01x, no difference seen</title>"), "{svg}");
    }
}

#[test]
fn an_invalid_run_draws_everything_hollow() {
    let mut record = record();
    cells_of(&mut record, "raw")[2].deliveries.delivered = DELIVERIES - 3;
    let figure = differences(&record);
    assert_eq!(circles(&figure.wide, "fill=\"var(--lane-1)\""), 0);
    assert!(figure.note.contains("stands first in the run and is no recommendation"), "{}", figure.note);
    assert!(!figure.wide.contains("proven</title>") && figure.wide.contains("not claimed"));
}

#[test]
fn the_table_has_every_pair_and_the_reference_first() {
    let figure = differences(&run(&EIGHT, Some("websocket")));
    assert_eq!(figure.table.rows.len(), 7 * 6 / 2);
    assert!(figure.table.rows[..6].iter().all(|row| row.head.label.ends_with(" / WebSocket")));
}

#[test]
fn what_was_not_measured_is_not_drawn() {
    let mut record = record();
    record.header.rtt_ns = Some(100_000_000);
    let figure = differences(&record);
    assert!(figure.wide.contains("Delay, p50") && !figure.wide.contains("Server CPU per delivery"));
    assert_eq!(figure.table.rows[0].cells[2].text, "not measured");
}

#[test]
fn one_lane_has_no_differences_and_no_interval_no_trade() {
    assert!(figures(&run(&[RAW, SSE], None)).differences.is_empty());
    assert!(figures(&run(&EIGHT, None)).sensitivity.is_empty());
}

#[test]
fn lanes_proven_worse_in_both_are_faint_and_the_front_is_named() {
    let figure = trade(&three_intervals());
    let standing = |name: &str| {
        let row = figure.table.rows.iter().find(|row| row.head.label == name).expect("a row");
        row.cells.last().expect("a cell").text.clone()
    };
    assert_eq!(standing("SSE"), "on it");
    assert_eq!(standing("Short polling (every 5s)"), "proven worse in both");
    assert_eq!(standing("raw"), "");
    assert!(figure.note.contains("Here SSE alone is on it."), "{}", figure.note);
}
