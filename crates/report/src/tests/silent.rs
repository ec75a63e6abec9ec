//! Runs in which nothing was published: what they say, and that they say nothing of deliveries.

use measure::Recorder;
use record::{Cell, Connects, Deliveries, Histogram, Publisher, Record, Segments};

use super::fixture::{CONNECTIONS, dataset, histogram, record};
use crate::{Outcome, Status, render, summary, table, verdict};

/// Subscriptions that were due in the window of one cell.
const DUE: u64 = 200;

/// The run of the fixture, with all that came of publications taken out.
fn silent(change: impl Fn(&mut Cell)) -> Record {
    let mut record = record();
    let scenario = &mut record.header.scenario;
    (scenario.publisher, scenario.rate_hz) = (Publisher::Nobody, 0.0);
    for (cell, _) in &mut record.cells {
        let nothing = || Histogram(Recorder::new().to_text());
        (cell.publishes, cell.offered, cell.sent, cell.acked) = (0, 0, 0, 0);
        (cell.offered_span_ns, cell.sent_span_ns, cell.deliveries) = (0, 0, Deliveries::default());
        for times in [
            &mut cell.response_time,
            &mut cell.service_time,
            &mut cell.publish_delay,
            &mut cell.fanout_spread,
            &mut cell.receive_lag,
        ] {
            *times = nothing();
        }
        cell.rearm_gap = None;
        cell.window.deliveries = 0;
        cell.window.segments = Some(Segments { deliveries: 0, down: 100, up: 100 });
        change(cell);
    }
    record
}

fn connecting() -> Record {
    let mut record = silent(|cell| {
        let time = if cell.lane == "raw" { 200_000 } else { 300_000 };
        let delay = histogram(&[(5_000, DUE)]);
        cell.connects = Some(Connects { due: DUE, time: histogram(&[(time, DUE)]), delay });
        cell.server.cpu_ns = DUE * 150_000;
        cell.memory = None;
    });
    record.header.scenario.connect_rate_hz = Some(200.0);
    record
}

#[test]
fn silence_is_valid_and_its_rules_of_deliveries_are_not_measured() {
    for record in [silent(|_| {}), connecting()] {
        let verdict = verdict(&dataset(&record));
        assert_eq!((verdict.status, verdict.reasons.len()), (Status::Valid, 0), "{:?}", verdict.reasons);
        for word in ["delivery", "delivered", "published at", "same work", "blocks agree"] {
            let check = verdict.checks.iter().find(|check| check.name.contains(word)).expect(word);
            assert_eq!(check.outcome, Outcome::NotMeasured, "{}", check.name);
        }
    }
}

#[test]
fn an_idle_subscriber_costs_its_bytes_by_the_minute() {
    let data = dataset(&silent(|cell| {
        cell.window.length_ns = 30_000_000_000;
        cell.window.down = [("heartbeat".to_owned(), 3_000)].into();
        cell.window.up = [("heartbeat".to_owned(), 600)].into();
    }));
    let summary = summary(&data);
    let lane = summary.lane("websocket").expect("a lane");
    // 300 subscribers, half a minute.
    assert_eq!(lane.idle_per_minute, Some(24.0));
    assert_eq!((lane.connect_time_ns, lane.bytes_per_connect, lane.server.cpu_ns_per_connect), (None, None, None));
    assert_eq!((lane.deliveries.expected, lane.deliveries.lost), (None, None));
    assert_eq!((lane.bytes_per_delivery.stream_total, lane.server.cpu_ns_per_delivery), (None, None));
    assert!(lane.server.memory_bytes_per_connection.user.is_some(), "memory needs no deliveries");
    assert!(summary.ranking.is_empty());
    let table = table(&data);
    assert!(table.contains("idle/minute") && table.contains("24.0 B") && !table.contains("connect p50"), "{table}");
}

#[test]
fn a_connect_has_its_time_its_bytes_and_its_cpu() {
    let data = dataset(&connecting());
    let summary = summary(&data);
    let lane = summary.lane("websocket").expect("a lane");
    let times = lane.connect_time_ns.expect("times");
    // 1,200 samples in six blocks: enough for a p99, not for a p99.9.
    assert!(times.p50.is_some_and(|ns| ns.abs_diff(300_000) < 300) && times.p99.is_some() && times.p999.is_none());
    let near = |value: Option<f64>, expected: f64| value.is_some_and(|value| (value - expected).abs() < 1e-6);
    assert!(near(lane.bytes_per_connect, 850.0), "200 down and 650 up: {:?}", lane.bytes_per_connect);
    assert!(near(lane.server.cpu_ns_per_connect, 150_000.0));
    assert_eq!((lane.idle_per_minute, lane.server.memory_bytes_per_connection.user), (None, None));
    let table = table(&data);
    assert!(table.contains("connect p50") && table.contains("850 B") && !table.contains("idle"), "{table}");
}

#[test]
fn bytes_of_a_connect_are_not_known_where_a_connection_was_reset() {
    let mut record = connecting();
    for (cell, _) in record.cells.iter_mut().filter(|(cell, _)| cell.lane == "websocket" && cell.block == 0) {
        (cell.kernel.connections, cell.kernel.matched, cell.kernel.reset) = (CONNECTIONS - 1, CONNECTIONS - 1, 1);
    }
    let summary = summary(&dataset(&record));
    assert_eq!(summary.lane("websocket").expect("a lane").bytes_per_connect, None);
    assert!(summary.lane("raw").expect("a lane").bytes_per_connect.is_some());
}

#[test]
fn a_subscription_that_never_stood_or_was_begun_late_makes_the_run_invalid() {
    let mut record = connecting();
    let mut never = Recorder::new();
    never.record_undelivered(1);
    record.cells[0].0.connects.as_mut().expect("connects").time = Histogram(never.to_text());
    let reasons = verdict(&dataset(&record)).reasons;
    assert!(reasons.iter().any(|reason| reason.contains("did not come to stand, 1 at worst")), "{reasons:?}");

    let mut record = connecting();
    for (cell, _) in record.cells.iter_mut().filter(|(cell, _)| cell.lane == "websocket") {
        cell.connects.as_mut().expect("connects").delay = histogram(&[(30_000, DUE)]);
    }
    let judged = verdict(&dataset(&record));
    assert_eq!(judged.status, Status::Invalid);
    assert!(judged.reasons.iter().all(|reason| reason.contains("the generator's own delay")), "{:?}", judged.reasons);
}

#[test]
fn the_page_of_a_silent_run_says_what_was_done_and_claims_nothing() {
    for (record, says) in
        [(silent(|_| {}), "a subscriber costs in a minute"), (connecting(), "subscriptions stand within")]
    {
        let page = render(&dataset(&record)).expect("a page");
        for words in [says, "nothing published", "not measured"] {
            assert!(page.contains(words), "{words}");
        }
        for words in ["NaN", "six are needed", "with the fewest do not carry", "No lane ran twice"] {
            assert!(!page.contains(words), "{words}");
        }
    }
}
