//! WebSocket: the examples of RFC 6455, every error, and any split gives the same events.

use proptest::{prelude::*, sample::Index};

use super::length_prefixed::pieces;
use crate::websocket::{
    Close, Content, Error, Event, Limits, Opcode, Reader, Role, accept_key, client_key, encode, encode_close,
    encode_fragment, header_len,
};

const LIMITS: Limits = Limits { max_frame_bytes: 70_000, max_message_bytes: 80_000 };
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Every event as its debug text, and how it ended. Checks after every call that no byte is missing.
fn read(from: Role, pieces: &[&[u8]]) -> (Vec<String>, Result<(), Error>) {
    let mut reader = Reader::new(from, LIMITS);
    let mut events = Vec::new();
    let (mut taken, mut accounted) = (0, 0);
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let next = reader
                .next_event(&mut input)
                .map(|event| event.map(|event| (format!("{event:?}"), event.wire_bytes())));
            taken += before - input.len();
            accounted += next.as_ref().map_or(0, |event| event.as_ref().map_or(0, |(_, bytes)| *bytes));
            assert_eq!(accounted + reader.pending(), taken);
            match next {
                Ok(Some((event, _))) => events.push(event),
                Ok(None) => break assert!(input.is_empty()),
                Err(error) => {
                    assert_eq!(reader.next_event(&mut &b"\x81\0"[..]), Err(error), "an error is for good");
                    return (events, Err(error));
                }
            }
        }
    }
    (events, Ok(()))
}

/// Reads `bytes` whole, byte by byte, and cut in two at every place; all must agree.
fn read_every_way(from: Role, bytes: &[u8]) -> (Vec<String>, Result<(), Error>) {
    let whole = read(from, &[bytes]);
    assert_eq!(read(from, &bytes.chunks(1).collect::<Vec<_>>()), whole);
    for at in 0..=bytes.len().min(1000) {
        assert_eq!(read(from, &[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    }
    whole
}

fn text(text: &str, header_bytes: usize) -> String {
    format!("{:?}", Event { content: Content::Text(text), header_bytes, payload_bytes: text.len() })
}

#[track_caller]
fn refused(from: Role, bytes: &[u8], error: Error, close_code: u16) {
    assert_eq!(read_every_way(from, bytes), (Vec::new(), Err(error)));
    assert_eq!(error.close_code(), close_code);
}

#[test]
fn the_accept_key_is_the_one_of_the_rfc() {
    assert_eq!(client_key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn an_unmasked_hello_is_the_one_of_the_rfc() {
    let mut out = Vec::new();
    encode(Opcode::Text, b"Hello", None, &mut out);
    assert_eq!(out, b"\x81\x05Hello");
    assert_eq!(read_every_way(Role::Server, &out), (vec![text("Hello", 2)], Ok(())));
}

#[test]
fn a_masked_hello_is_the_one_of_the_rfc() {
    let mut out = Vec::new();
    encode(Opcode::Text, b"Hello", Some(MASK), &mut out);
    assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(read_every_way(Role::Client, &out), (vec![text("Hello", 6)], Ok(())));
}

#[test]
fn a_fragmented_hello_is_the_one_of_the_rfc() {
    let mut out = Vec::new();
    encode_fragment(Opcode::Text, false, b"Hel", None, &mut out);
    encode_fragment(Opcode::Continuation, true, b"lo", None, &mut out);
    assert_eq!(out, b"\x01\x03Hel\x80\x02lo");
    assert_eq!(read_every_way(Role::Server, &out), (vec![text("Hello", 4)], Ok(())));
}

#[test]
fn ping_and_pong_are_the_ones_of_the_rfc() {
    let mut reader = Reader::new(Role::Server, LIMITS);
    let event = reader.next_event(&mut &b"\x89\x05Hello"[..]).unwrap().unwrap();
    assert_eq!((event.content, event.wire_bytes()), (Content::Ping(b"Hello"), 7));
    let mut out = Vec::new();
    encode(Opcode::Pong, b"Hello", Some(MASK), &mut out);
    assert_eq!(out, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    let mut reader = Reader::new(Role::Client, LIMITS);
    let event = reader.next_event(&mut out.as_slice()).unwrap().unwrap();
    assert_eq!((event.content, event.wire_bytes()), (Content::Pong(b"Hello"), 11));
}

#[test]
fn lengths_of_256_bytes_and_64_kib_are_the_ones_of_the_rfc() {
    for (len, header) in [(256, &b"\x82\x7e\x01\x00"[..]), (65_536, b"\x82\x7f\0\0\0\0\0\x01\0\0")] {
        let payload = vec![b'x'; len];
        let mut out = Vec::new();
        encode(Opcode::Binary, &payload, None, &mut out);
        assert_eq!(&out[..header.len()], header);
        let mut reader = Reader::new(Role::Server, LIMITS);
        let event = reader.next_event(&mut out.as_slice()).unwrap().unwrap();
        let expected = Event { content: Content::Binary(&payload), header_bytes: header.len(), payload_bytes: len };
        assert_eq!(event, expected);
    }
}

#[test]
fn framing_is_2_bytes_under_126_and_4_above_and_a_client_adds_4() {
    for (len, header) in [(0, 2), (125, 2), (126, 4), (0xFFFF, 4), (0x1_0000, 10)] {
        for (mask, extra) in [(None, 0), (Some(MASK), 4)] {
            let mut out = Vec::new();
            encode(Opcode::Binary, &vec![0; len], mask, &mut out);
            assert_eq!(out.len(), header + extra + len);
            assert_eq!(header_len(len, mask.is_some()), header + extra);
        }
    }
}

#[test]
fn a_control_frame_between_fragments_is_an_event_of_its_own() {
    let (events, end) = read_every_way(Role::Server, b"\x01\x03Hel\x89\x01p\x80\x02lo\x81\x01!");
    let ping = Event { content: Content::Ping(b"p"), header_bytes: 2, payload_bytes: 1 };
    assert_eq!((events, end), (vec![format!("{ping:?}"), text("Hello", 4), text("!", 2)], Ok(())));
}

#[test]
fn an_unfinished_message_is_pending_with_its_headers() {
    let mut reader = Reader::new(Role::Server, LIMITS);
    assert_eq!(reader.next_event(&mut &b"\x01\x03Hel\x80\x02l"[..]), Ok(None));
    assert_eq!(reader.pending(), 8);
}

#[test]
fn a_frame_that_lies_wholly_in_the_input_is_not_copied() {
    let bytes = b"\x81\x05Hello";
    let mut reader = Reader::new(Role::Server, LIMITS);
    let event = reader.next_event(&mut &bytes[..]).unwrap().unwrap();
    let Content::Text(text) = event.content else { panic!("a text was expected") };
    assert_eq!(text.as_bytes().as_ptr_range(), bytes[2..].as_ptr_range());
}

#[test]
fn a_character_may_be_split_between_fragments() {
    let (events, end) = read_every_way(Role::Server, b"\x01\x01\xc3\x80\x01\xa4");
    assert_eq!((events, end), (vec![text("ä", 4)], Ok(())));
}

#[test]
fn a_close_frame_has_code_and_reason_or_nothing() {
    let mut out = Vec::new();
    encode_close(3001, "moved", None, &mut out);
    assert_eq!(out, b"\x88\x07\x0b\xb9moved");
    for (bytes, close) in [(out.as_slice(), Some(Close { code: 3001, reason: "moved" })), (b"\x88\x00", None)] {
        let mut reader = Reader::new(Role::Server, LIMITS);
        let event = reader.next_event(&mut &*bytes).unwrap().unwrap();
        assert_eq!((event.content, event.wire_bytes()), (Content::Close(close), bytes.len()));
    }
}

#[test]
fn a_long_close_reason_is_cut_at_a_characters_end() {
    let mut out = Vec::new();
    encode_close(1000, &"ä".repeat(100), None, &mut out);
    assert_eq!(out.len(), 2 + 2 + 122);
    let mut reader = Reader::new(Role::Server, LIMITS);
    let event = reader.next_event(&mut out.as_slice()).unwrap().unwrap();
    assert_eq!(event.content, Content::Close(Some(Close { code: 1000, reason: &"ä".repeat(61) })));
}

#[test]
fn only_close_codes_that_may_be_sent_are_taken() {
    let may_be_sent = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    for code in (990..1020).chain([0, 2999, 3000, 4999, 5000, 65535]) {
        let mut out = Vec::new();
        encode_close(code, "", None, &mut out);
        let (_, end) = read(Role::Server, &[&out]);
        assert_eq!(end, if may_be_sent(code) { Ok(()) } else { Err(Error::CloseCode(code)) });
    }
    refused(Role::Server, b"\x88\x02\x03\xed", Error::CloseCode(1005), 1002);
}

#[test]
fn a_header_that_breaks_the_rules_is_refused() {
    refused(Role::Server, b"\xc1\x00", Error::ReservedBits, 1002);
    refused(Role::Server, b"\xa1\x00", Error::ReservedBits, 1002);
    refused(Role::Server, b"\x91\x00", Error::ReservedBits, 1002);
    for opcode in [0x3, 0x7, 0xB, 0xF] {
        refused(Role::Server, &[0x80 | opcode, 0], Error::UnknownOpcode(opcode), 1002);
    }
    refused(Role::Server, b"\x81\x80", Error::Masked, 1002);
    refused(Role::Client, b"\x81\x00", Error::Unmasked, 1002);
    refused(Role::Server, b"\x81\x7e\x00\x7d", Error::LengthNotMinimal(125), 1002);
    refused(Role::Server, b"\x81\x7f\0\0\0\0\0\0\xff\xff", Error::LengthNotMinimal(65_535), 1002);
    refused(Role::Server, b"\x81\x7f\x80\0\0\0\0\0\0\0", Error::LengthTopBit, 1002);
    refused(Role::Server, b"\x09\x00", Error::ControlFragmented, 1002);
    refused(Role::Server, b"\x89\x7e\x00\x7e", Error::ControlTooLong, 1002);
    refused(Role::Server, b"\x88\x01\x03", Error::CloseTooShort, 1002);
}

#[test]
fn fragments_out_of_order_are_refused() {
    refused(Role::Server, b"\x80\x00", Error::NothingToContinue, 1002);
    refused(Role::Server, b"\x01\x01a\x81\x01b", Error::MessageNotFinished, 1002);
    let (events, end) = read_every_way(Role::Server, b"\x01\x00\x80\x00\x80\x00");
    assert_eq!((events, end), (vec![text("", 4)], Err(Error::NothingToContinue)));
}

#[test]
fn nothing_may_follow_a_close() {
    let (events, end) = read_every_way(Role::Server, b"\x88\x00\x89\x00");
    assert_eq!((events.len(), end), (1, Err(Error::AfterClose)));
    assert_eq!(Error::AfterClose.close_code(), 1002);
}

#[test]
fn text_that_is_not_utf8_is_refused_when_its_message_is_complete() {
    refused(Role::Server, b"\x81\x02\xc3\x28", Error::NotUtf8, 1007);
    refused(Role::Server, b"\x01\x01\xc3\x80\x01\x28", Error::NotUtf8, 1007);
    refused(Role::Server, b"\x88\x03\x03\xe8\xff", Error::NotUtf8, 1007);
    assert_eq!(read_every_way(Role::Server, b"\x01\x01\xff"), (Vec::new(), Ok(())));
}

#[test]
fn too_much_is_refused_by_its_header() {
    let error = Error::FrameTooLong { size_bytes: 70_001, limit_bytes: 70_000 };
    refused(Role::Server, b"\x82\x7f\0\0\0\0\0\x01\x11\x71", error, 1009);
    let mut out = Vec::new();
    encode_fragment(Opcode::Binary, false, &vec![0; 60_000], None, &mut out);
    encode_fragment(Opcode::Continuation, true, &vec![0; 20_001], None, &mut out);
    let error = Error::MessageTooLong { size_bytes: 80_001, limit_bytes: 80_000 };
    assert_eq!(read(Role::Server, &[&out[..60_008]]), (Vec::new(), Err(error)));
    assert_eq!(error.close_code(), 1009);
    assert_eq!(error.to_string(), "a message of at least 80001 bytes was announced, the limit is 80000");
}

/// A message or control frame to be sent, and where to cut it into fragments.
fn sent() -> impl Strategy<Value = (Opcode, Vec<u8>, Vec<Index>)> {
    let text = || prop_oneof![4 => "\\PC{0,40}", 1 => "[a-z]{120,130}", 1 => "[a-z]{300}"].prop_map(String::into_bytes);
    let control = || prop::collection::vec(any::<u8>(), 0..126);
    let cuts = || prop::collection::vec(any::<Index>(), 0..3);
    prop_oneof![
        4 => (Just(Opcode::Text), text(), cuts()),
        2 => (Just(Opcode::Binary), text(), cuts()),
        1 => (Just(Opcode::Ping), control(), Just(Vec::new())),
        1 => (Just(Opcode::Pong), control(), Just(Vec::new())),
    ]
}

/// The event that `sent` is read as, and its frames.
fn written(sent: &(Opcode, Vec<u8>, Vec<Index>), mask: Option<[u8; 4]>, out: &mut Vec<u8>) -> String {
    let (opcode, payload, cuts) = sent;
    let start = out.len();
    let fragments = pieces(payload, cuts);
    for (n, fragment) in fragments.iter().enumerate() {
        let opcode = if n == 0 { *opcode } else { Opcode::Continuation };
        encode_fragment(opcode, n + 1 == fragments.len(), fragment, mask, out);
    }
    let content = match opcode {
        Opcode::Text => Content::Text(std::str::from_utf8(payload).unwrap()),
        Opcode::Ping => Content::Ping(payload),
        Opcode::Pong => Content::Pong(payload),
        _ => Content::Binary(payload),
    };
    let header_bytes = out.len() - start - payload.len();
    format!("{:?}", Event { content, header_bytes, payload_bytes: payload.len() })
}

/// Bytes that are often frames, so that the arbitrary ones get past the first header.
fn frame_like() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![0x81, 0x01, 0x80, 0x00, 0x82, 0x89, 0x8a, 0x88, 0x02, 0xc1]);
    let frame =
        (first, prop_oneof![9 => 0..6_u8, 1 => any::<u8>()], any::<bool>(), prop::collection::vec(any::<u8>(), 0..8));
    let frame = frame.prop_map(|(first, len, fits, mut payload)| {
        if fits {
            payload.resize(len.into(), b'a');
        }
        [&[first, len], payload.as_slice()].concat()
    });
    prop::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn messages_come_back_however_the_stream_is_split(
        sent in prop::collection::vec(sent(), 0..8),
        mask in any::<Option<[u8; 4]>>(),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let mut bytes = Vec::new();
        let events: Vec<String> = sent.iter().map(|sent| written(sent, mask, &mut bytes)).collect();
        let from = if mask.is_some() { Role::Client } else { Role::Server };
        prop_assert_eq!(read(from, &pieces(&bytes, &cuts)), (events.clone(), Ok(())));
        prop_assert_eq!(read(from, &bytes.chunks(1).collect::<Vec<_>>()), (events, Ok(())));
    }

    #[test]
    fn arbitrary_bytes_end_the_same_way_however_they_are_split(
        bytes in prop_oneof![frame_like(), prop::collection::vec(any::<u8>(), 0..200)],
        from in prop::sample::select(vec![Role::Client, Role::Server]),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        prop_assert_eq!(read(from, &pieces(&bytes, &cuts)), read(from, &[&bytes]));
    }

    #[test]
    fn byte_i_of_a_payload_is_masked_with_byte_i_modulo_4(payload in prop::collection::vec(any::<u8>(), 0..300), mask: [u8; 4]) {
        let mut out = Vec::new();
        encode(Opcode::Binary, &payload, Some(mask), &mut out);
        let masked = &out[header_len(payload.len(), true)..];
        let unmasked: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        prop_assert_eq!(unmasked, payload);
    }
}
