//! The framing of the control lane: vectors, and any split gives the same events.

use proptest::{prelude::*, sample::Index};

use crate::length_prefixed::{Event, HEADER_LEN, OversizeError, Reader, encode};

const LIMIT: usize = 300;

/// `bytes` cut at `cuts`, in order; pieces may be empty.
pub(super) fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, &end)| &bytes[start..end]).collect()
}

/// Items in order, a heartbeat as an empty one, and how it ended. Checks after every call that no byte is missing.
fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), OversizeError>) {
    let mut reader = Reader::new(LIMIT);
    let mut items = Vec::new();
    let (mut taken, mut accounted) = (0, 0);
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let next = reader.next_event(&mut input).map(|event| {
                event.map(|event| match event {
                    Event::Item(item) => (item.to_vec(), event.wire_bytes()),
                    Event::Heartbeat => (Vec::new(), event.wire_bytes()),
                })
            });
            taken += before - input.len();
            accounted += next.as_ref().map_or(0, |event| event.as_ref().map_or(0, |(_, bytes)| *bytes));
            assert_eq!(accounted + reader.pending(), taken);
            match next {
                Ok(Some((item, _))) => items.push(item),
                Ok(None) => break assert!(input.is_empty()),
                Err(error) => return (items, Err(error)),
            }
        }
    }
    (items, Ok(()))
}

fn encoded(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        encode(item, &mut out);
    }
    out
}

#[test]
fn an_item_is_its_length_and_its_bytes() {
    assert_eq!(encoded(&[b"Hello".to_vec()]), b"\0\0\0\x05Hello");
    let mut input = &b"\0\0\0\x05Hello"[..];
    let mut reader = Reader::new(5);
    assert_eq!(reader.next_event(&mut input), Ok(Some(Event::Item(b"Hello"))));
    assert_eq!(reader.next_event(&mut input), Ok(None));
}

#[test]
fn a_length_of_zero_is_a_heartbeat() {
    assert_eq!(encoded(&[Vec::new()]), b"\0\0\0\0");
    let mut reader = Reader::new(LIMIT);
    let event = reader.next_event(&mut &b"\0\0\0\0"[..]).unwrap().unwrap();
    assert_eq!((event, event.wire_bytes()), (Event::Heartbeat, HEADER_LEN));
}

#[test]
fn an_item_that_lies_wholly_in_the_input_is_not_copied() {
    let bytes = encoded(&[b"first".to_vec(), b"second".to_vec()]);
    let mut input = bytes.as_slice();
    let mut reader = Reader::new(LIMIT);
    for range in [4..9, 13..19] {
        let Ok(Some(Event::Item(item))) = reader.next_event(&mut input) else { panic!("an item was expected") };
        assert_eq!(item.as_ptr_range(), bytes[range].as_ptr_range());
    }
}

#[test]
fn an_item_over_the_limit_is_refused_by_its_header_with_both_sizes() {
    let mut reader = Reader::new(LIMIT);
    let error = OversizeError { size_bytes: 301, limit_bytes: 300 };
    assert_eq!(reader.next_event(&mut &b"\0\0\x01"[..]), Ok(None));
    assert_eq!(reader.next_event(&mut &b"\x2dabc"[..]), Err(error));
    assert_eq!(reader.next_event(&mut &b"abc"[..]), Err(error), "and goes on refusing");
    assert_eq!(reader.pending(), HEADER_LEN);
    assert_eq!(error.to_string(), "an item of 301 bytes was announced, the limit is 300");
}

#[test]
fn an_item_of_exactly_the_limit_is_taken() {
    let items = vec![vec![7; LIMIT]];
    assert_eq!(read(&[&encoded(&items)]), (items, Ok(())));
}

proptest! {
    #[test]
    fn items_come_back_however_the_stream_is_split(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..LIMIT), 0..8),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let bytes = encoded(&items);
        prop_assert_eq!(read(&pieces(&bytes, &cuts)), (items.clone(), Ok(())));
        prop_assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), (items, Ok(())));
    }

    #[test]
    fn arbitrary_bytes_end_the_same_way_however_they_are_split(
        bytes in prop::collection::vec(prop_oneof![3 => Just(0), 1 => 0..4_u8, 1 => any::<u8>()], 0..200),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        prop_assert_eq!(read(&pieces(&bytes, &cuts)), read(&[&bytes]));
    }
}
