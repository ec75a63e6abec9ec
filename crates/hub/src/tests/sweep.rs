//! Which rooms go when nobody uses them, and that nobody loses one under way.

use tokio::time::{Duration, Instant, advance, sleep};
use wire::{After, GapReason};

use super::{ALL, anyone, general, hub_holding, name, offsets, publish, ready};
use crate::{Hub, Limits, Wait};

const MINUTE: Duration = Duration::from_mins(1);

/// Sweeps every minute, the first time at once; the sum of what was dropped.
async fn sweep_for(hub: &Hub, minutes: u32) -> usize {
    let mut dropped = hub.sweep(Instant::now());
    for _ in 0..minutes {
        advance(MINUTE).await;
        dropped += hub.sweep(Instant::now());
    }
    dropped
}

#[tokio::test(start_paused = true)]
async fn an_idle_room_is_dropped_after_its_time_and_comes_back_with_a_new_epoch() {
    let hub = Hub::new(Limits::default());
    let old = publish(&hub, &general(), "1");
    assert_eq!(sweep_for(&hub, 9).await, 0);
    assert_eq!(sweep_for(&hub, 1).await, 1);
    assert_eq!(hub.counts().rooms, 0);
    assert_eq!(hub.counts().publications, 1, "metrics do not fall");

    let mut subscription = hub.subscribe(&general(), After::Position(old.clone()), &anyone(), "test").unwrap();
    let gap = ready(&mut subscription, ALL).await.unwrap().gap.unwrap();
    assert_eq!((gap.reason, gap.position.offset), (GapReason::Epoch, 0));
    assert_ne!(gap.position.epoch, old.epoch);
}

#[tokio::test(start_paused = true)]
async fn rooms_with_a_subscriber_a_waiting_or_a_coming_reader_stay() {
    let hub = hub_holding(10);
    let subscription = hub.subscribe(&name("a/subscribed"), After::Head, &anyone(), "test").unwrap();
    let waited = hub.room(&name("a/waited")).unwrap();
    let reader = tokio::spawn(async move {
        let from = waited.position();
        waited.read_from(anyone().id(), &from, ALL, Wait::For(30 * MINUTE)).await
    });
    hub.room(&name("a/idle")).unwrap();
    let mut dropped = 0;
    for _ in 0..5 {
        hub.room(&name("a/visited")).unwrap();
        dropped += sweep_for(&hub, 5).await;
    }
    let left: Vec<_> = hub.namespace("a").iter().map(|info| info.room.room().to_owned()).collect();
    assert_eq!((dropped, left.join(" ").as_str()), (1, "subscribed visited waited"));
    drop(subscription);
    assert!(reader.await.unwrap().items.is_empty());
    assert_eq!(sweep_for(&hub, 10).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_holds_the_room_cannot_lose_it_to_a_sweep() {
    let hub = Hub::new(Limits { idle_room: Duration::ZERO, ..Limits::default() });
    let held = hub.room(&general()).unwrap();
    assert_eq!(sweep_for(&hub, 3).await, 0);
    let position = publish(&hub, &general(), "1");
    let batch = held.read_from(anyone().id(), &held.resolve(&After::Earliest), ALL, Wait::No).await;
    assert_eq!((offsets(&batch), batch.position), (vec![1], position));
    drop(held);
    assert_eq!(sweep_for(&hub, 1).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publications_between_sweeps_are_never_lost_to_a_subscriber() {
    let hub = Hub::new(Limits { idle_room: Duration::ZERO, ..Limits::default() });
    let sweeper = tokio::spawn({
        let hub = hub.clone();
        async move {
            loop {
                hub.sweep(Instant::now());
                tokio::task::yield_now().await;
            }
        }
    });
    for _ in 0..500 {
        let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
        let position = publish(&hub, &general(), "1");
        assert_eq!(subscription.next(ALL).await.position, position);
        drop(subscription);
        sleep(Duration::ZERO).await;
    }
    sweeper.abort();
}
