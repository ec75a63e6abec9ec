//! One publication into every room of a namespace that has subscribers.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tokio::time::{Duration, Instant, advance};
use wire::{After, Draft, NameError, Position, publication::DataError};

use super::{ALL, anyone, begin, name, offsets, publish, ready};
use crate::{Hub, Limits, PublishError, Wait};

fn try_publish_all(hub: &Hub, event: &str, data: &str) -> Result<BTreeMap<String, Position>, PublishError> {
    let data = RawValue::from_string(data.to_owned()).expect("JSON");
    hub.publish_all("chat", &Draft::new(event.into(), &data), &begin(hub, "ana"), 7)
}

fn publish_all(hub: &Hub, data: &str) -> BTreeMap<String, Position> {
    try_publish_all(hub, "message", data).expect("published")
}

#[tokio::test(start_paused = true)]
async fn every_room_with_a_subscriber_gets_it_under_its_own_position() {
    let hub = Hub::new(Limits::default());
    let mut subscriptions =
        ["chat/a", "chat/b"].map(|room| hub.subscribe(&name(room), After::Head, &anyone(), "test").unwrap());
    publish(&hub, &name("chat/b"), "0");
    let positions = publish_all(&hub, r#" { "n" : 9007199254740993123 } "#);
    let heads = |room: &str| hub.room(&name(room)).unwrap().position();
    assert_eq!(positions, ["a", "b"].map(|room| (room.to_owned(), heads(&format!("chat/{room}")))).into());
    for (subscription, expected) in subscriptions.iter_mut().zip([vec![1], vec![1, 2]]) {
        let batch = ready(subscription, ALL).await.unwrap();
        assert_eq!(offsets(&batch), expected);
        let last = format!(
            r#"{{"offset":{},"event":"message","from":"ana","at_us":7,"data":{{"n":9007199254740993123}}}}"#,
            expected.len()
        );
        assert_eq!(batch.items.last().unwrap().text(), last);
    }
    assert_eq!(hub.counts().publications, 3, "each room counts");
}

#[test]
fn rooms_without_subscribers_and_other_namespaces_get_nothing() {
    let hub = Hub::new(Limits::default());
    let _here = hub.subscribe(&name("chat/a"), After::Head, &anyone(), "test").unwrap();
    let _elsewhere = hub.subscribe(&name("chatter/a"), After::Head, &anyone(), "test").unwrap();
    drop(hub.subscribe(&name("chat/left"), After::Head, &anyone(), "test").unwrap());
    publish(&hub, &name("chat/published"), "0");
    assert_eq!(publish_all(&hub, "1").into_keys().collect::<Vec<_>>(), ["a"]);
    let offsets = ["chat/a", "chat/left", "chat/published", "chatter/a"];
    let offsets = offsets.map(|room| hub.room(&name(room)).unwrap().position().offset);
    assert_eq!(offsets, [1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_a_subscriber_only_while_it_waits() {
    let hub = Hub::new(Limits::default());
    let room = hub.room(&name("chat/polled")).unwrap();
    let start = room.position();
    assert!(room.read_from(anyone().id(), &start, ALL, Wait::No).await.items.is_empty());
    assert_eq!(publish_all(&hub, "1"), BTreeMap::new());

    let (waiting, from) = (room.clone(), start.clone());
    let reader =
        tokio::spawn(
            async move { waiting.read_from(anyone().id(), &from, ALL, Wait::For(Duration::from_secs(25))).await },
        );
    tokio::task::yield_now().await;
    assert_eq!(publish_all(&hub, "2")["polled"].offset, 1);
    assert_eq!(offsets(&reader.await.unwrap()), [1]);
    assert_eq!(publish_all(&hub, "3"), BTreeMap::new());
}

#[test]
fn what_is_refused_is_refused_with_and_without_rooms_and_uses_no_offset() {
    let hub = Hub::new(Limits { data_bytes: 10, ..Limits::default() });
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let mut subscriptions = Vec::new();
    for _ in 0..2 {
        assert!(matches!(
            try_publish_all(&hub, "gap", "1"),
            Err(PublishError::Name(NameError::Reserved(event))) if event == "gap"
        ));
        assert!(matches!(try_publish_all(&hub, "", "1"), Err(PublishError::Name(NameError::Event))));
        assert!(matches!(
            try_publish_all(&hub, "message", r#""123456789""#),
            Err(PublishError::Data(DataError::TooLarge { size_bytes: 11, limit_bytes: 10 }))
        ));
        assert!(matches!(try_publish_all(&hub, "message", &deep), Err(PublishError::Data(DataError::TooDeep))));
        assert_eq!((hub.counts().rooms, hub.counts().publications), (subscriptions.len(), 0));
        subscriptions.push(hub.subscribe(&name("chat/a"), After::Head, &anyone(), "test").unwrap());
    }
    assert_eq!(publish_all(&hub, "1")["a"].offset, 1);
}

#[test]
fn a_full_hub_takes_it_for_no_room_appears() {
    let hub = Hub::new(Limits { rooms: 1, ..Limits::default() });
    assert_eq!(publish_all(&hub, "1"), BTreeMap::new());
    assert_eq!(hub.counts().rooms, 0);
    let _subscription = hub.subscribe(&name("chat/a"), After::Head, &anyone(), "test").unwrap();
    assert_eq!(publish_all(&hub, "1").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_a_use_of_the_room() {
    let hub = Hub::new(Limits::default());
    let subscription = hub.subscribe(&name("chat/a"), After::Head, &anyone(), "test").unwrap();
    hub.sweep(Instant::now());
    advance(Duration::from_mins(10)).await;
    publish_all(&hub, "1");
    drop(subscription);
    assert_eq!(hub.sweep(Instant::now()), 0, "the publication was a moment ago");
    advance(Duration::from_mins(10)).await;
    assert_eq!(hub.sweep(Instant::now()), 1);
}
