//! The figures of the latency section that look into single publications: what was late when, and between whom.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use record::{Histogram, Publication, Record};

use super::fixture::{EIGHT, RAW, SSE, WEBSOCKET, cells_of, dataset, histogram, record, run};
use crate::{
    charts::{Figure, Figures, Input},
    summary,
    text::INVALID_FIGURE,
    verdict,
};

/// Of the fixture's windows.
const WINDOW_NS: i64 = 600_000_000;
/// Publications of one cell.
const PUBLICATIONS: u64 = 240;
const STALLED: &str = "websocket";

fn figure(record: &Record, id: &str) -> Option<Figure> {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    let figures = Figures::draw(Input { data: &data, summary: &summary, verdict: &verdict }).expect("drawn");
    figures.latency.into_iter().find(|figure| figure.id == id)
}

fn heat(record: &Record) -> Figure {
    figure(record, "latency-heat").expect("a heat map")
}

/// Due evenly over the window; all got it after `delay_ns(due)`, nobody where that is none.
fn publications(mut delay_ns: impl FnMut(i64) -> Option<i64>) -> Vec<Publication> {
    let line = |n: u64| {
        let due_ns = WINDOW_NS * i64::try_from(n).expect("small") / i64::try_from(PUBLICATIONS).expect("small");
        let at = delay_ns(due_ns).map(|delay| due_ns + delay);
        Publication {
            n,
            room: 0,
            due_ns,
            sent_ns: Some(due_ns),
            first_ns: at,
            median_ns: at,
            last_ns: at,
            delivered: 5,
        }
    };
    (0..PUBLICATIONS).map(line).collect()
}

/// Every lane steady at 200 µs, but for `delay_ns` of one lane in its third block.
fn planted(mut record: Record, delay_ns: impl Fn(i64) -> Option<i64>) -> Record {
    for (cell, lines) in &mut record.cells {
        let here = cell.lane == STALLED && !cell.twin && cell.block == 2;
        *lines = publications(|due| if here { delay_ns(due) } else { Some(200_000) });
    }
    record
}

/// Between 210 and 300 ms nothing is delivered.
fn stall(due_ns: i64) -> i64 {
    let until = 300_000_000;
    if (210_000_000..until).contains(&due_ns) { until - due_ns } else { 200_000 }
}

/// The paths of a lane: `x`, `y` and width of every run of cells.
fn runs(svg: &str, lane: &str) -> Vec<[i32; 3]> {
    let (_, rest) = svg.split_once(&format!("<g fill=\"none\" stroke=\"var(--{lane})\"")).expect("a row");
    let (row, _) = rest.split_once("</g>").expect("closed");
    let paths = row.split(" d=\"").skip(1).filter_map(|path| path.split('"').next());
    let run = |run: &str| {
        let numbers: Vec<i32> = run.split([' ', 'h']).map(|number| number.parse().expect("a number")).collect();
        <[i32; 3]>::try_from(numbers).expect("three numbers")
    };
    paths.flat_map(|path| path.split('M').skip(1).map(run).collect::<Vec<_>>()).collect()
}

/// The row of the table that holds `what` of a lane.
fn cells(figure: &Figure, lane: &str, what: &str) -> Vec<String> {
    let row = figure.table.rows.iter().find(|row| row.head.label == lane && row.cells[0].text == what);
    row.expect("a row").cells[1..].iter().map(|cell| cell.text.clone()).collect()
}

#[test]
fn a_stall_is_in_the_drawing_in_the_table_and_in_the_sentence() {
    let figure = heat(&planted(record(), |due| Some(stall(due))));
    assert_eq!(
        figure.answer,
        "The latest spell was one of WebSocket in block 3: for 150 ms its p50 was 16.2 ms, 81.2x that of all its windows."
    );
    let largest = cells(&figure, "WebSocket", "largest");
    assert_eq!(largest[3..5], ["90.0 ms", "60.0 ms"], "{largest:?}");
    assert!([&largest[..3], &largest[5..]].concat().iter().all(|value| value == "200 µs"), "{largest:?}");
    // One block of six: it is not in the median.
    assert!(cells(&figure, "WebSocket", "p50").iter().all(|value| value == "200 µs"));
    for (svg, (left, right)) in [(&figure.wide, (232, 908)), (&figure.narrow, (62, 376))] {
        let (stalled, steady) = (runs(svg, "lane-2"), runs(svg, "lane-1"));
        let bottom = stalled.iter().map(|&[_, y, _]| y).max().expect("cells");
        let risen: Vec<_> = stalled.iter().filter(|&&[_, y, _]| y < bottom).collect();
        let third = |share: i32| 4 * (left + (right - left) * share / 6);
        assert!(!risen.is_empty() && risen.iter().all(|&&[x, _, w]| x >= third(2) && x + w <= third(3)), "{risen:?}");
        assert_eq!(steady.len(), 6, "a run per block: {steady:?}");
    }
}

#[test]
fn a_steady_run_has_no_spell() {
    let figure = heat(&planted(record(), |_| Some(200_000)));
    let words = "No spell of lateness was seen: of 48 stretches of the windows, none has a p50 above twice its lane's own; the \
                 message farthest from its lane's p50 took 200 µs, 1.00x it: WebSocket in block 6.";
    assert_eq!(figure.answer, words);
}

#[test]
fn what_nobody_got_is_marked_and_not_dropped() {
    let with = heat(&planted(record(), |due| (due < 450_000_000).then_some(200_000)));
    let without = heat(&planted(record(), |_| Some(200_000)));
    assert!(
        with.answer.ends_with("half of what was due reached nobody; of all publications, 60 reached nobody."),
        "{}",
        with.answer
    );
    assert_eq!(cells(&with, "WebSocket", "largest")[7..], ["never"; 3]);
    let marks = |figure: &Figure| [&figure.wide, &figure.narrow].map(|svg| svg.matches("<polygon").count());
    // A quarter of one block, and the key.
    assert_eq!((marks(&with), marks(&without)), ([3, 2], [0, 0]));
    assert!(with.wide.contains("60 reached nobody") && with.narrow.contains("60 reached nobody"));
}

#[test]
fn what_was_due_outside_of_the_window_is_not_in_it() {
    let mut record = planted(record(), |_| Some(200_000));
    for (_, lines) in &mut record.cells {
        for (due_ns, n) in [(-1, 1_000), (WINDOW_NS, 1_001)] {
            lines.push(Publication { n, due_ns, median_ns: None, last_ns: None, ..lines[0] });
        }
    }
    assert_eq!(heat(&record).answer, heat(&planted(super::fixture::record(), |_| Some(200_000))).answer);
}

#[test]
fn without_publications_there_is_no_heat_map() {
    assert!(figure(&record(), "latency-heat").is_none());
    let mut empty = record();
    empty.cells.clear();
    assert!(figure(&empty, "latency-heat").is_none() && figure(&empty, "latency-fanout").is_none());
}

#[test]
fn a_repeated_cell_is_seen_in_its_repetition() {
    let mut record = planted(record(), |due| Some(stall(due)));
    let place = record.cells.iter().position(|(cell, _)| cell.lane == STALLED && !cell.twin && cell.block == 2);
    let mut again = record.cells[place.expect("a cell")].clone();
    again.1 = publications(|_| Some(200_000));
    record.cells.push(again);
    assert!(heat(&record).answer.starts_with("No spell"), "{}", heat(&record).answer);
}

#[test]
fn the_same_record_gives_the_same_bytes_and_few_of_them() {
    let mut record = run(&EIGHT, Some("websocket"));
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for (_, lines) in &mut record.cells {
        // Over two decades, as a lane that asks by the clock.
        *lines = publications(|_| Some(1_000_000_000 / random.random_range(1..100)));
    }
    let (a, b) = (heat(&record), heat(&record));
    assert_eq!((&a.wide, &a.narrow), (&b.wide, &b.narrow));
    assert!(a.wide.len() + a.narrow.len() < 150_000, "{} and {}", a.wide.len(), a.narrow.len());
}

#[test]
fn an_invalid_run_claims_nothing() {
    let mut record = planted(record(), |due| Some(stall(due)));
    cells_of(&mut record, "raw")[0].deliveries.lost = 1;
    for id in ["latency-heat", "latency-fanout"] {
        assert_eq!(figure(&record, id).expect("drawn all the same").answer, INVALID_FIGURE);
    }
}

/// The lane's spread in every block, a little more in each.
fn with_spread(record: &mut Record, lane: &str, ns: i64) {
    for cell in cells_of(record, lane) {
        cell.fanout_spread = histogram(&[(ns + i64::from(cell.block), 180)]);
    }
}

#[test]
fn equal_spreads_are_no_difference() {
    let figure = figure(&run(&[RAW, SSE, WEBSOCKET], Some("websocket")), "latency-fanout").expect("a figure");
    assert_eq!(figure.answer, "No difference was seen between SSE and WebSocket.");
}

#[test]
fn the_lane_that_spreads_most_is_named_where_the_blocks_show_it() {
    let mut record = record();
    with_spread(&mut record, "short-polling", 600_000_000);
    let figure = figure(&record, "latency-fanout").expect("a figure");
    assert!(
        figure.answer.starts_with(
            "WebSocket brings half of its messages to the last subscriber within 60.0 µs of the first, Short polling"
        ),
        "{}",
        figure.answer
    );
    assert!(figure.answer.ends_with(" Short polling spreads most."), "{}", figure.answer);
    assert_eq!(figure.table.rows[1].cells[0].text, "600 ms", "{:?}", figure.table.rows[1]);
}

#[test]
fn a_spread_larger_than_some_only_is_not_called_the_largest() {
    let mut record = run(&[RAW, SSE, WEBSOCKET, EIGHT[4]], Some("websocket"));
    with_spread(&mut record, "sse", 200_000);
    with_spread(&mut record, "socketio", 200_000);
    let answer = figure(&record, "latency-fanout").expect("a figure").answer;
    assert!(answer.contains("3.33x") && !answer.contains("most"), "{answer}");
}

#[test]
fn a_difference_in_spread_within_the_noise_is_not_claimed() {
    let mut record = run(&[RAW, SSE, WEBSOCKET], Some("websocket"));
    with_spread(&mut record, "sse", 90_000);
    for cell in cells_of(&mut record, "websocket").into_iter().filter(|cell| cell.twin) {
        cell.fanout_spread = histogram(&[(100_000, 180)]);
    }
    assert_eq!(
        figure(&record, "latency-fanout").expect("a figure").answer,
        "No difference was seen between SSE and WebSocket."
    );
}

#[test]
fn lanes_without_a_spread_are_not_in_its_figure() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.fanout_spread = Histogram::default();
    }
    assert!(figure(&record, "latency-fanout").is_none());
    with_spread(&mut record, "websocket", 60_000);
    let figure = figure(&record, "latency-fanout").expect("a figure");
    assert!(figure.answer.ends_with("the only lane measured."), "{}", figure.answer);
    assert_eq!(figure.table.rows[0].cells[0].text, "not measured");
}
