//! The publications of a cell: their data, when they are due, and what is made of their arrivals.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use measure::{Mono, Window};
use proptest::prelude::*;

use super::{at, scenario};
use crate::feed::{Due, Feed, data, number};

/// A feed of publications due at so many milliseconds in a room, with a window of `[1000, 1100)`.
pub(super) fn feed(dues: &[(u64, u32)]) -> Feed {
    Feed {
        dues: dues.iter().map(|(milliseconds, room)| Due { at: at(*milliseconds), room: *room }).collect(),
        sent: Arc::new(dues.iter().map(|_| AtomicU64::new(0)).collect()),
        arrivals: dues.iter().map(|_| Vec::new()).collect(),
        window: Window { start: at(1000), length: Duration::from_millis(100) },
    }
}

fn send(feed: &Feed, n: usize, instant: Mono) {
    feed.sent[n].store(instant.as_nanos(), Ordering::Release);
}

/// A quantile of recorded times, in milliseconds.
fn milliseconds(recorder: &measure::Recorder, q: f64) -> Option<u64> {
    recorder.quantile_ns(q).map(|ns| ns / 1_000_000)
}

proptest! {
    #[test]
    fn data_is_as_long_as_it_says_and_holds_its_number(size in 36_usize..=200, n in 0_usize..=1_000_000_000_000) {
        let data = data(n, size);
        prop_assert_eq!(data.len(), size);
        prop_assert_eq!(number(&data), Some(n));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&data).is_ok());
    }

    #[test]
    fn publications_are_planned_in_order_from_the_start_to_the_tail(
        seed: u64,
        rooms in 1_u32..20,
        constant: bool,
        tail in 0_u64..300,
    ) {
        let arrivals = format!("arrivals={}", if constant { "constant" } else { "poisson" });
        let scenario = scenario(&[&format!("rooms={rooms}"), &arrivals, "rate_hz=50"]);
        let window = Window { start: at(150), length: Duration::from_millis(600) };
        let feed = Feed::plan(&scenario, seed, at(0), window, Duration::from_millis(tail));
        prop_assert!(feed.dues.is_sorted_by_key(|due| due.at));
        let end = at(750 + tail);
        prop_assert!(feed.dues.iter().all(|due| due.at >= at(0) && due.at < end && due.room < rooms));
        prop_assert_eq!((feed.sent.len(), feed.arrivals.len()), (feed.dues.len(), feed.dues.len()));
        let again = Feed::plan(&scenario, seed, at(0), window, Duration::from_millis(tail));
        prop_assert_eq!(again.dues, feed.dues);
    }
}

#[test]
fn the_smallest_data_holds_the_largest_number() {
    let size = usize::try_from(crate::scenario::MIN_SIZE_BYTES).unwrap();
    assert_eq!(data(usize::MAX, size).len(), size);
    assert_eq!(number(&data(usize::MAX, size)), Some(usize::MAX));
}

#[test]
fn only_our_own_data_has_a_number() {
    for foreign in ["", "{}", r#"{"n":}"#, r#"{"n":,"pad":""}"#, r#"{"n":-1,"pad":""}"#, r#"{"m":1,"pad":""}"#, r#"{"n":7"#]
    {
        assert_eq!(number(foreign), None, "{foreign}");
    }
}

#[test]
fn constant_arrivals_of_rooms_do_not_coincide() {
    let scenario = scenario(&["arrivals=constant", "rooms=60", "rate_hz=5"]);
    let window = Window { start: at(0), length: Duration::from_secs(1) };
    let feed = Feed::plan(&scenario, 1, at(0), window, Duration::ZERO);
    let instants: BTreeSet<_> = feed.dues.iter().map(|due| due.at).collect();
    assert_eq!((instants.len(), feed.dues.len()), (300, 300));
    // As even between rooms as within one.
    let gaps: Vec<_> = feed.dues.windows(2).map(|pair| pair[1].at.signed_nanos_since(pair[0].at)).collect();
    assert!(gaps.iter().all(|gap| (3_333_332..=3_333_335).contains(gap)), "{gaps:?}");
}

#[test]
fn poisson_rooms_have_schedules_of_their_own() {
    let window = Window { start: at(0), length: Duration::from_secs(20) };
    let feed = Feed::plan(&scenario(&["rooms=2"]), 1, at(0), window, Duration::ZERO);
    let of = |room| feed.dues.iter().filter(move |due| due.room == room).map(|due| due.at).collect::<BTreeSet<_>>();
    assert!(of(0).is_disjoint(&of(1)));
    // 100 expected; 40 off would be four standard deviations.
    assert!((60..140).contains(&of(0).len()) && (60..140).contains(&of(1).len()));
}

#[test]
fn the_window_is_half_open() {
    let feed = feed(&[(999, 0), (1000, 0), (1099, 0), (1100, 0)]);
    assert_eq!(feed.in_window().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn response_counts_from_the_due_instant_and_service_from_the_write() {
    let mut feed = feed(&[(990, 0), (1010, 0), (1020, 1), (1100, 0)]);
    send(&feed, 1, at(1015));
    feed.arrivals[0] = vec![at(1090)];
    feed.arrivals[1] = vec![at(1040), at(1030)];
    feed.arrivals[3] = vec![at(1101)];
    let (response, service) = feed.times(|room| if room == 0 { 3 } else { 2 });
    // Two arrived, one of three is missing in room 0, both in room 1; those due outside are in neither.
    assert_eq!((response.len(), response.undelivered_count()), (5, 3));
    assert_eq!((service.len(), service.undelivered_count()), (5, 3));
    assert_eq!([0.2, 0.4, 0.6].map(|q| milliseconds(&response, q)), [Some(20), Some(30), None]);
    assert_eq!([0.2, 0.4, 0.6].map(|q| milliseconds(&service, q)), [Some(15), Some(25), None]);
}

#[test]
fn an_arrival_before_its_due_instant_is_kept_as_evidence() {
    let mut feed = feed(&[(1010, 0)]);
    feed.arrivals[0] = vec![at(1009)];
    let (response, _) = feed.times(|_| 1);
    assert_eq!((response.negative_count(), response.most_negative_ns()), (1, Some(-1_000_000)));
}

#[test]
fn the_publish_delay_of_what_was_not_written_is_infinite() {
    let feed = feed(&[(990, 0), (1000, 0), (1050, 0)]);
    send(&feed, 0, at(995));
    send(&feed, 1, at(1004));
    let delay = feed.publish_delay();
    assert_eq!((delay.len(), delay.undelivered_count(), milliseconds(&delay, 0.5)), (2, 1, Some(4)));
    assert_eq!((feed.sent_at(1), feed.sent_at(2)), (Some(at(1004)), None));
}

#[test]
fn the_spread_is_from_the_first_to_the_last_of_more_than_one() {
    let mut feed = feed(&[(990, 0), (1010, 0), (1020, 0), (1030, 0)]);
    feed.arrivals[0] = vec![at(1000), at(1099)];
    feed.arrivals[1] = vec![at(1019), at(1012), at(1017)];
    feed.arrivals[2] = vec![at(1021)];
    let spread = feed.fanout_spread();
    assert_eq!((spread.len(), milliseconds(&spread, 1.0)), (1, Some(7)));
}

#[test]
fn lines_hold_every_publication_counted_from_the_window() {
    let mut feed = feed(&[(990, 3), (1010, 4)]);
    send(&feed, 1, at(1011));
    feed.arrivals[1] = vec![at(1019), at(1012), at(1018), at(1013)];
    let [before, inside] = &feed.lines()[..] else { panic!("two lines") };
    let nothing = record::Publication {
        n: 0,
        room: 3,
        due_ns: -10_000_000,
        sent_ns: None,
        first_ns: None,
        median_ns: None,
        last_ns: None,
        delivered: 0,
    };
    assert_eq!(*before, nothing);
    let seen = record::Publication {
        n: 1,
        room: 4,
        due_ns: 10_000_000,
        sent_ns: Some(11_000_000),
        first_ns: Some(12_000_000),
        // The lower of the two in the middle.
        median_ns: Some(13_000_000),
        last_ns: Some(19_000_000),
        delivered: 4,
    };
    assert_eq!(*inside, seen);
}
