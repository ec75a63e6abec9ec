//! What is spoilt is spoilt as it is said, and nothing else is.

use wire::websocket::{self, Opcode};

use crate::spoiler::{Carried, How, Spoil};

const MASK: [u8; 4] = [1, 2, 3, 4];

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    websocket::encode(Opcode::Text, payload, Some(MASK), &mut bytes);
    bytes
}

fn spoilt(spoil: &Spoil, carried: Carried, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut spoilt = bytes.to_vec();
    spoil.on(carried, &mut spoilt).then_some(spoilt)
}

fn of_frame(how: How) -> Spoil {
    Spoil::Frame { find: b"spoil me".to_vec(), how }
}

#[test]
fn bytes_change_wherever_they_stand_and_under_a_mask_too() {
    let spoil = Spoil::Bytes { find: b"good".to_vec(), put: b"evil".to_vec() };
    assert_eq!(spoilt(&spoil, Carried::Http, b"GET /good/good").unwrap(), b"GET /evil/evil");
    for filler in [0, 200, 70_000] {
        let payload = |word: &str| format!("{word}{}", " ".repeat(filler)).into_bytes();
        let two = [frame(&payload("good")), frame(b"other")].concat();
        let wanted = [frame(&payload("evil")), frame(b"other")].concat();
        assert_eq!(spoilt(&spoil, Carried::Frames, &two).unwrap(), wanted, "{filler} more");
    }
    assert_eq!(spoilt(&spoil, Carried::Frames, &frame(b"other")), None);
}

#[test]
fn a_header_goes_into_requests_of_its_methods_alone() {
    let spoil = Spoil::Header { line: "A: b".to_owned(), of: &["POST"] };
    let posted = spoilt(&spoil, Carried::Http, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(posted, b"POST / HTTP/1.1\r\nA: b\r\nHost: x\r\n\r\n");
    assert_eq!(spoilt(&spoil, Carried::Http, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), None);
    assert_eq!(spoilt(&spoil, Carried::Items, b"POST / HTTP/1.1\r\n"), None);
}

#[test]
fn a_frame_breaks_the_rule_that_is_meant() {
    let good = frame(b"please spoil me");
    let byte = |how, at: usize| spoilt(&of_frame(how), Carried::Frames, &good).unwrap()[at];
    assert_eq!(byte(How::Unmasked, 1), 15);
    assert_eq!(byte(How::ReservedBit, 0), 0xC1);
    assert_eq!(byte(How::Enormous, 1), 0x80 | 127);
    let fragments = spoilt(&of_frame(How::Fragmented), Carried::Frames, &good).unwrap();
    assert_eq!((fragments[0], fragments[1], fragments[13], fragments[14]), (0x01, 0x80 | 7, 0x80, 0x80 | 8));
    assert_eq!(fragments.len(), good.len() + 6);
    assert_eq!(spoilt(&of_frame(How::Unmasked), Carried::Frames, &frame(b"leave me")), None);
}

#[test]
fn an_item_has_no_mask_and_no_bits_but_a_length() {
    let item = b"\0\0\0\x08spoil me";
    assert_eq!(spoilt(&of_frame(How::Enormous), Carried::Items, item).unwrap(), b"\xff\xff\xff\xffspoil me");
    for how in [How::Unmasked, How::ReservedBit, How::Fragmented] {
        assert_eq!(spoilt(&of_frame(how), Carried::Items, item), None, "{how:?}");
    }
}
