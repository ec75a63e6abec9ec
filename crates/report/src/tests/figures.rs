//! What every figure owes to whoever cannot see it, and what the axes are made of.

use super::fixture::{RAW, SSE, WEBSOCKET, dataset, record, run};
use crate::{
    charts::{Figure, Figures, Input},
    summary, verdict,
};

fn figures(record: &record::Record) -> Vec<Figure> {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    let Figures { latency, bytes, cpu } =
        Figures::draw(Input { data: &data, summary: &summary, verdict: &verdict }).expect("drawn");
    latency.into_iter().chain(bytes).chain(cpu).collect()
}

#[test]
fn every_figure_has_a_title_a_description_and_a_table() {
    let figures = figures(&record());
    assert_eq!(figures.len(), 4);
    for figure in figures {
        assert!(figure.title.ends_with('?') && figure.answer.ends_with('.'), "{}", figure.id);
        assert!(!figure.table.rows.is_empty(), "{}", figure.id);
        for (svg, form) in [(&figure.wide, "wide"), (&figure.narrow, "narrow")] {
            assert!(svg.starts_with("<svg viewBox="), "{svg}");
            assert!(svg.contains("role=\"img\""));
            assert!(svg.contains(&format!("<title id=\"{}-{form}-title\">{}</title>", figure.id, figure.title)));
            assert!(svg.contains(&format!("<desc id=\"{}-{form}-desc\">", figure.id)));
        }
    }
}

#[test]
fn every_colour_follows_the_page() {
    for figure in figures(&record()) {
        for svg in [&figure.wide, &figure.narrow] {
            assert!(!svg.contains("\"#"), "a fixed colour in {}", figure.id);
            assert!(svg.contains("var(--ink)") || svg.contains("var(--muted)"));
        }
    }
}

#[test]
fn a_row_of_every_table_fits_its_head() {
    for figure in figures(&record()) {
        for row in &figure.table.rows {
            assert_eq!(row.cells.len() + 1, figure.table.head.len(), "{}", figure.id);
        }
    }
}

#[test]
fn a_lane_named_with_markup_stays_text() {
    let mut record = record();
    record.header.lanes[2].title = "<script>&".to_owned();
    for figure in figures(&record) {
        assert!(!figure.wide.contains("<script>"), "{}", figure.id);
    }
}

#[test]
fn a_figure_claims_no_difference_that_was_not_seen() {
    let figures = figures(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")));
    assert_eq!(figures[0].answer, "No difference was seen between SSE and WebSocket.");
    assert_eq!(figures[2].answer, "WebSocket costs 203 B, SSE 237 B: 1.17x as much.");
}

#[test]
fn without_cpu_there_is_no_cpu_figure() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.server.cpu_ns = 0;
    }
    assert_eq!(figures(&record).len(), 3);
}
