//! Engine.IO: the examples of the protocol, every error, and engineioxide reads and writes the same.

use engineioxide_core::{OpenPacket, PacketBuf, ProtocolVersion, TransportType, payload};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use proptest::{collection::vec, prelude::*};

use crate::engine_io::{Handshake, PROBE, Packet, PacketError, REVISION, SEPARATOR, packets};

type Theirs = engineioxide_core::Packet;

fn encoded(packet: &Packet<'_>) -> String {
    let mut out = String::new();
    packet.encode(&mut out);
    out
}

/// The payload of these packets, as a server writes it.
fn joined(all: &[Packet<'_>]) -> String {
    let mut out = String::new();
    for (n, packet) in all.iter().enumerate() {
        if n > 0 {
            out.push(SEPARATOR);
        }
        packet.encode(&mut out);
    }
    out
}

fn split(payload: &str) -> Result<Vec<Packet<'_>>, PacketError> {
    packets(payload).map(Packet::decode).collect()
}

#[test]
fn packets_are_the_ones_of_the_protocol() {
    for (text, packet) in [
        ("0{}", Packet::Open("{}")),
        ("1", Packet::Close),
        ("2", Packet::Ping("")),
        ("3", Packet::Pong("")),
        ("2probe", Packet::Ping(PROBE)),
        ("3probe", Packet::Pong(PROBE)),
        ("4hello", Packet::Message("hello")),
        ("4HelloWorld", Packet::Message("HelloWorld")),
        ("4€", Packet::Message("€")),
        ("4", Packet::Message("")),
        ("42[\"x\"]", Packet::Message("2[\"x\"]")),
        ("5", Packet::Upgrade),
        ("6", Packet::Noop),
        ("bAQIDBA==", Packet::Binary(vec![1, 2, 3, 4])),
        ("b", Packet::Binary(Vec::new())),
    ] {
        assert_eq!(Packet::decode(text), Ok(packet.clone()), "{text}");
        assert_eq!(encoded(&packet), text);
    }
    assert_eq!(REVISION, "4");
}

#[test]
fn what_is_no_packet_is_refused() {
    for (text, error) in [
        ("", PacketError::Empty),
        ("7", PacketError::Type('7')),
        ("abc", PacketError::Type('a')),
        ("é4", PacketError::Type('é')),
        (" 4", PacketError::Type(' ')),
        ("-1", PacketError::Type('-')),
        ("B", PacketError::Type('B')),
        ("1x", PacketError::Data('1')),
        ("5probe", PacketError::Data('5')),
        ("6 ", PacketError::Data('6')),
        ("b!", PacketError::Base64),
        ("bAQIDBA", PacketError::Base64),
        ("bAQIDBA==\n", PacketError::Base64),
        ("bAQIDBA-_", PacketError::Base64),
    ] {
        assert_eq!(Packet::decode(text), Err(error), "{text:?}");
    }
}

#[test]
fn payloads_are_the_ones_of_the_protocol() {
    for (payload, expected) in [
        ("4hello\u{1e}2\u{1e}4world", vec![Packet::Message("hello"), Packet::Ping(""), Packet::Message("world")]),
        ("4hello\u{1e}bAQIDBA==", vec![Packet::Message("hello"), Packet::Binary(vec![1, 2, 3, 4])]),
        ("6", vec![Packet::Noop]),
    ] {
        assert_eq!(split(payload), Ok(expected.clone()));
        assert_eq!(joined(&expected), payload);
    }
}

#[test]
fn a_payload_with_an_empty_packet_is_refused() {
    for payload in ["", "\u{1e}", "4a\u{1e}", "\u{1e}4a", "4a\u{1e}\u{1e}4b"] {
        assert_eq!(split(payload), Err(PacketError::Empty), "{payload:?}");
    }
}

#[test]
fn the_handshake_is_the_one_of_the_protocol() {
    let text = concat!(
        r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"#,
        r#""maxPayload":1000000}"#
    );
    let handshake = Handshake {
        sid: "lv_VI97HAXpY6yYWAAAC".to_owned(),
        upgrades: vec!["websocket".to_owned()],
        ping_interval_ms: 25_000,
        ping_timeout_ms: 20_000,
        max_payload_bytes: 1_000_000,
    };
    assert_eq!(handshake.encode(), text);
    assert_eq!(Handshake::decode(text).unwrap(), handshake);
    assert_eq!(Handshake::decode(&text.replace('{', r#"{"new":[1],"#)).unwrap(), handshake, "of a later version");
    for broken in ["", "{}", "[]", &text[1..], &text.replace("25000", "-1"), &text.replace("\"sid\"", "\"id\"")] {
        assert!(Handshake::decode(broken).is_err(), "{broken}");
    }
}

/// What a packet is made of: its number in the protocol (7 is binary), a text without [`SEPARATOR`], bytes.
fn parts() -> impl Strategy<Value = (usize, String, Vec<u8>)> {
    (0..8_usize, "[^\u{1e}]{0,30}", vec(any::<u8>(), 0..40))
}

fn packet((kind, text, bytes): &(usize, String, Vec<u8>)) -> Packet<'_> {
    match kind {
        0 => Packet::Open(text),
        1 => Packet::Close,
        2 => Packet::Ping(text),
        3 => Packet::Pong(text),
        4 => Packet::Message(text),
        5 => Packet::Upgrade,
        6 => Packet::Noop,
        _ => Packet::Binary(bytes.clone()),
    }
}

/// Texts that are often packets.
fn packet_like() -> impl Strategy<Value = String> {
    prop_oneof!["[0-7b]?.{0,8}", "[23]probe", "b[A-Za-z0-9+/]{0,8}={0,2}", any::<String>()]
}

/// What engineioxide calls this packet. None for an open packet, which it only writes; of a ping's data it keeps only
/// whether it is the probe's.
fn theirs(packet: &Packet<'_>) -> Option<Theirs> {
    Some(match packet {
        Packet::Open(_) => return None,
        Packet::Close => Theirs::Close,
        Packet::Ping(PROBE) => Theirs::PingUpgrade,
        Packet::Ping(_) => Theirs::Ping,
        Packet::Pong(PROBE) => Theirs::PongUpgrade,
        Packet::Pong(_) => Theirs::Pong,
        Packet::Message(text) => Theirs::Message(String::from(*text).into()),
        Packet::Upgrade => Theirs::Upgrade,
        Packet::Noop => Theirs::Noop,
        Packet::Binary(bytes) => Theirs::Binary(bytes.clone().into()),
    })
}

/// The packets that both codecs have.
fn shared((kind, text, bytes): (usize, String, Vec<u8>), probe: bool) -> (usize, String, Vec<u8>) {
    let ping = if probe { PROBE } else { "" };
    (kind.max(1), if matches!(kind, 2 | 3) { ping.to_owned() } else { text }, bytes)
}

fn any_shared() -> impl Strategy<Value = (usize, String, Vec<u8>)> {
    (parts(), any::<bool>()).prop_map(|(parts, probe)| shared(parts, probe))
}

proptest! {
    #[test]
    fn packets_come_back(parts in parts()) {
        let packet = packet(&parts);
        let text = encoded(&packet);
        prop_assert_eq!(Packet::decode(&text), Ok(packet));
    }

    #[test]
    fn payloads_come_back(parts in vec(parts(), 1..8)) {
        let all: Vec<_> = parts.iter().map(packet).collect();
        let payload = joined(&all);
        prop_assert_eq!(split(&payload), Ok(all));
    }

    #[test]
    fn a_text_that_is_read_is_written_the_same(text in packet_like()) {
        if let Ok(packet) = Packet::decode(&text) {
            prop_assert_eq!(encoded(&packet), text);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        // That it returns is the property.
        let _read = split(&text);
        let _opened = Handshake::decode(&text);
    }

    #[test]
    fn what_is_read_is_read_the_same_by_engineioxide(text in packet_like()) {
        if let Some(theirs) = Packet::decode(&text).ok().as_ref().and_then(theirs) {
            prop_assert_eq!(Theirs::parse(ProtocolVersion::V4, text).unwrap(), theirs);
        }
    }

    #[test]
    fn engineioxide_reads_the_payloads_that_are_written(parts in vec(any_shared(), 1..8)) {
        let all: Vec<_> = parts.iter().map(packet).collect();
        let read = payload::decoder(joined(&all), None, ProtocolVersion::V4, u64::MAX).collect::<Vec<_>>();
        let read: Vec<_> = read.now_or_never().unwrap().into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(read, all.iter().filter_map(theirs).collect::<Vec<_>>());
    }

    #[test]
    fn the_payloads_that_engineioxide_writes_are_read(parts in vec(any_shared(), 1..8)) {
        let all: Vec<_> = parts.iter().map(packet).collect();
        let written = stream::iter(all.iter().filter_map(theirs).map(|packet| PacketBuf::from_vec(vec![packet])));
        let written = payload::encoder(written, ProtocolVersion::V4, true, u64::MAX).now_or_never().unwrap();
        let written = String::from_utf8(written.data.to_vec()).unwrap();
        prop_assert_eq!(split(&written), Ok(all));
    }

    #[test]
    fn handshakes_are_those_of_engineioxide(
        sid in "[A-Za-z0-9_-]{16}",
        upgrades in any::<bool>(),
        [ping_interval_ms, ping_timeout_ms, max_payload_bytes] in any::<[u64; 3]>(),
    ) {
        let upgrades = if upgrades { vec!["websocket".to_owned()] } else { Vec::new() };
        let handshake = Handshake { sid, upgrades, ping_interval_ms, ping_timeout_ms, max_payload_bytes };
        let read: OpenPacket = serde_json::from_str(&handshake.encode()).unwrap();
        prop_assert_eq!(read.sid.as_str(), &handshake.sid);
        prop_assert_eq!(read.upgrades.contains(&TransportType::Websocket), !handshake.upgrades.is_empty());
        let durations = [read.ping_interval.as_millis(), read.ping_timeout.as_millis()];
        prop_assert_eq!(durations, [ping_interval_ms, ping_timeout_ms].map(u128::from));
        prop_assert_eq!(read.max_payload, max_payload_bytes);

        let written = String::from(Theirs::Open(read));
        let Packet::Open(json) = Packet::decode(&written).unwrap() else { panic!("{written}") };
        prop_assert_eq!(Handshake::decode(json).unwrap(), handshake);
    }
}
