//! Publishing, its refusals, the number of rooms, and what lists and metrics show.

use wire::{After, NameError, publication::DataError};

use super::{ALL, anyone, general, name, publish, publish_many, try_publish};
use crate::{Counts, Hub, HubError, Limits, PublishError, RoomInfo, Wait};

#[tokio::test]
async fn a_publication_is_stored_as_its_json_with_the_data_untouched() {
    let hub = Hub::new(Limits::default());
    let position = publish(&hub, &general(), r#" { "n" : 9007199254740993123, "t": "a \u2028 b" } "#);
    let room = hub.room(&general()).unwrap();
    let batch = room.read_from(anyone().id(), &room.resolve(&After::Earliest), ALL, Wait::No).await;
    assert_eq!(
        batch.items[0].text(),
        r#"{"offset":1,"event":"message","from":"ana","at_us":7,"data":{"n":9007199254740993123,"t":"a \u2028 b"}}"#
    );
    assert_eq!(batch.position, position);
}

#[test]
fn what_is_refused_uses_no_offset_and_makes_no_room() {
    let hub = Hub::new(Limits { data_bytes: 10, ..Limits::default() });
    let refused = |event, data: &str| try_publish(&hub, &general(), event, data).unwrap_err();
    assert!(matches!(
        refused("gap", "1"),
        PublishError::Name(NameError::Reserved(event)) if event == "gap"
    ));
    assert!(matches!(refused("", "1"), PublishError::Name(NameError::Event)));
    assert!(matches!(
        refused("message", r#""123456789""#),
        PublishError::Data(DataError::TooLarge { size_bytes: 11, limit_bytes: 10 })
    ));
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    assert!(matches!(refused("message", &deep), PublishError::Data(DataError::TooDeep)));
    assert_eq!(hub.counts(), Counts { rooms: 0, subscribers: 0, publications: 0 });
    assert_eq!(publish(&hub, &general(), r#""12345678""#).offset, 1);
}

#[test]
fn ten_thousand_rooms_exist_and_one_more_is_refused() {
    let hub = Hub::new(Limits::default());
    for index in 0..10_000 {
        hub.room(&name(&format!("many/{index}"))).unwrap();
    }
    let refused = hub.room(&general()).unwrap_err();
    assert_eq!(refused, HubError::TooManyRooms { limit: 10_000 });
    assert!(refused.to_string().contains("raise the limit of rooms"));
    assert_eq!(hub.subscribe(&general(), After::Head, &anyone(), "test").unwrap_err(), refused);
    assert!(matches!(
        try_publish(&hub, &general(), "message", "1"),
        Err(PublishError::Room(HubError::TooManyRooms { .. }))
    ));
    assert!(hub.room(&name("many/9999")).is_ok(), "those that exist go on");
    assert_eq!(hub.counts().rooms, 10_000);
}

#[test]
fn a_namespace_lists_only_its_rooms_in_order() {
    let hub = Hub::new(Limits::default());
    publish_many(&hub, &name("chat/b"), 3);
    publish_many(&hub, &name("chatter/a"), 1);
    let subscription = hub.subscribe(&name("chat/a"), After::Head, &anyone(), "test").unwrap();
    let rooms = hub.namespace("chat");
    let a =
        RoomInfo { room: name("chat/a"), subscribers: 1, publications: 0, position: subscription.position().clone() };
    assert_eq!(rooms[0], a);
    assert_eq!((rooms[1].room.room(), rooms[1].publications, rooms[1].subscribers), ("b", 3, 0));
    assert_eq!(rooms.len(), 2);
    assert_eq!(hub.counts(), Counts { rooms: 3, subscribers: 1, publications: 4 });
    drop(subscription);
    assert_eq!(hub.counts().subscribers, 0);
}
