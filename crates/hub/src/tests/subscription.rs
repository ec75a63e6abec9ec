//! Subscriptions: resume, the two reasons of a trimmed range, cancellation, many at a time.

use std::sync::Arc;

use tokio::{task::JoinSet, time::Duration};
use wire::{After, Gap, GapReason};

use super::{ALL, anyone, general, hub_holding, offsets, publish, publish_many, ready};
use crate::{Batch, Hub, Limits, ReadLimit};

fn range(batch: &Batch) -> (Option<u64>, Option<u64>, GapReason) {
    let Gap { from, to, reason, .. } = batch.gap.clone().expect("a gap");
    (from, to, reason)
}

#[tokio::test(start_paused = true)]
async fn a_subscription_starts_at_the_head_at_the_oldest_or_after_a_position() {
    let hub = hub_holding(10);
    publish_many(&hub, &general(), 12);
    let five = hub.room(&general()).unwrap().position();
    publish_many(&hub, &general(), 3);
    for (after, expected) in [
        (After::Head, None),
        (After::Earliest, Some((6..=15).collect())),
        (After::Position(five), Some(vec![13, 14, 15])),
    ] {
        let mut subscription = hub.subscribe(&general(), after, &anyone(), "test").unwrap();
        let batch = ready(&mut subscription, ALL).await;
        assert_eq!(batch.map(|batch| offsets(&batch)), expected);
        assert_eq!(subscription.position().offset, 15);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_comes_too_late_is_trimmed_and_later_loss_is_slow() {
    let hub = hub_holding(10);
    publish_many(&hub, &general(), 3);
    let left = hub.room(&general()).unwrap().position();
    publish_many(&hub, &general(), 17);
    let mut subscription = hub.subscribe(&general(), After::Position(left), &anyone(), "test").unwrap();
    let first = ready(&mut subscription, ReadLimit { items: 1, ..ALL }).await.unwrap();
    assert_eq!(range(&first), (Some(4), Some(10), GapReason::Trimmed));
    assert_eq!(offsets(&first), [11]);
    publish_many(&hub, &general(), 5);
    let second = ready(&mut subscription, ALL).await.unwrap();
    assert_eq!(range(&second), (Some(12), Some(15), GapReason::Slow));
    assert_eq!(second.gap.as_ref().unwrap().missed, Some(4));
    assert_eq!(offsets(&second), (16..=25).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_live_subscription_that_falls_behind_is_slow_from_its_first_read() {
    let hub = hub_holding(10);
    let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
    publish_many(&hub, &general(), 30);
    let batch = ready(&mut subscription, ALL).await.unwrap();
    assert_eq!(range(&batch), (Some(1), Some(20), GapReason::Slow));
}

#[tokio::test(start_paused = true)]
async fn a_resume_beyond_the_head_is_an_epoch_gap_even_when_the_head_has_passed_it() {
    let hub = hub_holding(10);
    let mut position = publish(&hub, &general(), "1");
    position.offset += 2;
    let mut subscription = hub.subscribe(&general(), After::Position(position), &anyone(), "test").unwrap();
    publish_many(&hub, &general(), 4);
    let batch = ready(&mut subscription, ALL).await.unwrap();
    assert_eq!(range(&batch), (None, None, GapReason::Epoch));
    assert_eq!(offsets(&batch), [1, 2, 3, 4, 5]);
    assert!(ready(&mut subscription, ALL).await.is_none(), "told once");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_next_moves_nothing() {
    let hub = hub_holding(10);
    let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
    let start = subscription.position().clone();
    assert!(ready(&mut subscription, ALL).await.is_none());
    assert_eq!(*subscription.position(), start);
    publish(&hub, &general(), "1");
    assert_eq!(offsets(&subscription.next(ALL).await), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_subscribers_see_every_publication() {
    let hub = hub_holding(1_000);
    let mut readers = JoinSet::new();
    for _ in 0..1_000 {
        let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
        readers.spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 20 {
                seen.extend(offsets(&subscription.next(ALL).await));
            }
            seen
        });
    }
    assert_eq!(hub.counts().subscribers, 1_000);
    for _ in 0..20 {
        publish(&hub, &general(), "1");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seen = readers.join_all().await;
    assert!(seen.iter().all(|seen| *seen == (1..=20).collect::<Vec<_>>()));
    assert_eq!(hub.counts().subscribers, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_and_publishers_on_many_threads_agree() {
    const EACH: usize = 500;
    let hub = Hub::new(Limits { ring_items: 4 * EACH, ..Limits::default() });
    let mut readers = JoinSet::new();
    for _ in 0..50 {
        let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
        readers.spawn(async move {
            let mut seen: Vec<Arc<str>> = Vec::new();
            while seen.len() < 4 * EACH {
                let batch = subscription.next(ReadLimit { items: 7, ..ALL }).await;
                assert_eq!(batch.gap, None);
                seen.extend(batch.items.iter().map(|stored| stored.text().into()));
            }
            seen
        });
    }
    let mut publishers = JoinSet::new();
    for _ in 0..4 {
        let hub = hub.clone();
        publishers.spawn(async move {
            for _ in 0..EACH {
                publish(&hub, &general(), "1");
                tokio::task::yield_now().await;
            }
        });
    }
    publishers.join_all().await;
    let seen = readers.join_all().await;
    assert!(seen.iter().all(|other| *other == seen[0]), "all saw the same bytes in the same order");
}
