//! Drift inside the windows: seen where it is, and hardly ever where there is none.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use record::{Cell, Publication, Record};

use super::fixture::{cells_of, dataset, record, run};
use crate::{
    drift::{self, Thirds},
    render, summary, table,
};

const WINDOW_NS: u64 = 3_000_000_000;

/// Publications at random instants of the window, each after a delay.
fn publications(
    random: &mut ChaCha8Rng,
    count: u64,
    mut delay: impl FnMut(&mut ChaCha8Rng, f64) -> f64,
) -> Vec<Publication> {
    let mut dues: Vec<f64> = (0..count).map(|_| random.random::<f64>()).collect();
    dues.sort_by(f64::total_cmp);
    (0..).zip(dues).map(|(n, place)| publication(n, place, Some(delay(random, place)))).collect()
}

/// Due at `place` of the window, 0 to 1, and half delivered after `delay_ns`.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "instants of some seconds")]
fn publication(n: u64, place: f64, delay_ns: Option<f64>) -> Publication {
    let due_ns = (place * WINDOW_NS as f64) as i64;
    let median_ns = delay_ns.map(|delay| due_ns + delay as i64);
    Publication { n, room: 0, due_ns, sent_ns: Some(due_ns), first_ns: None, median_ns, last_ns: None, delivered: 5 }
}

fn long(cell: &mut Cell) {
    cell.window.length_ns = WINDOW_NS;
}

/// The fixture with windows of 3 s, in which a lane has these publications in every block.
fn with(lane: &str, mut publications: impl FnMut() -> Vec<Publication>) -> Record {
    let mut record = record();
    for (cell, lines) in &mut record.cells {
        long(cell);
        if cell.lane == lane && !cell.twin {
            *lines = publications();
        }
    }
    record
}

/// A steady lane: a long tail, and neighbours that resemble each other as behind a stall.
fn steady(random: &mut ChaCha8Rng) -> Vec<Publication> {
    let mut state = 0.0;
    publications(random, 300, move |random, _| {
        let noise: f64 = (0..6).map(|_| random.random::<f64>() - 0.5).sum();
        state = 0.9 * state + noise;
        200_000.0 * f64::exp(0.5 * state)
    })
}

#[test]
fn a_steady_lane_is_hardly_ever_said_to_drift() {
    let cell = |block| {
        let mut cell = cells_of(&mut record(), "raw")[0].clone();
        long(&mut cell);
        cell.block = block;
        cell
    };
    let cells: Vec<Cell> = (0..6).map(cell).collect();
    let mut lane = dataset(&run(&[super::fixture::RAW], None)).lanes.swap_remove(0);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let runs = 500;
    let mut seen = 0;
    for _ in 0..runs {
        lane.thirds = cells.iter().filter_map(|cell| Thirds::of(cell, &steady(&mut random))).collect();
        seen += u32::from(drift::is_seen(&drift::of(&lane).expect("six blocks")));
    }
    // 1 in 32 by design; the seed is fixed, so this holds always or never.
    assert!((5..=25).contains(&seen), "{seen} of {runs} steady lanes");
}

#[test]
fn a_lane_that_gets_slower_in_every_block_is_said_to_drift() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let slower = with("websocket", || {
        publications(&mut random, 300, |random, place| 200_000.0 * (1.0 + place) * (0.8 + 0.4 * random.random::<f64>()))
    });
    let sentence = "The delay of WebSocket drifts: its median in the last third of the windows is 1.";
    assert!(table(&dataset(&slower)).contains(sentence), "{}", table(&dataset(&slower)));
    assert!(render(&dataset(&slower)).expect("rendered").contains(sentence));
    let json = serde_json::to_value(summary(&dataset(&slower))).expect("serialises");
    let drift = &json["lanes"]["websocket"]["drift"];
    assert_eq!(drift["seen"], true);
    let ratio = drift["ratio"].as_f64().expect("a ratio");
    assert!((1.4..1.8).contains(&ratio), "{ratio}");
    assert_eq!(json["lanes"]["raw"]["drift"], serde_json::Value::Null);
    // Told, and nothing else: the run stands as it is.
    assert_eq!(json["verdict"]["status"], "valid");
}

#[test]
fn a_steady_run_says_so() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let steady = with("raw", || steady(&mut random));
    assert!(table(&dataset(&steady)).contains("No drift was seen"), "{}", table(&dataset(&steady)));
}

#[test]
fn short_windows_and_few_publications_are_not_tested() {
    let mut cell = record().cells.swap_remove(0).0;
    let line = |n: u64| publication(n, f64::from(u32::try_from(n).expect("small")) / 60.0, Some(1e5));
    let enough: Vec<Publication> = (0..60).map(line).collect();
    long(&mut cell);
    assert!(Thirds::of(&cell, &enough).is_some());
    assert_eq!(Thirds::of(&cell, &enough[..59]), None);
    cell.window.length_ns = WINDOW_NS - 1;
    assert_eq!(Thirds::of(&cell, &enough), None);
    assert!(!table(&dataset(&record())).contains("drift"));
}

#[test]
fn what_nobody_got_is_infinitely_late_in_its_third() {
    let mut cell = record().cells.swap_remove(0).0;
    long(&mut cell);
    let line = |n: u64| {
        let place = f64::from(u32::try_from(n).expect("small")) / 90.0;
        publication(n, place, (place < 0.5).then_some(1e5))
    };
    let thirds = Thirds::of(&cell, &(0..90).map(line).collect::<Vec<_>>()).expect("publications enough");
    assert!(thirds.first_ns < 1e6 && thirds.last_ns.is_infinite(), "{thirds:?}");
}
