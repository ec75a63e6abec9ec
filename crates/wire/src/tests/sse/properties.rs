//! Any split gives the same events, what is written comes back, and a second parser that reads the whole text agrees.

use std::time::Duration;

use proptest::{prelude::*, sample::Index};

use super::{super::length_prefixed::pieces, LIMIT, Seen, message, read};
use crate::sse::{comment, encode};

/// Section 9.2.6 over the whole text at once: the events' names, the last event id, the retry.
fn reference(bytes: &[u8]) -> (Vec<String>, String, Option<Duration>) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let (mut event, mut data, mut id) = (String::new(), String::new(), String::new());
    let (mut events, mut last_event_id, mut retry) = (Vec::new(), String::new(), None);
    for line in lines {
        if line.is_empty() {
            last_event_id = id.clone();
            if data.pop().is_some() {
                let event = if event.is_empty() { "message" } else { event.as_str() };
                events.push(message(event, &data, &last_event_id));
            } else {
                events.push("quiet".to_owned());
            }
            (event, data) = Default::default();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "" => events.push("comment".to_owned()),
            "event" => event = value,
            "data" => data = data + &value + "\n",
            "id" if !value.contains('\0') => id = value,
            "retry" if value.chars().all(|digit| digit.is_ascii_digit()) => {
                retry = value.parse().ok().map(Duration::from_millis).or(retry);
            }
            _ => {}
        }
    }
    (events, last_event_id, retry)
}

/// Streams made of what the rules turn on.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        &b"\r"[..],
        b"\n",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b":",
        b":",
        b" ",
        b"data",
        b"data",
        b"data:",
        b"data: x",
        b"id",
        b"id: 1",
        b"event",
        b"event:e",
        b"retry",
        b"retry:12",
        b"7",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xef",
        b"\xbb\xbf",
        b"\xf0\x9f\x98\x80",
        b"\xf0\x9f",
        b"\x98",
        b"\x80",
        b"\xff",
    ]);
    (any::<bool>(), prop::collection::vec(token, 0..40)).prop_map(|(marked, tokens)| {
        let mark = if marked { &b"\xef\xbb\xbf"[..] } else { b"" };
        [mark, &tokens.concat()].concat()
    })
}

proptest! {
    #[test]
    fn what_is_written_comes_back_however_the_stream_is_split(
        sent in prop::collection::vec(
            ("[^\r\n\0]{0,4}", prop::option::of("[^\r\n\0]{0,4}"), "([^\r]|\n){0,12}", any::<bool>()), 0..8),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let (mut bytes, mut events, mut last_event_id) = (Vec::new(), Vec::new(), String::new());
        for (event, id, data, commented) in sent {
            if commented {
                comment(&event, &mut bytes);
                events.push(("comment".to_owned(), event.len() + 2));
            }
            let start = bytes.len();
            let named = (!event.is_empty()).then_some(event.as_str());
            prop_assert_eq!(encode(named, id.as_deref(), &data, &mut bytes), Ok(()));
            last_event_id = id.unwrap_or(last_event_id);
            events.push((message(named.unwrap_or("message"), &data, &last_event_id), bytes.len() - start));
        }
        let expected = Seen { events, end: Ok(()), pending: 0, last_event_id, retry: None };
        prop_assert_eq!(&read(LIMIT, &pieces(&bytes, &cuts)), &expected);
        prop_assert_eq!(&read(LIMIT, &bytes.chunks(1).collect::<Vec<_>>()), &expected);
    }

    #[test]
    fn a_parser_of_the_whole_text_agrees_after_every_byte(bytes in stream()) {
        for end in 0..=bytes.len() {
            let seen = read(LIMIT, &[&bytes[..end]]);
            let events: Vec<String> = seen.events.into_iter().map(|(event, _)| event).collect();
            prop_assert_eq!((events, seen.last_event_id, seen.retry), reference(&bytes[..end]));
        }
    }

    #[test]
    fn any_bytes_end_the_same_way_however_they_are_split(
        bytes in prop_oneof![stream(), prop::collection::vec(any::<u8>(), 0..200)],
        limit in prop_oneof![Just(LIMIT), 1..40_usize],
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let whole = read(limit, &[&bytes]);
        prop_assert_eq!(&read(limit, &pieces(&bytes, &cuts)), &whole);
        prop_assert_eq!(&read(limit, &bytes.chunks(1).collect::<Vec<_>>()), &whole);
    }
}
