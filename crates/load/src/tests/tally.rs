//! The tally: what counts as a delivery, which window a thing belongs to, and that no byte is counted twice.

use std::collections::BTreeMap;

use measure::{ByteLedger, Category, Direction, Mono, Recorder};
use proptest::{collection::vec, prelude::*, sample::select};
use transport::{Charge, Delivery, DriverError, Event, Out};
use wire::{Ack, Close, Epoch, Gap, GapReason, Position, Refusal};

use super::{at, feed::feed};
use crate::{
    feed::{Feed, data},
    reactor::{ClientId, Sink as _},
    tally::Tally,
};

const SIZE: usize = 64;

/// Two publishers come first, so these are the subscribers: two in room 0, one in room 1.
const PUBLISHER: ClientId = 1;
const ANA: ClientId = 2;
const BEN: ClientId = 3;
const EVE: ClientId = 4;

fn position(offset: u64) -> Position {
    Position { epoch: Epoch::new("k3x9").unwrap(), offset }
}

/// Two rooms, three subscribers that were accepted at offset 10, and this feed.
fn tally(feed: Feed) -> Tally {
    let mut tally = Tally::new(2, SIZE, true);
    for (client, room) in [(ANA, 0), (BEN, 0), (EVE, 1)] {
        tally.expect_subscriber(room);
        tell(&mut tally, client, at(0), Event::Ready(position(10)));
    }
    tally.begin(feed);
    tally
}

fn tell(tally: &mut Tally, client: ClientId, instant: Mono, event: Event) {
    tally.take(client, instant, &Out { events: vec![event], ..Out::default() });
}

fn with_data(offset: u64, data: &str) -> Event {
    let json = format!(r#"{{"offset":{offset},"data":{data}}}"#);
    let start = json.len() - data.len() - 1;
    let end = json.len() - 1;
    Event::Delivery(Delivery { offset, json: json.into(), data: start..end })
}

/// Publication `n` at its place in the room.
fn publication(offset: u64, n: usize) -> Event {
    with_data(offset, &data(n, SIZE))
}

fn errors(tally: &Tally) -> Vec<(&str, u64)> {
    counts(&tally.errors)
}

fn violations(tally: &Tally) -> Vec<(&str, u64)> {
    counts(&tally.violations)
}

fn counts(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    counts.iter().map(|(code, count)| (code.as_str(), *count)).collect()
}

#[test]
fn what_is_due_in_the_window_is_expected_by_everybody_in_its_room() {
    let tally = tally(feed(&[(999, 0), (1000, 0), (1050, 1), (1100, 0)]));
    assert_eq!((tally.outstanding, tally.deliveries.expected), (3, 3));
    assert_eq!((tally.ready, tally.time_to_first.len()), (3, 3));
}

#[test]
fn outstanding_counts_down_with_first_deliveries_and_not_with_duplicates() {
    let mut tally = tally(feed(&[(1000, 0), (1050, 1)]));
    tell(&mut tally, ANA, at(1001), publication(11, 0));
    assert_eq!(tally.outstanding, 2);
    tell(&mut tally, ANA, at(1002), publication(11, 0));
    assert_eq!(tally.outstanding, 2);
    tell(&mut tally, BEN, at(1003), publication(11, 0));
    tell(&mut tally, EVE, at(1053), publication(11, 1));
    assert_eq!(tally.outstanding, 0);
    let counted = tally.deliveries;
    assert_eq!((counted.delivered, counted.duplicated, counted.reordered), (3, 1, 0));
    let feed = tally.feed.as_ref().unwrap();
    assert_eq!(feed.arrivals, [vec![at(1001), at(1003)], vec![at(1053)]]);
    assert_eq!(violations(&tally), [("offset_not_increasing", 1)]);
}

#[test]
fn an_earlier_offset_that_comes_later_is_delivered_and_reordered() {
    let mut tally = tally(feed(&[(1000, 0), (1001, 0)]));
    tell(&mut tally, ANA, at(1010), publication(12, 1));
    tell(&mut tally, ANA, at(1011), publication(11, 0));
    assert_eq!((tally.deliveries.delivered, tally.deliveries.reordered, tally.outstanding), (2, 1, 2));
}

#[test]
fn what_is_due_outside_the_window_is_timed_but_not_counted() {
    let mut tally = tally(feed(&[(990, 0), (1000, 0), (1100, 0)]));
    for (offset, n) in [(11, 0), (13, 2), (12, 1)] {
        tell(&mut tally, ANA, at(1200), publication(offset, n));
    }
    assert_eq!((tally.deliveries.delivered, tally.deliveries.reordered, tally.outstanding), (1, 1, 1));
    assert_eq!((violations(&tally), tally.all_deliveries), (vec![("offset_not_increasing", 1)], 3));
    tell(&mut tally, ANA, at(1201), publication(11, 0));
    assert_eq!(tally.deliveries.duplicated, 0);
    assert_eq!(violations(&tally), [("offset_not_increasing", 2), ("out_of_order_outside_the_window", 1)]);
    let arrivals = tally.feed.as_ref().unwrap().arrivals.iter().map(Vec::len);
    assert_eq!(arrivals.collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn deliveries_of_the_window_are_those_that_arrive_in_it() {
    let mut tally = tally(feed(&[(990, 0), (1050, 0), (1060, 0)]));
    for (instant, offset, n) in [(999, 11, 0), (1000, 11, 0), (1099, 12, 1), (1100, 13, 2)] {
        tell(&mut tally, ANA, at(instant), publication(offset, n));
    }
    assert_eq!(tally.window_deliveries, 2);
}

#[test]
fn a_publication_that_is_not_ours_is_an_error_and_nothing_else() {
    let mut tally = tally(feed(&[(1000, 0), (1050, 1)]));
    let other_room = publication(11, 1);
    let beyond_the_feed = publication(12, 2);
    let without_number = with_data(13, r#"{"text":"hi"}"#);
    for event in [other_room, beyond_the_feed, without_number] {
        tell(&mut tally, ANA, at(1001), event);
    }
    assert_eq!(violations(&tally), [("foreign_publication", 3)]);
    assert_eq!((tally.outstanding, tally.deliveries.delivered), (3, 0));
}

#[test]
fn a_publication_before_the_feed_or_before_ready_is_an_error() {
    let mut early = Tally::new(2, SIZE, true);
    early.expect_subscriber(0);
    tell(&mut early, ANA, at(1), Event::Ready(position(10)));
    tell(&mut early, ANA, at(2), publication(11, 0));
    assert_eq!(violations(&early), [("foreign_publication", 1)]);

    let mut not_ready = Tally::new(2, SIZE, true);
    not_ready.expect_subscriber(0);
    not_ready.begin(feed(&[(1000, 0)]));
    tell(&mut not_ready, ANA, at(1001), publication(11, 0));
    assert_eq!((violations(&not_ready), not_ready.outstanding), (vec![("delivery_before_ready", 1)], 2));
}

#[test]
fn a_publish_that_the_server_took_twice_is_not_delivered_twice() {
    let mut tally = tally(feed(&[(1000, 0), (1001, 0)]));
    for offset in [11, 12, 13] {
        for client in [ANA, BEN] {
            tell(&mut tally, client, at(1010), publication(offset, 0));
        }
    }
    // The other publication is missing, whatever came in its place.
    assert_eq!((tally.outstanding, tally.deliveries.delivered, tally.deliveries.duplicated), (2, 2, 4));
}

#[test]
fn a_changed_payload_is_delivered_and_an_error() {
    let mut tally = tally(feed(&[(1000, 0)]));
    tell(&mut tally, ANA, at(1001), with_data(11, &data(0, SIZE + 1)));
    assert_eq!((violations(&tally), tally.deliveries.delivered), (vec![("changed_payload", 1)], 1));
}

#[test]
fn a_gap_counts_what_is_missing_and_moves_on() {
    let mut tally = tally(feed(&[(1000, 0), (1010, 0)]));
    let (reason, position) = (GapReason::Slow, position(14));
    let gap = Gap { from: Some(11), to: Some(14), missed: Some(4), reason, position };
    tell(&mut tally, ANA, at(1020), Event::Gap(gap));
    tell(&mut tally, ANA, at(1021), publication(15, 1));
    // What was told as missing and comes all the same is out of order.
    tell(&mut tally, ANA, at(1022), publication(11, 0));
    let counted = tally.deliveries;
    assert_eq!((counted.gaps_told, counted.delivered, counted.reordered), (4, 2, 1));
}

#[test]
fn publishers_are_heard_for_their_acks_and_failures_alone() {
    let mut tally = tally(feed(&[(1000, 0)]));
    let refusal = Refusal { reference: None, status: 413, detail: String::new() };
    let close = Close { code: 3001, reason: String::new(), reconnect: true, retry_after_ms: 0 };
    for event in [
        Event::Ready(position(0)),
        Event::Acked(Ack { reference: Some(0), position: position(11) }),
        publication(11, 0),
        Event::Exchange { carried: 1 },
        Event::Refused(refusal.clone()),
        Event::Failed(DriverError::Lost),
        Event::Closed(close.clone()),
    ] {
        tell(&mut tally, PUBLISHER, at(1001), event);
    }
    let bytes = Charge { connection: 0, direction: Direction::Up, category: Category::Payload, bytes: 7 };
    tally.take(PUBLISHER, at(1001), &Out { charges: vec![bytes], ..Out::default() });
    assert_eq!((tally.ready, tally.acked, tally.requests, tally.window_deliveries), (4, 1, 0, 0));
    assert_eq!(errors(&tally), [("publish_refused", 1), ("publisher_closed", 1), ("publisher_connection_lost", 1)]);
    assert_eq!(tally.ledger, ByteLedger::default());

    for event in [Event::Refused(refusal), Event::Failed(DriverError::Silent), Event::Closed(close)] {
        tell(&mut tally, EVE, at(1001), event);
    }
    let of_subscribers = [("closed_3001", 1), ("refused", 1), ("silent", 1)];
    assert!(of_subscribers.iter().all(|error| errors(&tally).contains(error)), "{:?}", tally.errors);
}

#[test]
fn members_may_be_heard_in_another_order_than_they_were_due() {
    let mut tally = Tally::new(0, SIZE, false);
    for (client, room) in [(0, 0), (1, 0), (2, 1)] {
        tally.expect_subscriber(room);
        tell(&mut tally, client, at(0), Event::Ready(position(10)));
    }
    tally.begin(feed(&[(1000, 0), (1001, 0)]));
    for client in [0, 1] {
        tell(&mut tally, client, at(1010), publication(11, 1));
        tell(&mut tally, client, at(1011), publication(12, 0));
    }
    tell(&mut tally, 1, at(1012), Event::Acked(Ack { reference: Some(1), position: position(11) }));
    let counted = tally.deliveries;
    assert_eq!((counted.delivered, counted.reordered, counted.duplicated, tally.acked), (4, 0, 0, 1));
    assert_eq!(violations(&tally), []);

    // Whoever tells two of them different orders gives one publication two offsets.
    tell(&mut tally, 0, at(1020), Event::Acked(Ack { reference: Some(0), position: position(11) }));
    assert_eq!(violations(&tally), [("two_offsets", 1)]);
    tell(&mut tally, 0, at(1021), publication(13, 0));
    assert_eq!(tally.deliveries.duplicated, 1);
}

#[test]
fn subscriptions_are_timed_from_the_instant_they_were_due() {
    let mut tally = Tally::new(0, SIZE, true);
    for room in [0, 0, 1, 0] {
        tally.expect_subscriber(room);
    }
    // The first is due before the window, the last in it and never stands.
    for (client, due, started, ready) in
        [(0, 990, 991, Some(999)), (1, 1000, 1001, Some(1010)), (2, 1050, 1053, Some(1070)), (3, 1099, 1100, None)]
    {
        tally.open_at(client, at(due));
        tally.started(client, at(started));
        if let Some(ready) = ready {
            tell(&mut tally, client, at(ready), Event::Ready(position(0)));
        }
    }
    tally.begin(feed(&[]));
    let connects = tally.connects();
    let milliseconds = |recorder: &Recorder, q| recorder.quantile_ns(q).map(|ns| ns / 1_000_000);
    assert_eq!((connects.due, connects.time.len(), connects.time.undelivered_count()), (3, 3, 1));
    assert_eq!([0.3, 0.6, 0.9].map(|q| milliseconds(&connects.time, q)), [Some(10), Some(20), None]);
    assert_eq!([0.3, 0.6, 0.9].map(|q| milliseconds(&connects.delay, q)), [Some(1), Some(1), Some(3)]);
    assert_eq!(milliseconds(&tally.time_to_first, 0.3), Some(8), "from the opening, before the window too");
    assert_eq!(tally.stood, [0, 1, 2], "those that are to end");
}

#[test]
fn requests_are_those_answered_in_the_window() {
    let mut tally = tally(feed(&[(1000, 0)]));
    for (instant, carried) in [(999, 3), (1000, 0), (1050, 2), (1099, 1), (1100, 1)] {
        tell(&mut tally, ANA, at(instant), Event::Exchange { carried });
    }
    assert_eq!((tally.requests, tally.responses_with_items), (3, 2));
}

fn charge() -> impl Strategy<Value = (u64, Charge)> {
    let parts = (0_u32..3, select(&Direction::ALL[..]), select(&Category::ALL[..]), 1_u64..10_000);
    let charge =
        parts.prop_map(|(connection, direction, category, bytes)| Charge { connection, direction, category, bytes });
    (950_u64..1150, charge)
}

proptest! {
    #[test]
    fn every_byte_is_in_the_window_or_outside_by_its_stamp(charges in vec(charge(), 0..60)) {
        let mut tally = tally(feed(&[(1000, 0)]));
        let (mut total, mut outside) = (ByteLedger::default(), ByteLedger::default());
        for (instant, charge) in charges {
            total.charge(charge.direction, charge.category, charge.bytes);
            if !(1000..1100).contains(&instant) {
                outside.charge(charge.direction, charge.category, charge.bytes);
            }
            tally.take(BEN, at(instant), &Out { charges: vec![charge], ..Out::default() });
        }
        prop_assert_eq!(total.minus(&outside), Some(tally.ledger));
    }
}
