//! Differences that a number suggests and that are not claimed: each has its sentence, on the page and in `summary.json`.

use record::Record;

use super::fixture::{SOCKETIO, SSE, WEBSOCKET, cells_of, dataset, histogram, run};
use crate::{Withdrawn, render, summary, table, verdict};

/// WebSocket with its twin and SSE, which is slower in every block by some parts of a thousand.
fn close(twin_per_mille: i64, sse_per_mille: i64) -> Record {
    let mut record = run(&[SSE, WEBSOCKET], Some("websocket"));
    let base = |block: u32| 200_000 + 100 * i64::from(block);
    let with = |block, per_mille| histogram(&[(base(block) * (1_000 + per_mille) / 1_000, 900)]);
    for cell in cells_of(&mut record, "websocket") {
        cell.response_time = with(cell.block, if cell.twin { twin_per_mille } else { 0 });
    }
    for cell in cells_of(&mut record, "sse") {
        cell.response_time = with(cell.block, sse_per_mille);
    }
    record
}

/// Those about delay.
fn about_delay(record: &Record) -> Vec<Withdrawn> {
    let withdrawn = verdict(&dataset(record)).withdrawn;
    withdrawn.into_iter().filter(|claim| claim.claim == "response_time_p50").collect()
}

#[test]
fn a_difference_inside_the_noise_floor_is_not_claimed_and_says_why() {
    let record = close(100, 50);
    let claims = about_delay(&record);
    let [claim] = claims.as_slice() else { panic!("{claims:?}") };
    assert_eq!((claim.lane.as_str(), claim.against.as_deref()), ("websocket", Some("sse")));
    let sentence = claim.sentence();
    assert!(
        sentence.starts_with("No difference in delay is claimed between websocket and sse: the ratio is 1.05x"),
        "{sentence}"
    );
    assert!(sentence.ends_with("and two runs of one lane differed by up to 1.10x."), "{sentence}");

    let page = render(&dataset(&record)).expect("rendered");
    assert!(page.contains(&sentence));
    assert!(table(&dataset(&record)).contains("smaller than the noise, and not claimed."));
    let json = serde_json::to_value(summary(&dataset(&record))).expect("serialises");
    assert_eq!(json["verdict"]["withdrawn"][0]["against"], "sse");
}

#[test]
fn a_difference_beyond_the_noise_floor_is_claimed() {
    assert_eq!(about_delay(&close(20, 50)), []);
}

#[test]
fn what_the_blocks_do_not_show_needs_no_withdrawing() {
    let mut record = close(100, 50);
    cells_of(&mut record, "sse")[0].response_time = histogram(&[(190_000, 900)]);
    assert_eq!(about_delay(&record), []);
}

#[test]
fn a_difference_below_the_receive_lag_is_not_claimed_and_says_why() {
    let mut record = close(1, 50);
    for (cell, _) in &mut record.cells {
        cell.receive_lag = histogram(&[(30_000, 10)]);
    }
    let claims = about_delay(&record);
    let [claim] = claims.as_slice() else { panic!("{claims:?}") };
    assert!(claim.reason.ends_with("and half of the reads waited 30.0 µs or more to be decoded"), "{}", claim.reason);
}

#[test]
fn a_tail_that_is_not_given_is_not_withdrawn() {
    let mut record = run(&[WEBSOCKET], None);
    for cell in cells_of(&mut record, "websocket") {
        cell.publish_delay = histogram(&[(9_000, 170), (200_000, 10)]);
    }
    assert_eq!(verdict(&dataset(&record)).withdrawn.len(), 1);
    record.cells.truncate(5);
    assert_eq!(verdict(&dataset(&record)).withdrawn, []);
}

#[test]
fn an_invalid_run_has_nothing_to_withdraw_but_tails() {
    let mut record = close(100, 50);
    cells_of(&mut record, "sse")[0].deliveries.duplicated = 1;
    assert_eq!(about_delay(&record), []);
}

#[test]
fn lanes_that_are_proven_different_stay_so() {
    let record = run(&[SOCKETIO, WEBSOCKET], Some("websocket"));
    assert_eq!(about_delay(&record), []);
}
