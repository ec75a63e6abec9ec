//! Reads without a subscription: order, limits, gaps, waiting.

use tokio::time::{Duration, Instant, timeout};
use wire::{After, Epoch, Gap, GapReason, Position};

use super::{ALL, anyone, general, hub_holding, offsets, publish, publish_many};
use crate::{Hub, Limits, ReadLimit, Wait};

#[tokio::test]
async fn reads_are_in_order_and_go_on_where_the_last_one_ended() {
    let hub = hub_holding(100);
    let room = hub.room(&general()).unwrap();
    let start = room.resolve(&After::Head);
    publish_many(&hub, &general(), 5);
    let first = room.read_from(anyone().id(), &start, ReadLimit { items: 3, ..ALL }, Wait::No).await;
    assert_eq!((offsets(&first), first.position.offset, &first.gap), (vec![1, 2, 3], 3, &None));
    let second = room.read_from(anyone().id(), &first.position, ALL, Wait::No).await;
    assert_eq!(offsets(&second), [4, 5]);
    let third = room.read_from(anyone().id(), &second.position, ALL, Wait::No).await;
    assert_eq!((third.items, third.gap, third.position), (vec![], None, room.position()));
}

#[tokio::test]
async fn a_batch_keeps_to_its_bytes_but_holds_at_least_one() {
    let hub = hub_holding(100);
    let room = hub.room(&general()).unwrap();
    let start = room.position();
    publish_many(&hub, &general(), 3);
    let size = room.read_from(anyone().id(), &start, ALL, Wait::No).await.items[0].json.len();
    for (items, bytes, expected) in [
        (9, 2 * size, vec![1, 2]),
        (9, 2 * size - 1, vec![1]),
        (9, 0, vec![1]),
        (0, 9 * size, vec![1]),
        (1, 9 * size, vec![1]),
    ] {
        let batch = room.read_from(anyone().id(), &start, ReadLimit { items, bytes }, Wait::No).await;
        assert_eq!(offsets(&batch), expected, "{items} items, {bytes} bytes");
        assert_eq!(batch.position.offset, expected.len() as u64);
    }
}

#[tokio::test]
async fn what_is_trimmed_by_count_is_a_gap_of_the_exact_range() {
    let hub = hub_holding(10);
    let room = hub.room(&general()).unwrap();
    publish_many(&hub, &general(), 4);
    let from = room.position();
    publish_many(&hub, &general(), 96);
    let batch = room.read_from(anyone().id(), &from, ReadLimit { items: 2, ..ALL }, Wait::No).await;
    let position = room.resolve(&After::Earliest);
    let (from, to, missed) = (Some(5), Some(90), Some(86));
    assert_eq!(batch.gap, Some(Gap { from, to, missed, reason: GapReason::Trimmed, position }));
    assert_eq!((offsets(&batch), batch.position.offset), (vec![91, 92], 92));
    let oldest = room.read_from(anyone().id(), &room.resolve(&After::Earliest), ALL, Wait::No).await;
    assert_eq!((oldest.gap, oldest.items.len()), (None, 10));
}

#[tokio::test]
async fn what_is_trimmed_by_bytes_is_a_gap_and_an_oversized_one_stays_until_the_next() {
    let hub = Hub::new(Limits { ring_bytes: 300, ..Limits::default() });
    let room = hub.room(&general()).unwrap();
    let start = room.position();
    publish_many(&hub, &general(), 2);
    publish(&hub, &general(), &format!("{:?}", "x".repeat(1_000)));
    let batch = room.read_from(anyone().id(), &start, ALL, Wait::No).await;
    let gap = batch.gap.as_ref().unwrap();
    assert_eq!((gap.from, gap.to, gap.missed), (Some(1), Some(2), Some(2)));
    assert_eq!(offsets(&batch), [3]);
    publish_many(&hub, &general(), 1);
    let next = room.read_from(anyone().id(), &room.resolve(&After::Earliest), ALL, Wait::No).await;
    assert_eq!(offsets(&next), [4]);
}

#[tokio::test]
async fn a_position_of_another_history_is_an_epoch_gap_told_at_once() {
    let hub = hub_holding(2);
    let room = hub.room(&general()).unwrap();
    let foreign = Position { epoch: Epoch::new("elsewhere").unwrap(), offset: 0 };
    let beyond = Position { offset: u64::MAX, ..room.position() };
    let empty = room.read_from(anyone().id(), &foreign, ALL, Wait::Forever).await;
    assert_eq!((empty.items.len(), empty.position.offset), (0, 0));
    assert_eq!(empty.gap.unwrap().reason, GapReason::Epoch);
    publish_many(&hub, &general(), 3);
    for position in [foreign, beyond] {
        let batch = room.read_from(anyone().id(), &position, ALL, Wait::Forever).await;
        let position = room.resolve(&After::Earliest);
        assert_eq!(position.offset, 1);
        let gap = Gap { from: None, to: None, missed: None, reason: GapReason::Epoch, position };
        assert_eq!(batch.gap, Some(gap));
        assert_eq!(offsets(&batch), [2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_read_wakes_on_a_publication() {
    let hub = hub_holding(10);
    let room = hub.room(&general()).unwrap();
    let (waiting, from) = (room.clone(), room.position());
    let reader =
        tokio::spawn(
            async move { waiting.read_from(anyone().id(), &from, ALL, Wait::For(Duration::from_secs(25))).await },
        );
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(room.subscribers(), 1, "who waits counts");
    publish(&hub, &general(), "1");
    assert_eq!(offsets(&reader.await.unwrap()), [1]);
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
    assert_eq!(room.subscribers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_read_ends_empty_when_its_time_is_over() {
    let hub = hub_holding(10);
    publish_many(&hub, &general(), 2);
    let room = hub.room(&general()).unwrap();
    let begin = Instant::now();
    let batch = room.read_from(anyone().id(), &room.position(), ALL, Wait::For(Duration::from_secs(25))).await;
    assert_eq!((batch.items, batch.gap, batch.position), (vec![], None, room.position()));
    assert_eq!(begin.elapsed(), Duration::from_secs(25));
    let forever = room.position();
    let forever = room.read_from(anyone().id(), &forever, ALL, Wait::Forever);
    assert!(timeout(Duration::from_hours(24), forever).await.is_err());
    assert_eq!(room.subscribers(), 0, "a cancelled read counts no longer");
}
