//! Socket.IO: the examples of the protocol, every error, attachments, and socketioxide reads and writes the same.

mod oracle;
mod properties;

use serde_json::value::RawValue;

use crate::{
    engine_io,
    socket_io::{Assembler, Kind, MAIN, Packet, PacketError, RESERVED, Whole, event_json},
};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

fn encoded(packet: &Packet<'_>) -> String {
    let mut out = String::new();
    packet.encode(&mut out);
    out
}

#[track_caller]
fn read(text: &str) -> Packet<'_> {
    Packet::decode(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn is_read_as(text: &str, kind: Kind, attachments: usize, namespace: &str, id: Option<u64>, data: &str) {
    let packet = read(text);
    assert_eq!((packet.kind, packet.attachments, packet.namespace, packet.id), (kind, attachments, namespace, id));
    assert_eq!(packet.data.map_or("", RawValue::get), data, "{text}");
}

#[test]
fn packets_are_the_ones_of_the_protocol() {
    let hello = format!(r#"["hello",{PLACEHOLDER}]"#);
    let delete = format!(r#"["project:delete",{PLACEHOLDER}]"#);
    let ack = format!("[{PLACEHOLDER}]");
    for (text, kind, attachments, namespace, id, data) in [
        ("0", Kind::Connect, 0, "/", None, ""),
        (r#"0{"token":"123"}"#, Kind::Connect, 0, "/", None, r#"{"token":"123"}"#),
        ("0/admin,", Kind::Connect, 0, "/admin", None, ""),
        (
            r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
            Kind::Connect,
            0,
            "/admin",
            None,
            r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
        ),
        ("0/admin?token=1234&uid=abcd,", Kind::Connect, 0, "/admin?token=1234&uid=abcd", None, ""),
        ("1", Kind::Disconnect, 0, "/", None, ""),
        ("1/admin,", Kind::Disconnect, 0, "/admin", None, ""),
        (r#"2["foo"]"#, Kind::Event, 0, "/", None, r#"["foo"]"#),
        (r#"2/admin,["bar"]"#, Kind::Event, 0, "/admin", None, r#"["bar"]"#),
        (r#"212["foo"]"#, Kind::Event, 0, "/", Some(12), r#"["foo"]"#),
        (r#"2/admin,456["project:delete",123]"#, Kind::Event, 0, "/admin", Some(456), r#"["project:delete",123]"#),
        ("3/admin,456[]", Kind::Ack, 0, "/admin", Some(456), "[]"),
        (r#"312["bar"]"#, Kind::Ack, 0, "/", Some(12), r#"["bar"]"#),
        (r#"4"no""#, Kind::ConnectError, 0, "/", None, r#""no""#),
        (
            r#"4/admin,{"message":"Not authorized"}"#,
            Kind::ConnectError,
            0,
            "/admin",
            None,
            r#"{"message":"Not authorized"}"#,
        ),
        (&format!("51-{hello}"), Kind::BinaryEvent, 1, "/", None, &hello),
        (&format!("51-/admin,456{delete}"), Kind::BinaryEvent, 1, "/admin", Some(456), &delete),
        (&format!("61-/admin,456{ack}"), Kind::BinaryAck, 1, "/admin", Some(456), &ack),
        (r#"50-["x"]"#, Kind::BinaryEvent, 0, "/", None, r#"["x"]"#),
    ] {
        is_read_as(text, kind, attachments, namespace, id, data);
        assert_eq!(encoded(&read(text)), text);
    }
}

#[test]
fn what_clients_send_in_other_forms_is_read_too() {
    is_read_as("0/chat", Kind::Connect, 0, "/chat", None, "");
    is_read_as("1/chat", Kind::Disconnect, 0, "/chat", None, "");
    is_read_as("0/,{}", Kind::Connect, 0, MAIN, None, "{}");
    is_read_as("2007[\"x\"]", Kind::Event, 0, "/", Some(7), "[\"x\"]");
    is_read_as("2 [ \"x\" , 1 ]\r\n", Kind::Event, 0, "/", None, "[ \"x\" , 1 ]");
    is_read_as("017{}", Kind::Connect, 0, "/", Some(17), "{}");
    is_read_as("2/é™,[\"x\"]", Kind::Event, 0, "/é™", None, "[\"x\"]");
}

#[test]
fn messages_of_official_clients_and_servers_are_read_through_both_codecs() {
    let publish = r#"42/chat,17["publish",{"room":"lobby","event":"message","data":{"n":9007199254740993123}}]"#;
    for (frame, kind, namespace, id) in [
        ("40{}", Kind::Connect, "/", None),
        ("40", Kind::Connect, "/", None),
        ("40/chat,", Kind::Connect, "/chat", None),
        (r#"40/chat,{"room":"lobby","after":"e.41"}"#, Kind::Connect, "/chat", None),
        ("41", Kind::Disconnect, "/", None),
        (r#"42["x"]"#, Kind::Event, "/", None),
        (publish, Kind::Event, "/chat", Some(17)),
        (&format!(r#"451-["m",{PLACEHOLDER}]"#), Kind::BinaryEvent, "/", None),
        (r#"44/random,{"message":"Invalid namespace"}"#, Kind::ConnectError, "/random", None),
    ] {
        let engine_io::Packet::Message(message) = engine_io::Packet::decode(frame).unwrap() else { panic!("{frame}") };
        let packet = read(message);
        assert_eq!((packet.kind, packet.namespace, packet.id), (kind, namespace, id), "{frame}");
    }
    let (name, arguments) = read(&publish[1..]).event().unwrap();
    let arguments: Vec<_> = arguments.into_iter().map(RawValue::get).collect();
    assert_eq!(name, "publish");
    assert_eq!(arguments, [r#"{"room":"lobby","event":"message","data":{"n":9007199254740993123}}"#]);
}

#[test]
fn what_is_no_packet_is_refused() {
    let form = |error: &PacketError| matches!(error, PacketError::Data(_));
    for text in ["", "7", "9[]", "x", "é", "-1", " 2[\"x\"]", "/", "[]"] {
        assert_eq!(Packet::decode(text).unwrap_err(), PacketError::Type, "{text}");
    }
    for text in
        ["5", "6", "5-[\"x\"]", "5[\"x\"]", "51[\"x-y\"]", "5+1-[\"x\"]", "5 1-[\"x\"]", "5/a,1-[\"x\"]", "51.0-[]"]
    {
        assert_eq!(Packet::decode(text).unwrap_err(), PacketError::Attachments, "{text}");
    }
    let many = format!("5{}-[\"x\"]", "9".repeat(30));
    assert_eq!(Packet::decode(&many).unwrap_err(), PacketError::Attachments);
    for text in ["218446744073709551616[\"x\"]", "3[]", "3/a,[]", "61-[]"] {
        assert_eq!(Packet::decode(text).unwrap_err(), PacketError::Id, "{text}");
    }
    for text in [
        "0[]",
        "0null",
        "0\"x\"",
        "0x",
        "0{",
        "0{}{}",
        "1{}",
        "1/a,{}",
        "1null",
        "2",
        "2/a",
        "2/a,",
        "2/a[\"x\"]",
        "217",
        "2{}",
        "2\"x\"",
        "2null",
        "2[]",
        "2[null]",
        "2[true]",
        "2[[\"x\"]]",
        "2[\"x\"",
        "2[\"x\"]]",
        "2[\"x\",]",
        "2[\"x\"]3[\"y\"]",
        "2-1[\"x\"]",
        "31{}",
        "31",
        "31\"x\"",
        "4",
        "4[]",
        "4null",
        "41",
        "51-",
        "51-{}",
        "51-[]",
        "61-1{}",
        "2[\"\u{1e}\"]",
        "2[\"\\ud800\"]",
    ] {
        let error = Packet::decode(text).unwrap_err();
        assert!(form(&error), "{text}: {error:?}");
    }
    for name in RESERVED {
        let text = format!("2[{name:?},1]");
        assert!(Packet::decode(&text).as_ref().is_err_and(form), "{text}");
        assert!(Packet::decode(&format!("51-[{name:?}]")).as_ref().is_err_and(form), "{text}");
        read(&format!("2[\"{name}s\"]"));
    }
    assert!(Packet::decode(r#"2["\u0063onnect"]"#).as_ref().is_err_and(form), "an escape hides no name");
}

#[test]
fn the_name_of_an_event_is_unescaped_and_its_arguments_are_not() {
    let (name, arguments) = read(r#"2["caf\u00e9 \"x\"" , "\u00e9\/" , 1e400,{"b":-0, "a":[ ] }]"#).event().unwrap();
    assert_eq!(name, "café \"x\"");
    let arguments: Vec<_> = arguments.into_iter().map(RawValue::get).collect();
    assert_eq!(arguments, [r#""\u00e9\/""#, "1e400", r#"{"b":-0, "a":[ ] }"#]);
    for number in ["0", "-17", "1.50e3"] {
        let text = format!("2[{number},null]");
        assert_eq!(read(&text).event().unwrap().0, number, "a number is its own text");
    }
    assert!(read("0{}").event().is_err());
    assert!(read("0{}").arguments().is_none());
}

#[test]
fn an_event_is_written_with_its_arguments_as_they_are() {
    assert_eq!(event_json("a\"\n\u{1e}", []), r#"["a\"\n\u001e"]"#);
    let json = event_json("message", [r#"{"n":9007199254740993123,"t":"\u2028"}"#, "\"lobby\""]);
    assert_eq!(json, r#"["message",{"n":9007199254740993123,"t":"\u2028"},"lobby"]"#);
    let data = RawValue::from_string(json.clone()).unwrap();
    assert_eq!(encoded(&Packet::new(Kind::Event, "/chat", Some(&data))), format!("2/chat,{json}"));
    assert_eq!(encoded(&Packet::new(Kind::Disconnect, MAIN, None)), "1");
}

#[test]
fn nesting_cannot_exhaust_the_stack() {
    let deep = format!("2[\"x\",{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(read(&deep).event().unwrap().1[0].get().len(), 2_000_000);
    assert!(Packet::decode(&deep[..1_000_000]).is_err());
}

#[test]
fn a_packet_without_attachments_comes_out_at_once() {
    let mut assembler = Assembler::new(0, 0);
    for text in [r#"2["x"]"#, "0", r#"50-["x"]"#] {
        let packet = assembler.on_text(text).unwrap().map(|packet| encoded(&packet));
        assert_eq!(packet.as_deref(), Some(text));
    }
    assert_eq!(assembler.on_text("").unwrap_err(), PacketError::Type);
}

#[test]
fn attachments_come_out_with_their_packet_in_order_up_to_the_limits() {
    let text = r#"52-["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    let mut assembler = Assembler::new(2, 3);
    for _ in 0..2 {
        assert!(assembler.on_text(text).unwrap().is_none());
        assert_eq!(assembler.on_binary(vec![1, 2]), Ok(None));
        let attachments = vec![vec![1, 2], vec![3]];
        assert_eq!(assembler.on_binary(vec![3]), Ok(Some(Whole { text: text.to_owned(), attachments })));
        assert!(assembler.on_text("2[\"between\"]").unwrap().is_some(), "the next packet, with limits of its own");
    }
    assert!(assembler.on_text(text).unwrap().is_none());
    assert_eq!(assembler.on_binary(Vec::new()), Ok(None));
    assert_eq!(assembler.on_binary(vec![0; 4]), Err(PacketError::TooMany), "4 bytes of 3");
    for (attachments, taken) in [(2, true), (3, false), (usize::MAX, false)] {
        let text = format!("5{attachments}-[\"x\"]");
        let result = Assembler::new(2, 3).on_text(&text).map(|packet| packet.is_none());
        assert_eq!(result, if taken { Ok(true) } else { Err(PacketError::TooMany) }, "{attachments}");
    }
}

#[test]
fn attachments_and_packets_in_another_order_are_refused() {
    assert_eq!(Assembler::new(9, 9).on_binary(vec![1]), Err(PacketError::Order));
    let header = format!("51-[\"x\",{PLACEHOLDER}]");
    for text in [r#"2["between"]"#, "1", &header] {
        let mut assembler = Assembler::new(9, 9);
        assert!(assembler.on_text(&header).unwrap().is_none());
        assert_eq!(assembler.on_text(text).unwrap_err(), PacketError::Order, "{text}");
    }
    let mut assembler = Assembler::new(9, 9);
    assert!(assembler.on_text(&header).unwrap().is_none());
    assert!(assembler.on_binary(vec![1]).unwrap().is_some());
    assert_eq!(assembler.on_binary(vec![2]), Err(PacketError::Order), "one more than announced");
}
