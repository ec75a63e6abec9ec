//! Publishes that are tried again: once published, whoever asks how often, and for how long that is known.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Barrier,
    thread,
};

use tokio::time::{Duration, Instant, advance};
use wire::{After, Draft, NameError, Position};

use super::{HOUR, anyone, begin, draft, general, name, send, try_send};
use crate::{Caller, Hub, Limits, PublishError, SessionError};

fn keyed(key: &str) -> Draft<'_> {
    Draft { key: Some(key.into()), ..draft() }
}

fn at(last: u8) -> Caller {
    Caller::anonymous(Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))))
}

/// How many publications the room has had.
fn published(hub: &Hub) -> u64 {
    hub.room(&general()).unwrap().position().offset
}

#[test]
fn the_same_key_gives_the_same_position_and_no_second_publication() {
    let hub = Hub::new(Limits::default());
    let ana = begin(&hub, "ana");
    let first = send(&hub, &ana, &keyed("a"));
    let second = send(&hub, &ana, &keyed("b"));
    let other_data = serde_json::from_str("2").unwrap();
    for again in [keyed("a"), Draft { data: other_data, echo: false, to: Some(ana.id()), ..keyed("a") }] {
        assert_eq!(send(&hub, &ana, &again), first);
    }
    assert_eq!((second.offset, published(&hub)), (2, 2));
    assert_eq!(send(&hub, &ana, &keyed("b")), second);
    assert_ne!(send(&hub, &ana, &draft()), send(&hub, &ana, &draft()), "without a key each is another one");
}

#[test]
fn a_key_is_its_callers_and_its_rooms_own() {
    let hub = Hub::new(Limits::default());
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let resumed = hub.sessions().resume(ana.id(), "ana", HOUR);
    let first = send(&hub, &ana, &keyed("a"));
    assert_eq!(send(&hub, &resumed, &keyed("a")), first, "a session is one caller on all its connections");
    let others = [&bob, &anyone(), &at(1), &at(2)].map(|caller| send(&hub, caller, &keyed("a")).offset);
    assert_eq!(others, [2, 3, 4, 5]);
    assert_eq!(send(&hub, &at(1), &keyed("a")).offset, 4, "an address is one caller too: its connections end");
    let elsewhere = hub.publish(&name("chat/else"), &keyed("a"), &ana, 7).unwrap();
    assert_eq!(elsewhere.offset, 1);
    assert_ne!(elsewhere.epoch, first.epoch);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_known_for_its_time_and_no_longer() {
    let hub = Hub::new(Limits { key_life: Duration::from_secs(10), ..Limits::default() });
    let ana = begin(&hub, "ana");
    for expected in [1, 2] {
        assert_eq!(send(&hub, &ana, &keyed("a")).offset, expected);
        advance(Duration::from_millis(9_999)).await;
        hub.sweep(Instant::now());
        assert_eq!(send(&hub, &ana, &keyed("a")).offset, expected, "asking again does not make it younger");
        advance(Duration::from_millis(1)).await;
    }
}

#[test]
fn of_too_many_keys_the_oldest_are_forgotten_for_this_caller_alone() {
    let hub = Hub::new(Limits { keys: 3, publish_limit: 0, ..Limits::default() });
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    assert_eq!(send(&hub, &bob, &keyed("a")).offset, 1);
    let first = ["a", "b", "c", "d"].map(|key| send(&hub, &ana, &keyed(key)).offset);
    assert_eq!(first, [2, 3, 4, 5]);
    assert_eq!(["b", "c", "d"].map(|key| send(&hub, &ana, &keyed(key)).offset), [3, 4, 5]);
    assert_eq!(send(&hub, &ana, &keyed("a")).offset, 6, "the fourth had pushed it out");
    assert_eq!(send(&hub, &bob, &keyed("a")).offset, 1);
}

#[test]
fn of_many_at_a_time_one_publishes_and_all_get_its_position() {
    const THREADS: usize = 8;
    let hub = Hub::new(Limits::default());
    let ana = begin(&hub, "ana");
    for round in 1..=50_u64 {
        let (barrier, key) = (Barrier::new(THREADS), round.to_string());
        let positions: Vec<Position> = thread::scope(|scope| {
            let publish = || {
                barrier.wait();
                send(&hub, &ana, &keyed(&key))
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(publish)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(positions.iter().all(|position| position.offset == round), "{positions:?}");
        assert_eq!(published(&hub), round);
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_key_takes_nothing_off_the_limit_and_a_refused_one_is_not_known() {
    let hub = Hub::new(Limits { publish_limit: 1, publish_burst: 1, ..Limits::default() });
    let ana = begin(&hub, "ana");
    let first = send(&hub, &ana, &keyed("a"));
    for _ in 0..10 {
        assert_eq!(send(&hub, &ana, &keyed("a")), first);
        let refused = try_send(&hub, &ana, &keyed("b"));
        assert!(matches!(refused, Err(PublishError::Session(SessionError::TooFast { .. }))), "{refused:?}");
    }
    advance(Duration::from_secs(1)).await;
    assert_eq!(send(&hub, &ana, &keyed("b")).offset, 2);
}

#[test]
fn a_retry_to_a_namespace_publishes_in_no_room_twice() {
    let hub = Hub::new(Limits::default());
    let ana = begin(&hub, "ana");
    let rooms = ["chat/a", "chat/b"].map(name);
    let subscriptions = rooms.each_ref().map(|room| hub.subscribe(room, After::Head, &anyone(), "test").unwrap());
    let put = |key| hub.publish_all("chat", &keyed(key), &ana, 7).unwrap();
    let first = put("a");
    assert_eq!((first["a"].offset, first["b"].offset), (1, 1));
    assert_eq!(put("a"), first);
    assert_eq!(put("b")["a"].offset, 2);
    assert_eq!(hub.publish(&rooms[0], &keyed("a"), &ana, 7).unwrap(), first["a"], "in one room a key is one key");
    // Where it has not been published yet, it is.
    let late = hub.subscribe(&name("chat/c"), After::Head, &anyone(), "test").unwrap();
    let again = put("a");
    assert_eq!((&again["a"], &again["b"], again["c"].offset), (&first["a"], &first["b"], 1));
    drop((subscriptions, late));
}

#[test]
fn a_key_that_is_none_is_refused() {
    let hub = Hub::new(Limits::default());
    let long = "x".repeat(129);
    for key in ["", "a\nb", "ü", &long] {
        let refused = try_send(&hub, &anyone(), &keyed(key));
        assert!(matches!(refused, Err(PublishError::Name(NameError::Key))), "{key:?}: {refused:?}");
    }
    assert_eq!(hub.counts().rooms, 0);
    send(&hub, &anyone(), &keyed(&long[1..]));
}
