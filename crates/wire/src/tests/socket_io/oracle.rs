//! socketioxide's codec as an independent reader and writer of the same packets.

use std::collections::VecDeque;

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json, value::RawValue};
use socketioxide_core::{
    packet::PacketData,
    parser::{Parse as _, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;

use super::{
    encoded,
    properties::{Parts, name, namespace, packet_like, parts, shown},
};
use crate::socket_io::{Assembler, Kind, Packet, RESERVED, event_json};

type Theirs = socketioxide_core::packet::Packet;
type TheirValue = socketioxide_core::Value;

/// What socketioxide calls this packet. None for a refused connect, of which it holds only the message.
fn theirs(packet: &Packet<'_>, attachments: &[Vec<u8>]) -> Option<Theirs> {
    let attached: VecDeque<_> = attachments.iter().cloned().map(Into::into).collect();
    let data =
        packet.data.map(|data| TheirValue::Str(data.get().to_owned().into(), Some(attached).filter(|a| !a.is_empty())));
    let id = packet.id.map(|id| i64::try_from(id).unwrap());
    let inner = match packet.kind {
        Kind::Connect => PacketData::Connect(data),
        Kind::Disconnect => PacketData::Disconnect,
        Kind::Event => PacketData::Event(data?, id),
        Kind::Ack => PacketData::EventAck(data?, id?),
        Kind::ConnectError => return None,
        Kind::BinaryEvent => PacketData::BinaryEvent(data?, id),
        Kind::BinaryAck => PacketData::BinaryAck(data?, id?),
    };
    Some(Theirs { inner, ns: packet.namespace.to_owned().into() })
}

/// What socketioxide reads.
fn read_by_theirs(text: String, attachments: &[Vec<u8>]) -> Theirs {
    let (config, state) = (ParseConfig::default(), ParserState::default());
    let mut read = CommonParser.decode_str(&config, &state, text.into());
    for bytes in attachments {
        assert!(matches!(read, Err(ParseError::NeedsMoreBinaryData)), "{read:?}");
        read = CommonParser.decode_bin(&config, &state, bytes.clone().into());
    }
    read.unwrap()
}

/// What socketioxide writes: a text and its attachments.
fn written_by_theirs(packet: Theirs) -> (String, Vec<Vec<u8>>) {
    let TheirValue::Str(text, attachments) = CommonParser.encode(packet) else { panic!("a text was expected") };
    (text.into(), attachments.into_iter().flatten().map(Vec::from).collect())
}

/// A packet with the attachments that it announces.
fn whole() -> impl Strategy<Value = (Parts, Vec<Vec<u8>>)> {
    let bytes = || vec(any::<u8>(), 0..8);
    parts().prop_flat_map(move |parts| {
        let count = parts.attachments;
        (Just(parts), vec(bytes(), count))
    })
}

/// A value that a reader which interprets it gives back as it was: no fractions, and for socketioxide no escapes in keys.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let member = ("[a-zé ]{0,4}", inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            vec(member, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn socketioxide_reads_what_is_written((parts, attachments) in whole()) {
        if let Some(expected) = theirs(&parts.packet(), &attachments) {
            prop_assert_eq!(read_by_theirs(encoded(&parts.packet()), &attachments), expected);
        }
    }

    #[test]
    fn what_socketioxide_writes_is_read((parts, attachments) in whole()) {
        if let Some(packet) = theirs(&parts.packet(), &attachments) {
            let (text, sent) = written_by_theirs(packet);
            prop_assert_eq!(&text, &encoded(&parts.packet()));
            let mut assembler = Assembler::new(attachments.len(), usize::MAX);
            let mut came = assembler.on_text(&text).unwrap().map(|packet| (shown(&packet), Vec::new()));
            for bytes in sent {
                prop_assert!(came.is_none());
                let whole = assembler.on_binary(bytes).unwrap();
                came = whole.map(|whole| (shown(&Packet::decode(&whole.text).unwrap()), whole.attachments));
            }
            prop_assert_eq!(came, Some((shown(&parts.packet()), attachments)));
        }
    }

    #[test]
    fn a_text_that_is_read_is_read_the_same_by_socketioxide(text in packet_like()) {
        if let Ok(packet) = Packet::decode(&text) {
            let attachments = vec![vec![0]; packet.attachments];
            if let Some(expected) = theirs(&packet, &attachments) {
                prop_assert_eq!(read_by_theirs(text.clone(), &attachments), expected);
            }
        }
    }

    #[test]
    fn socketioxide_finds_the_name_and_the_arguments_of_an_event(
        // It reads no name with an escape.
        name in "[^\"\\\\\u{0}-\u{1f}]{1,12}".prop_filter("reserved", |name| !RESERVED.contains(&name.as_str())),
        (first, second) in (value(), value()),
    ) {
        let data = event_json(&name, [&*first.to_string(), &*second.to_string()]);
        let mut data = TheirValue::Str(data.into(), None);
        prop_assert_eq!(CommonParser.read_event(&data).unwrap(), name);
        prop_assert_eq!(CommonParser.decode_value::<(Value, Value)>(&mut data, true).unwrap(), (first, second));
    }

    #[test]
    fn the_name_and_the_arguments_that_socketioxide_writes_are_found(
        name in name(), namespace in namespace(), (first, second) in (value(), value()),
    ) {
        let data = CommonParser.encode_value(&(&first, &second), Some(&name)).unwrap();
        let (text, _) = written_by_theirs(Theirs::event(namespace.clone(), data));
        let packet = Packet::decode(&text).unwrap();
        prop_assert_eq!((packet.kind, packet.namespace), (Kind::Event, &*namespace));
        let (read_name, arguments) = packet.event().unwrap();
        prop_assert_eq!(read_name, name);
        let arguments = arguments.into_iter().map(|argument| serde_json::from_str::<Value>(argument.get()).unwrap());
        prop_assert_eq!(arguments.collect::<Vec<_>>(), [first, second]);
    }

    #[test]
    fn a_connect_that_socketioxide_refuses_is_read(namespace in namespace(), message in any::<String>()) {
        let (text, _) = written_by_theirs(Theirs::connect_error(namespace.clone(), message.clone()));
        let packet = Packet::decode(&text).unwrap();
        prop_assert_eq!((packet.kind, packet.namespace), (Kind::ConnectError, &*namespace));
        let data: Value = serde_json::from_str(packet.data.map_or("", RawValue::get)).unwrap();
        prop_assert_eq!(data, json!({ "message": message }));
    }
}
