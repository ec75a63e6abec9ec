//! What every figure owes to whoever cannot see it, and what the axes are made of.

use super::fixture::{EIGHT, RAW, SSE, WEBSOCKET, dataset, record, run};
use crate::{
    charts::{Figure, Figures, Input},
    summary,
    text::widest,
    verdict,
};

fn figures(record: &record::Record) -> Vec<Figure> {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    let Figures { differences, latency, bytes, cost, reliability, sensitivity } =
        Figures::draw(Input { data: &data, summary: &summary, verdict: &verdict }).expect("drawn");
    [differences, latency, bytes, cost, reliability, sensitivity].into_iter().flatten().collect()
}

fn by_id<'a>(figures: &'a [Figure], id: &str) -> &'a Figure {
    figures.iter().find(|figure| figure.id == id).expect(id)
}

#[test]
fn every_figure_has_a_title_a_description_and_a_table() {
    let figures = figures(&record());
    assert!(figures.len() > 4);
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
    assert_eq!(by_id(&figures, "latency-quantiles").answer, "No difference was seen between SSE and WebSocket.");
    assert_eq!(by_id(&figures, "bytes-stack").answer, "WebSocket costs 203 B, SSE 237 B: 1.17x as much.");
}

#[test]
fn nothing_seen_and_nothing_to_be_seen_are_told_apart() {
    let mut record = record();
    record.cells.retain(|(cell, _)| cell.block < 3);
    let answer = |id| by_id(&figures(&record), id).answer.clone();
    let too_few = "There are too few blocks to compare Short polling and WebSocket.";
    assert_eq!(["latency-quantiles", "bytes-stack", "cpu-bars", "memory-bars"].map(answer), [too_few; 4]);
}

#[test]
fn the_widest_pair_is_looked_for_among_all_when_the_ends_are_not_proven() {
    let proven = |pairs: &'static [(u8, u8)]| move |a: &u8, b: &u8| pairs.contains(&(*a, *b)).then_some(());
    let found = |pairs| widest(&[1, 2, 3, 4], proven(pairs)).map(|(a, b, ())| (*a, *b));
    assert_eq!(found(&[(1, 4), (2, 3)]), Some((1, 4)));
    assert_eq!(found(&[(2, 3), (2, 4)]), Some((2, 4)));
    assert_eq!(found(&[(3, 4)]), Some((3, 4)));
    assert_eq!(found(&[]), None);
}

#[test]
fn a_variant_keeps_its_transports_colour_and_has_dashes_and_stripes_of_its_own() {
    let figures = figures(&run(&EIGHT, Some("websocket")));
    let [latency, spread, cpu] = ["latency-quantiles", "latency-spread", "cpu-bars"].map(|id| by_id(&figures, id));
    for svg in [&latency.wide, &latency.narrow, &spread.wide, &spread.narrow] {
        for (lane, dashes) in [(5, "24 12"), (6, "8 12")] {
            assert!(svg.contains(&format!("var(--lane-{lane})\" stroke-dasharray=\"{dashes}\"")), "{lane}");
        }
        assert_eq!(svg.matches("dasharray").count(), 2);
    }
    for (svg, form) in [(&cpu.wide, "wide"), (&cpu.narrow, "narrow")] {
        for pattern in 0..2 {
            let hatch = format!("cpu-bars-{form}-hatch-{pattern}");
            assert!(svg.contains(&format!("id=\"{hatch}\"")) && svg.contains(&format!("url(#{hatch})")), "{hatch}");
        }
    }
}

/// The texts that begin at `x`, each with its place from the top, sorted by it.
fn texts_at(svg: &str, x: i32) -> Vec<(i32, String)> {
    let texts = svg.split("<text x=\"").skip(1).filter_map(|text| {
        let (at, rest) = text.split_once("\" y=\"")?;
        let (y, _) = rest.split_once('"')?;
        let words = rest.split_once('>')?.1.split('<').next()?.trim().to_owned();
        (at.parse() == Ok(x)).then_some((y.parse().ok()?, words))
    });
    let mut rows: Vec<_> = texts.collect();
    rows.sort();
    rows
}

#[test]
fn names_at_the_ends_of_eight_lines_do_not_touch() {
    let figures = figures(&run(&EIGHT, Some("websocket")));
    let latency = by_id(&figures, "latency-quantiles");
    // Behind the end of the lines; four pixels of the drawing make one of the view.
    for (svg, x, rows, longest) in [(&latency.wide, 920 - 156, 8, 23), (&latency.narrow, 380 - 98, 10, 13)] {
        let names = texts_at(svg, 4 * x);
        assert_eq!(names.len(), rows, "{names:?}");
        assert!(names.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 4 * 14), "{names:?}");
        assert!(names.iter().all(|(_, words)| words.chars().count() <= longest), "{names:?}");
    }
}

#[test]
fn without_cpu_there_is_no_cpu_figure() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.server.cpu_ns = 0;
    }
    assert!(figures(&record).iter().all(|figure| figure.id != "cpu-bars"));
}
