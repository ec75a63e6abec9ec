//! Whom publications reach: to one session, without echo, and what becomes of positions where others' lie.

use tokio::time::{Duration, Instant, sleep};
use wire::{After, Draft, Position};

use super::{ALL, anyone, begin, draft, general, hub_holding, offsets, ready, send};
use crate::{Batch, Caller, Hub, ReadLimit, Wait};

/// A publisher, the session it writes to, and one that has nothing to do with them.
fn three(hub: &Hub) -> [Caller; 3] {
    ["ana", "bob", "eve"].map(|name| begin(hub, name))
}

fn to(target: &Caller) -> Draft<'static> {
    Draft { to: Some(target.id()), ..draft() }
}

fn without_echo() -> Draft<'static> {
    Draft { echo: false, ..draft() }
}

/// What a reader finds at once behind a position.
async fn read(hub: &Hub, reader: &Caller, from: &Position, limit: ReadLimit) -> Batch {
    hub.room(&general()).unwrap().read_from(reader.id(), from, limit, Wait::No).await
}

fn start(hub: &Hub) -> Position {
    hub.room(&general()).unwrap().position()
}

#[tokio::test]
async fn what_is_for_one_session_reaches_it_and_its_sender_alone_by_every_way_of_reading() {
    let hub = hub_holding(10);
    let [ana, bob, eve] = &three(&hub);
    let stranger = anyone();
    let start = start(&hub);
    let drafts = [(ana, to(bob)), (&stranger, to(bob)), (ana, without_echo()), (bob, Draft { echo: false, ..to(bob) })];
    for (caller, draft) in &drafts {
        send(&hub, caller, draft);
    }
    let nobody = anyone();
    let expected =
        [(ana, vec![1]), (bob, vec![1, 2, 3, 4]), (eve, vec![3]), (&stranger, vec![2, 3]), (&nobody, vec![3])];
    for (reader, expected) in &expected {
        let batch = read(&hub, reader, &start, ALL).await;
        assert_eq!((&offsets(&batch), batch.gap, batch.position.offset), (expected, None, 4), "{reader:?}");
        let waited = hub.room(&general()).unwrap().read_from(reader.id(), &start, ALL, Wait::Forever).await;
        assert_eq!(offsets(&waited), *expected, "{reader:?} who would wait");
    }
    for (reader, expected) in expected {
        let after = After::Position(start.clone());
        let replayed = hub.subscribe(&general(), after, reader, "test").unwrap().next(ALL).await;
        let before_who_came = offsets(&replayed).into_iter().filter(|offset| *offset <= 4);
        assert_eq!(before_who_came.collect::<Vec<_>>(), expected, "{reader:?} who comes back");
    }
}

#[tokio::test]
async fn a_publisher_without_echo_hears_nothing_of_it_on_any_of_its_subscriptions() {
    let hub = hub_holding(10);
    let [ana, bob, _] = &three(&hub);
    let subscribe = |caller: &Caller| hub.subscribe(&general(), After::Head, caller, "test").unwrap();
    let (mut first, mut second, mut other) = (subscribe(ana), subscribe(ana), subscribe(bob));
    for subscription in [&mut first, &mut second, &mut other] {
        ready(subscription, ALL).await.expect("who has come");
    }
    let position = send(&hub, ana, &without_echo());
    for own in [&mut first, &mut second] {
        assert!(ready(own, ALL).await.is_none());
        assert_eq!(*own.position(), position, "it lies behind them all the same");
    }
    assert_eq!(offsets(&ready(&mut other, ALL).await.unwrap()), [position.offset]);
    // A name is no session: another one of the same name gets it.
    let namesake = begin(&hub, "ana");
    let before = Position { offset: position.offset - 1, ..position };
    assert_eq!(read(&hub, &namesake, &before, ALL).await.items.len(), 1);
}

#[tokio::test]
async fn a_batch_counts_what_it_carries_and_ends_before_what_does_not_fit() {
    let hub = hub_holding(10);
    let [ana, bob, eve] = &three(&hub);
    let start = start(&hub);
    for for_bob in [false, true, false, true, true, false, true] {
        send(&hub, ana, &if for_bob { to(bob) } else { draft() });
    }
    let size = read(&hub, eve, &start, ALL).await.items[0].json.len();
    for limit in [ReadLimit { items: 2, ..ALL }, ReadLimit { bytes: 2 * size, ..ALL }] {
        let first = read(&hub, eve, &start, limit).await;
        assert_eq!((offsets(&first), first.position.offset), (vec![1, 3], 5));
        let rest = read(&hub, eve, &first.position, limit).await;
        assert_eq!((offsets(&rest), rest.position.offset), (vec![6], 7), "beyond what is for others at the end too");
        let nothing = read(&hub, eve, &rest.position, limit).await;
        assert_eq!((nothing.items, nothing.position), (vec![], rest.position));
    }
}

#[tokio::test]
async fn where_all_is_for_others_a_read_is_empty_and_its_position_lies_beyond() {
    let hub = hub_holding(10);
    let [ana, bob, eve] = &three(&hub);
    let start = start(&hub);
    let [_, _, last] = [(); 3].map(|()| send(&hub, ana, &to(bob)));
    let batch = read(&hub, eve, &start, ALL).await;
    assert_eq!(batch, Batch { gap: None, items: Vec::new(), position: last });
}

#[tokio::test(start_paused = true)]
async fn a_held_read_that_nothing_came_for_ends_beyond_what_was_for_others() {
    let hub = hub_holding(2);
    let [ana, bob, eve] = three(&hub);
    let (room, from) = (hub.room(&general()).unwrap(), start(&hub));
    let begin = Instant::now();
    let held =
        tokio::spawn(async move { room.read_from(eve.id(), &from, ALL, Wait::For(Duration::from_secs(25))).await });
    let mut last = None;
    for _ in 0..5 {
        sleep(Duration::from_secs(1)).await;
        last = Some(send(&hub, &ana, &to(&bob)));
    }
    let batch = held.await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(25), "it is not answered for what others got");
    assert_eq!(batch, Batch { gap: None, items: Vec::new(), position: last.unwrap() });
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_waits_is_told_of_no_gap_when_only_others_publications_were_trimmed() {
    let hub = hub_holding(3);
    let [ana, bob, _] = three(&hub);
    let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
    let waiting = tokio::spawn(async move { subscription.next(ALL).await });
    for _ in 0..20 {
        send(&hub, &ana, &to(&bob));
        sleep(Duration::from_millis(1)).await;
    }
    let position = send(&hub, &ana, &draft());
    let batch = waiting.await.unwrap();
    assert_eq!((batch.gap.clone(), offsets(&batch), batch.position), (None, vec![21], position));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_keeps_what_it_has_passed() {
    let hub = hub_holding(3);
    let [ana, bob, _] = three(&hub);
    let mut subscription = hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap();
    for _ in 0..9 {
        let position = send(&hub, &ana, &to(&bob));
        assert!(ready(&mut subscription, ALL).await.is_none());
        assert_eq!(*subscription.position(), position);
    }
    send(&hub, &ana, &draft());
    assert_eq!(ready(&mut subscription, ALL).await.unwrap().gap, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_trimmed_before_anybody_looked_is_a_gap_whomever_it_was_for() {
    let hub = hub_holding(3);
    let [ana, bob, eve] = &three(&hub);
    let start = start(&hub);
    for _ in 0..9 {
        send(&hub, ana, &to(bob));
    }
    let batch = read(&hub, eve, &start, ALL).await;
    let gap = batch.gap.as_ref().unwrap();
    assert_eq!((gap.from, gap.to, gap.missed), (Some(1), Some(6), Some(6)), "nobody knows any more whose they were");
    assert_eq!((offsets(&batch), batch.position.offset), (vec![], 9));
}
