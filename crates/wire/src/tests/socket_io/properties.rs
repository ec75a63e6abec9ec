//! Socket.IO: whatever is written comes back byte for byte, and whatever comes in does no harm.

use proptest::{collection::vec, option, prelude::*};
use serde_json::value::RawValue;

use super::{encoded, read};
use crate::{
    socket_io::{Assembler, Kind, MAIN, Packet, RESERVED, event_json},
    tests::compaction::json,
};

/// A packet that owns what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    kind: Kind,
    pub(super) attachments: usize,
    namespace: String,
    id: Option<u64>,
    data: Option<Box<RawValue>>,
}

impl Parts {
    pub(super) fn packet(&self) -> Packet<'_> {
        let Self { kind, attachments, ref namespace, id, ref data } = *self;
        Packet { kind, attachments, namespace, id, data: data.as_deref() }
    }
}

/// Two packets are the same when this is.
pub(super) fn shown(packet: &Packet<'_>) -> String {
    format!("{packet:?}")
}

/// Any event name that is free, as people write it.
pub(super) fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("a reserved name", |name| !RESERVED.contains(&name.as_str()))
}

pub(super) fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(MAIN.to_owned()), 2 => "/[A-Za-z0-9._-]{1,12}", 1 => "/[^,]{1,6}"]
}

/// A packet of any kind, with ids that every codec can hold and white space inside its data.
pub(super) fn parts() -> impl Strategy<Value = Parts> {
    let argument = || json().prop_map(|(_, spaced)| spaced);
    let object = argument().prop_map(|value| format!("{{\"data\":{value}}}")).boxed();
    let event =
        (name(), vec(argument(), 0..3)).prop_map(|(name, arguments)| event_json(&name, arguments.iter().map(|a| &**a)));
    let ack = vec(argument(), 0..3).prop_map(|arguments| format!("[{}]", arguments.join(",")));
    let id = || 0..=u64::MAX >> 1;
    let event = (event, option::of(id())).prop_map(|(data, id)| (Some(data), id)).boxed();
    let ack = (ack, id()).prop_map(|(data, id)| (Some(data), Some(id))).boxed();
    let form = prop_oneof![
        option::of(object.clone()).prop_map(|data| (Kind::Connect, (data, None))),
        Just((Kind::Disconnect, (None, None))),
        object.prop_map(|data| (Kind::ConnectError, (Some(data), None))),
        event.clone().prop_map(|event| (Kind::Event, event)),
        ack.clone().prop_map(|ack| (Kind::Ack, ack)),
        event.prop_map(|event| (Kind::BinaryEvent, event)),
        ack.prop_map(|ack| (Kind::BinaryAck, ack)),
    ];
    (form, namespace(), 0..4_usize).prop_map(|((kind, (data, id)), namespace, attachments)| {
        let attachments = if matches!(kind, Kind::BinaryEvent | Kind::BinaryAck) { attachments } else { 0 };
        let data = data.map(|data| RawValue::from_string(data).unwrap());
        Parts { kind, attachments, namespace, id, data }
    })
}

/// Texts that are often packets.
pub(super) fn packet_like() -> impl Strategy<Value = String> {
    let data = ["", "[]", "[\"x\"]", "[\"connect\"]", "[1,\"é\"]", "{}", "{\"a\":[1]}", "\"no\"", "[", "null", "x"];
    let data = prop::sample::select(data.to_vec());
    let like = ("[0-7]", "(|[0-3]-)", "(|/|/[a-zé]{1,3})", "(|,)", "[0-9]{0,3}", data);
    prop_oneof![9 => like.prop_map(|(a, b, c, d, e, f)| [&a, &b, &c, &d, &e, f].concat()), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn packets_come_back_byte_for_byte(parts in parts()) {
        let text = encoded(&parts.packet());
        prop_assert_eq!(shown(&Packet::decode(&text).unwrap()), shown(&parts.packet()));
        prop_assert_eq!(encoded(&Packet::decode(&text).unwrap()), text);
    }

    #[test]
    fn events_keep_the_source_text_of_their_arguments(name in name(), arguments in vec(json(), 0..4)) {
        let json = event_json(&name, arguments.iter().map(|(_, spaced)| spaced.as_str()));
        let text = format!("2{json}");
        let (read_name, read) = Packet::decode(&text).unwrap().event().unwrap();
        prop_assert_eq!(read_name, name);
        let trimmed: Vec<_> = arguments.iter().map(|(_, spaced)| spaced.trim_matches([' ', '\t', '\r', '\n'])).collect();
        prop_assert_eq!(read.into_iter().map(RawValue::get).collect::<Vec<_>>(), trimmed);
    }

    #[test]
    fn a_text_that_is_read_is_read_the_same_when_it_is_written_again(text in packet_like()) {
        if let Ok(packet) = Packet::decode(&text) {
            prop_assert_eq!(shown(&read(&encoded(&packet))), shown(&packet));
        }
    }

    #[test]
    fn nothing_panics_whatever_comes_in(
        messages in vec(prop_oneof![packet_like().prop_map(Ok), vec(any::<u8>(), 0..4).prop_map(Err)], 0..12),
    ) {
        let mut assembler = Assembler::new(2, 5);
        for message in messages {
            match message {
                Ok(text) => {
                    if let Ok(Some(packet)) = assembler.on_text(&text) {
                        prop_assert_eq!(packet.attachments, 0);
                        prop_assert_eq!(packet.arguments().is_some(), packet.data.is_some_and(|data| data.get().starts_with('[')));
                    }
                }
                Err(bytes) => {
                    if let Ok(Some(whole)) = assembler.on_binary(bytes) {
                        prop_assert_eq!(read(&whole.text).attachments, whole.attachments.len());
                        prop_assert!(whole.attachments.concat().len() <= 5);
                    }
                }
            }
        }
    }
}
