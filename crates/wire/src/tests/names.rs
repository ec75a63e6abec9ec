//! Names, positions and durations: what is read, what is refused, and that what is written is read again.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    After, Epoch, NameError, Position, RoomName, duration,
    name::{MAX_NAME_BYTES, RESERVED_EVENTS, check_event},
    position::MAX_EPOCH_BYTES,
};

fn position(epoch: &str, offset: u64) -> Position {
    Position { epoch: Epoch::new(epoch).unwrap(), offset }
}

#[test]
fn a_room_is_named_by_two_short_words() {
    let longest = "x".repeat(MAX_NAME_BYTES);
    for name in ["a", "Z9", "a.b_c-d", ".", "-", longest.as_str()] {
        let room = RoomName::new(name, name).unwrap();
        assert_eq!((room.namespace(), room.room()), (name, name));
        assert_eq!(room.to_string(), format!("{name}/{name}"));
        assert_eq!(room.to_string().parse(), Ok(room));
    }
}

#[test]
fn names_of_rooms_with_anything_else_are_refused() {
    let too_long = "x".repeat(MAX_NAME_BYTES + 1);
    for name in ["", " ", "a b", "a/b", "ä", "房间", "a\n", "a\0", "a%20", "a+b", too_long.as_str()] {
        assert_eq!(RoomName::new(name, "room"), Err(NameError::Feed("namespace")), "{name:?}");
        assert_eq!(RoomName::new("namespace", name), Err(NameError::Feed("room")), "{name:?}");
    }
    let expected = "the room must be 1 to 64 characters out of A-Z a-z 0-9 . _ -";
    assert_eq!(NameError::Feed("room").to_string(), expected);
    for text in ["", "chat", "chat/", "/lobby", "chat/lobby/", "chat/a/b"] {
        assert!(text.parse::<RoomName>().is_err(), "{text:?}");
    }
}

#[test]
fn an_event_is_any_short_text_without_control_characters() {
    let longest = "é".repeat(MAX_NAME_BYTES / 2);
    for event in ["message", "chat message", " ", "a/b", "{\"", "Größe", "😀", "Hello", "hello2", longest.as_str()]
    {
        assert_eq!(check_event(event), Ok(()), "{event:?}");
    }
    let too_long = longest + "x";
    for event in ["", "a\nb", "\0", "\t", "\u{7f}", "\u{85}", "\u{1b}[m", too_long.as_str()] {
        assert_eq!(check_event(event), Err(NameError::Event), "{event:?}");
    }
}

#[test]
fn the_reserved_events_are_those_of_the_contract() {
    let contract = "hello gap close ack error open heartbeat join leave direct connect connect_error disconnect \
                    disconnecting newListener removeListener";
    assert_eq!(RESERVED_EVENTS.to_vec(), contract.split(' ').collect::<Vec<_>>());
    for event in RESERVED_EVENTS {
        assert_eq!(check_event(event), Err(NameError::Reserved(event.to_owned())));
    }
    assert_eq!(check_event("gap").unwrap_err().to_string(), r#"the event name "gap" is reserved; choose another"#);
}

#[test]
fn a_position_is_an_epoch_and_an_offset() {
    let longest = "e".repeat(MAX_EPOCH_BYTES);
    for (text, expected) in [
        ("e.41", position("e", 41)),
        ("k3x9.0", position("k3x9", 0)),
        ("0.1", position("0", 1)),
        ("-_A.18446744073709551615", position("-_A", u64::MAX)),
        (&format!("{longest}.7"), position(&longest, 7)),
    ] {
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert_eq!(expected.to_string(), text);
    }
}

#[test]
fn a_position_that_is_not_written_as_we_write_it_is_refused() {
    let long_epoch = format!("{}.1", "e".repeat(MAX_EPOCH_BYTES + 1));
    let refused = [
        "",
        ".",
        "e",
        "e.",
        ".1",
        "41",
        "0",
        "earliest",
        "e.01",
        "e.00",
        "e.+1",
        "e.-1",
        "e.-0",
        "e. 1",
        "e.1 ",
        " e.1",
        "e.18446744073709551616",
        "e.99999999999999999999999",
        "e.1.2",
        "e.f.1",
        "e.0x1",
        "e.1e3",
        "é.1",
        "e.١",
        "e e.1",
        "e\n.1",
        "e/1",
        long_epoch.as_str(),
    ];
    for text in refused {
        assert!(text.parse::<Position>().is_err(), "{text:?} was taken");
        assert!(serde_json::from_str::<Position>(&serde_json::to_string(text).unwrap()).is_err(), "{text:?} was taken");
    }
    assert!(serde_json::from_str::<Position>("41").is_err());
}

#[test]
fn a_refused_position_is_quoted_in_part_only() {
    let error = "x".repeat(10_000).parse::<Position>().unwrap_err().to_string();
    assert!(error.len() < 200 && error.contains("k3x9.41"), "{error}");
}

#[test]
fn a_subscription_starts_at_the_head_the_oldest_or_behind_a_position() {
    assert_eq!(After::default(), After::Head);
    assert_eq!("earliest".parse(), Ok(After::Earliest));
    assert_eq!("0".parse(), Ok(After::Earliest));
    assert_eq!("e.0".parse(), Ok(After::Position(position("e", 0))));
    for text in ["", "00", "1", "head", "latest", "Earliest", " 0", "e"] {
        assert!(text.parse::<After>().is_err(), "{text:?}");
    }
}

#[test]
fn a_duration_is_an_integer_with_its_unit() {
    for (text, expected) in [
        ("250ms", Duration::from_millis(250)),
        ("5s", Duration::from_secs(5)),
        ("0s", Duration::ZERO),
        ("0ms", Duration::ZERO),
        ("007s", Duration::from_secs(7)),
        ("1500ms", Duration::from_millis(1500)),
        ("18446744073709551615s", Duration::from_secs(u64::MAX)),
    ] {
        assert_eq!(duration::parse(text), Ok(expected), "{text}");
    }
    let refused = [
        "",
        "5",
        "s",
        "ms",
        "5 s",
        " 5s",
        "5s ",
        "+5s",
        "-5s",
        "1.5s",
        "5S",
        "5m",
        "5mss",
        "5sms",
        "٥s",
        "18446744073709551616s",
    ];
    for text in refused {
        let error = duration::parse(text).expect_err(text).to_string();
        assert!(error.contains("250ms"), "{error}");
    }
}

#[test]
fn durations_are_written_in_seconds_where_those_are_exact() {
    for (milliseconds, text) in [(0, "0s"), (1, "1ms"), (999, "999ms"), (1000, "1s"), (1001, "1001ms"), (60_000, "60s")]
    {
        assert_eq!(duration::format(Duration::from_millis(milliseconds)), text);
    }
    assert_eq!(duration::format(Duration::from_nanos(1_999_999)), "1ms");
}

proptest! {
    #[test]
    fn positions_come_back(epoch in "[A-Za-z0-9_-]{1,32}", offset in any::<u64>()) {
        let position = position(&epoch, offset);
        prop_assert_eq!(position.to_string().parse::<Position>(), Ok(position.clone()));
        let json = serde_json::to_string(&position).unwrap();
        prop_assert_eq!(&json, &format!("\"{epoch}.{offset}\""));
        prop_assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
    }

    #[test]
    fn a_position_that_is_read_is_written_the_same(text in r"[A-Za-z0-9_+-]{0,4}\.?[+-]?[0-9]{0,22}") {
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn durations_come_back(milliseconds in any::<u64>()) {
        let duration = Duration::from_millis(milliseconds);
        prop_assert_eq!(duration::parse(&duration::format(duration)), Ok(duration));
    }
}
