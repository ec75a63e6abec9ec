//! The publications of a cell: their data, when they are due, and what is made of their arrivals.

use std::{collections::BTreeSet, time::Duration};

use measure::Window;
use proptest::prelude::*;

use super::{at, scenario};
use crate::{
    feed::{Due, Feed, data, number},
    plan::Times,
};

/// A feed due at so many milliseconds in room 0 with two subscribers or room 1 with one, with a window of `[1000, 1100)`.
pub(super) fn feed(dues: &[(u64, u32)]) -> Feed {
    let due = |index: usize, (milliseconds, room): (u64, u32)| Due {
        offset: Duration::from_millis(milliseconds),
        room,
        ordinal: 1 + dues[..index].iter().filter(|(_, other)| *other == room).count() as u64,
        sender: None,
    };
    Feed {
        dues: dues.iter().enumerate().map(|(index, planned)| due(index, *planned)).collect(),
        subscribers: vec![2, 1],
        start: at(0),
        sent: vec![None; dues.len()],
        offsets: vec![None; dues.len()],
        arrivals: dues.iter().map(|_| Vec::new()).collect(),
        window: Window { start: at(1000), length: Duration::from_millis(100) },
    }
}

/// Publishing times of a push lane.
fn times(window: Duration, tail: Duration) -> Times {
    Times { warm_up: Duration::from_millis(150), window, tail, follow: Duration::from_secs(1) }
}

/// A quantile of recorded times, in milliseconds.
fn milliseconds(recorder: &measure::Recorder, q: f64) -> Option<u64> {
    recorder.quantile_ns(q).map(|ns| ns / 1_000_000)
}

proptest! {
    #[test]
    fn data_is_as_long_as_it_says_and_holds_its_number(size in 21_usize..=200, n in 0_usize..=999_999) {
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
        let times = times(Duration::from_millis(600), Duration::from_millis(tail));
        let feed = Feed::plan(&scenario, seed, times);
        prop_assert!(feed.dues.is_sorted_by_key(|due| due.offset));
        let end = Duration::from_millis(750 + tail);
        prop_assert!(feed.dues.iter().all(|due| due.offset < end && due.room < rooms));
        prop_assert_eq!((feed.sent.len(), feed.arrivals.len()), (feed.dues.len(), feed.dues.len()));
        let again = Feed::plan(&scenario, seed, times);
        prop_assert_eq!(&again.dues, &feed.dues);
        for room in 0..rooms {
            let ordinals = feed.dues.iter().filter(|due| due.room == room).map(|due| due.ordinal);
            prop_assert!(ordinals.eq(1..=feed.dues.iter().filter(|due| due.room == room).count() as u64));
        }
    }

    #[test]
    fn a_longer_feed_begins_with_a_shorter_one(seed: u64, rooms in 1_u32..10) {
        let scenario = scenario(&[&format!("rooms={rooms}")]);
        let window = |milliseconds| times(Duration::from_millis(milliseconds), Duration::ZERO);
        let (short, long) = (Feed::plan(&scenario, seed, window(600)), Feed::plan(&scenario, seed, window(2000)));
        prop_assert_eq!(&short.dues[..], &long.dues[..short.dues.len()]);
    }
}

#[test]
fn the_start_moves_every_instant() {
    let mut feed = Feed::plan(&scenario(&[]), 1, times(Duration::from_millis(600), Duration::ZERO));
    feed.start_at(at(5000));
    assert_eq!(feed.window, Window { start: at(5150), length: Duration::from_millis(600) });
    assert_eq!(feed.due_at(3), at(5000) + feed.dues[3].offset);
    let subscribers: u64 = (0..60).map(|room| u64::from(feed.subscribers[room])).sum();
    assert_eq!(subscribers, 300);
}

#[test]
fn the_smallest_data_holds_the_numbers_of_the_longest_feed_that_a_plan_allows_it() {
    let size = usize::try_from(crate::scenario::MIN_SIZE_BYTES).unwrap();
    assert_eq!((data(99_999, size).len(), number(&data(99_999, size))), (size, Some(99_999)));
    assert_eq!(data(100_000, size).len(), size + 1, "one more than the plan may allow");
    assert_eq!(data(999_999, size + 1).len(), size + 1, "all numbers that any plan allows");
}

#[test]
fn members_publish_in_the_window_and_each_once_before_it() {
    let scenario = scenario(&["publisher=members", "rooms=3", "subscribers=12", "warm_up=500ms"]);
    let feed = Feed::plan(&scenario, 1, times(Duration::from_secs(20), Duration::ZERO));
    assert!(feed.dues.is_sorted_by_key(|due| due.offset));
    for due in &feed.dues {
        assert_eq!(due.sender.unwrap() % 3, due.room, "a sender is a member of its room");
    }
    let early = feed.dues.iter().filter(|due| due.offset < Duration::from_millis(500));
    let greeted: BTreeSet<_> = early.map(|due| due.sender).collect();
    assert_eq!(greeted.len(), 12, "everybody's uplink stands before the window");
    let later = feed.dues.iter().filter(|due| due.offset >= Duration::from_millis(500));
    let senders: BTreeSet<_> = later.clone().map(|due| due.sender).collect();
    assert_eq!(senders.len(), 12, "chance passes nobody over in 20 s");
    // 300 expected; 70 off would be four standard deviations.
    assert!((230..370).contains(&later.count()));
    for room in 0..3 {
        let ordinals: Vec<_> = feed.dues.iter().filter(|due| due.room == room).map(|due| due.ordinal).collect();
        assert!(ordinals.iter().copied().eq(1..=ordinals.len() as u64), "{ordinals:?}");
    }
    let shorter = Feed::plan(&scenario, 1, times(Duration::from_secs(5), Duration::ZERO));
    assert_eq!(shorter.dues, feed.dues[..shorter.dues.len()]);
}

#[test]
fn nothing_is_planned_where_nothing_is_published() {
    let feed =
        Feed::plan(&scenario(&["rate_hz=0", "heartbeat=200ms"]), 1, times(Duration::from_secs(1), Duration::ZERO));
    assert!(feed.dues.is_empty() && feed.lines().is_empty());
    let (response, service) = feed.times();
    assert!(response.is_empty() && service.is_empty() && feed.publish_delay().is_empty());
}

#[test]
fn a_sender_is_overtaken_by_its_own_later_words_alone() {
    let mut feed = feed(&[(1000, 0), (1001, 0), (1002, 0), (1003, 0)]);
    for (n, sender) in [7, 8, 7, 7].into_iter().enumerate() {
        feed.dues[n].sender = Some(sender);
    }
    feed.offsets = vec![Some(2), Some(1), Some(4), None];
    assert_eq!(feed.overtaken(), 0, "who of two was first is the server's to say");
    feed.offsets = vec![Some(2), Some(3), Some(1), Some(4)];
    assert_eq!(feed.overtaken(), 1);
}

#[test]
fn only_our_own_data_has_a_number() {
    for foreign in
        ["", "{}", r#"{"n":}"#, r#"{"n":,"pad":""}"#, r#"{"n":-1,"pad":""}"#, r#"{"m":1,"pad":""}"#, r#"{"n":7"#]
    {
        assert_eq!(number(foreign), None, "{foreign}");
    }
}

#[test]
fn constant_arrivals_of_rooms_do_not_coincide() {
    let scenario = scenario(&["arrivals=constant", "rooms=60", "rate_hz=5"]);
    let feed = Feed::plan(&scenario, 1, times(Duration::from_millis(850), Duration::ZERO));
    let instants: BTreeSet<_> = feed.dues.iter().map(|due| due.offset).collect();
    assert_eq!((instants.len(), feed.dues.len()), (300, 300));
    // As even between rooms as within one.
    let gaps: Vec<_> = feed.dues.windows(2).map(|pair| pair[1].offset.as_nanos() - pair[0].offset.as_nanos()).collect();
    assert!(gaps.iter().all(|gap| (3_333_332..=3_333_335).contains(gap)), "{gaps:?}");
}

#[test]
fn poisson_rooms_have_schedules_of_their_own() {
    let feed = Feed::plan(&scenario(&["rooms=2"]), 1, times(Duration::from_millis(19_850), Duration::ZERO));
    let of = |room| feed.dues.iter().filter(move |due| due.room == room).map(|due| due.offset).collect::<BTreeSet<_>>();
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
    feed.sent[1] = Some(at(1015));
    feed.arrivals[0] = vec![at(1090)];
    feed.arrivals[1] = vec![at(1040), at(1030)];
    feed.arrivals[3] = vec![at(1101)];
    let (response, service) = feed.times();
    // Both arrived in room 0, the only one is missing in room 1; those due outside are in neither.
    assert_eq!((response.len(), response.undelivered_count()), (3, 1));
    assert_eq!((service.len(), service.undelivered_count()), (3, 1));
    assert_eq!([0.3, 0.6, 0.9].map(|q| milliseconds(&response, q)), [Some(20), Some(30), None]);
    assert_eq!([0.3, 0.6, 0.9].map(|q| milliseconds(&service, q)), [Some(15), Some(25), None]);
    assert_eq!((feed.missing(1), feed.missing(2)), (0, 1));
}

#[test]
fn an_arrival_before_its_due_instant_is_kept_as_evidence() {
    let mut feed = feed(&[(1010, 0)]);
    feed.arrivals[0] = vec![at(1009)];
    let (response, _) = feed.times();
    assert_eq!((response.negative_count(), response.most_negative_ns()), (1, Some(-1_000_000)));
}

#[test]
fn the_publish_delay_of_what_was_not_written_is_infinite() {
    let mut feed = feed(&[(990, 0), (1000, 0), (1050, 0)]);
    feed.sent[0] = Some(at(995));
    feed.sent[1] = Some(at(1004));
    let delay = feed.publish_delay();
    assert_eq!((delay.len(), delay.undelivered_count(), milliseconds(&delay, 0.5)), (2, 1, Some(4)));
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
    feed.sent[1] = Some(at(1011));
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
