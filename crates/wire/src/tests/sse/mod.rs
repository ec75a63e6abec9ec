//! Server-sent events: the examples of WHATWG HTML 9.2, and every rule.

mod properties;

use std::time::Duration;

use crate::sse::{DEFAULT_MAX_EVENT_BYTES, EncodeError, Event, OversizeError, Reader, comment, encode};

const LIMIT: usize = DEFAULT_MAX_EVENT_BYTES;

/// What a stream came to.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Every event as [`name`] has it, and what it took on the wire.
    events: Vec<(String, usize)>,
    end: Result<(), OversizeError>,
    pending: usize,
    last_event_id: String,
    retry: Option<Duration>,
}

/// The event's debug text without its bytes.
fn name(event: Event<'_>) -> String {
    match event {
        Event::Message { event, data, last_event_id, .. } => message(event, data, last_event_id),
        Event::Comment { .. } => "comment".to_owned(),
        Event::Quiet { .. } => "quiet".to_owned(),
    }
}

fn message(event: &str, data: &str, last_event_id: &str) -> String {
    format!("{event:?} {data:?} {last_event_id:?}")
}

/// Checks after every call that no byte is missing, and that an error is for good.
fn read(limit: usize, pieces: &[&[u8]]) -> Seen {
    let mut reader = Reader::new(limit);
    let mut events = Vec::new();
    let mut end = Ok(());
    let (mut taken, mut accounted) = (0, 0);
    'stream: for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let next = reader.next_event(&mut input).map(|event| event.map(|event| (name(event), event.wire_bytes())));
            taken += before - input.len();
            accounted += next.as_ref().map_or(0, |event| event.as_ref().map_or(0, |(_, bytes)| *bytes));
            assert_eq!(accounted + reader.pending(), taken);
            match next {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break assert!(input.is_empty()),
                Err(error) => {
                    assert_eq!(reader.next_event(&mut &b"\n"[..]), Err(error));
                    end = Err(error);
                    break 'stream;
                }
            }
        }
    }
    let last_event_id = reader.last_event_id().to_owned();
    Seen { events, end, pending: reader.pending(), last_event_id, retry: reader.retry() }
}

/// Reads `bytes` whole, byte by byte, and cut in two at every place; all must agree.
fn read_every_way(bytes: &[u8]) -> Seen {
    let whole = read(LIMIT, &[bytes]);
    assert_eq!(read(LIMIT, &bytes.chunks(1).collect::<Vec<_>>()), whole);
    for at in 0..=bytes.len() {
        assert_eq!(read(LIMIT, &[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    }
    whole
}

/// Checks what the events of a stream are called, in order.
#[track_caller]
fn told(bytes: impl AsRef<[u8]>, expected: &[&str]) {
    let events: Vec<String> = read_every_way(bytes.as_ref()).events.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, expected);
}

/// A message with neither name nor id.
fn data(data: &str) -> String {
    message("message", data, "")
}

#[test]
fn the_introductions_examples_are_read() {
    let first = "data: This is the first message.\n\n";
    let second = "data: This is the second message, it\ndata: has two lines.\n\n";
    told(
        [first, second].concat(),
        &[&data("This is the first message."), &data("This is the second message, it\nhas two lines.")],
    );
    let seen = read_every_way(b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n");
    assert_eq!(seen.events, [(message("add", "73857293", ""), 27), (message("remove", "2153", ""), 26)]);
}

#[test]
fn several_data_lines_are_one_message() {
    told("data: YHOO\ndata: +2\ndata: 10\n\n", &[&data("YHOO\n+2\n10")]);
}

#[test]
fn an_event_that_the_stream_does_not_finish_is_pending_and_never_told() {
    let blocks = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event";
    let seen = read_every_way(blocks.as_bytes());
    let first = (message("message", "first event", "1"), 25);
    let second = (data("second event"), 22);
    assert_eq!(seen.events, [("comment".to_owned(), 14), ("quiet".to_owned(), 1), first, second]);
    assert_eq!(seen.pending, 18);
    let seen = read_every_way(format!("{blocks}\n\n").as_bytes());
    assert_eq!((&seen.events[4], seen.pending), (&(data(" third event"), 20), 0));
}

#[test]
fn an_empty_data_field_is_an_empty_message_and_two_are_a_line_feed() {
    told("data\n\ndata\ndata\n\ndata:", &[&data(""), &data("\n")]);
}

#[test]
fn exactly_one_space_after_the_colon_goes() {
    told("data:test\n\ndata: test\n\n", &[&data("test"), &data("test")]);
    told("data:  a: \n\ndata:\ta\n\n", &[&data(" a: "), &data("\ta")]);
}

#[test]
fn a_field_has_its_name_to_the_letter() {
    told("data : a\n\n data: a\n\nData: a\n\nlater: a\n\nlater\n\n", &["quiet"; 5]);
}

#[test]
fn lines_end_with_cr_lf_or_lf_or_cr() {
    for end in ["\r\n", "\n", "\r"] {
        let stream = ["data: a", "data: b", "", ": c", "", "data", "", ""].join(end);
        told(&stream, &[&data("a\nb"), "comment", "quiet", &data("")]);
    }
    told("data: a\r\ndata: b\rdata: c\n\r\n\r\r", &[&data("a\nb\nc"), "quiet", "quiet"]);
}

#[test]
fn an_event_ends_with_its_cr_and_an_lf_after_that_counts_with_the_next_line() {
    let seen = read_every_way(b"data: a\r\n\r\n:\r\n\r\n");
    assert_eq!(seen.events, [(data("a"), 10), ("comment".to_owned(), 3), ("quiet".to_owned(), 2)]);
    assert_eq!(seen.pending, 1);
}

#[test]
fn one_byte_order_mark_is_passed_over_and_counts_with_the_first_line() {
    let seen = read_every_way("\u{feff}data: a\n\n\u{feff}data: b\n\n".as_bytes());
    assert_eq!(seen.events, [(data("a"), 12), ("quiet".to_owned(), 12)]);
    let seen = read_every_way("\u{feff}:\n\n".as_bytes());
    assert_eq!(seen.events, [("comment".to_owned(), 5), ("quiet".to_owned(), 1)]);
    told("\u{feff}\n\u{feff}\u{feff}:\n", &["quiet"]);
    told("\u{feff}\u{feff}data: a\n\n", &["quiet"]);
    told("data: \u{feff}a\n\n", &[&data("\u{feff}a")]);
}

#[test]
fn a_comment_inside_an_event_is_told_at_its_end_with_its_own_bytes() {
    let seen = read_every_way(b"data: a\n: alive\ndata: b\n\n");
    assert_eq!(seen.events, [("comment".to_owned(), 8), (data("a\nb"), 17)]);
    let mut reader = Reader::default();
    assert_eq!(reader.next_event(&mut &b"data: a\n:\n"[..]), Ok(Some(Event::Comment { bytes: 2 })));
    assert_eq!(reader.pending(), 8);
}

#[test]
fn the_name_is_the_last_one_given_and_lasts_for_one_block() {
    let (named, unnamed) = (message("b", "x", ""), data("x"));
    told("event: a\nevent: b\ndata: x\n\ndata: x\n\n", &[&named, &unnamed]);
    told("event: a\n\ndata: x\n\nevent: a\nevent\ndata: x\n\n", &["quiet", &unnamed, &unnamed]);
}

#[test]
fn an_id_lasts_until_the_next_and_an_empty_one_takes_it_back() {
    let with_id = message("message", "x", "7");
    told("id: 7\ndata: x\n\ndata: x\n\nid\ndata: x\n\n", &[&with_id, &with_id, &data("x")]);
    told("id: 7\nid: 8\0\ndata: x\n\n", &[&with_id]);
    told("id: 7\n\ndata: x\n\n", &["quiet", &with_id]);
}

#[test]
fn an_id_counts_from_the_blank_line_on_even_without_data() {
    for (stream, last_event_id) in [
        ("id: 7\n", ""),
        ("id: 7\n:\n", ""),
        ("id: 7\n\n", "7"),
        ("id: 7\ndata: x\n\nid: 8\ndata: y\n", "7"),
        ("id: 7\n\nid:\n", "7"),
        ("id: 7\n\nid:\n\n", ""),
    ] {
        assert_eq!(read_every_way(stream.as_bytes()).last_event_id, last_event_id, "{stream:?}");
    }
}

#[test]
fn a_retry_is_digits_and_nothing_else_and_counts_at_once() {
    let at_first = |value: &str| read_every_way(format!("retry: 250\nretry:{value}\n").as_bytes()).retry;
    for (value, ms) in [(" 0", 0), ("9", 9), (" 007", 7), ("99999999999999999999", u64::MAX)] {
        assert_eq!(at_first(value), Some(Duration::from_millis(ms)));
    }
    for value in ["", " ", "  1", "1 ", "+1", "-1", "1.5", "1s", "0x1", "٣"] {
        assert_eq!(at_first(value), Some(Duration::from_millis(250)), "{value:?}");
    }
    let seen = read_every_way(b"retry: 1\n\n");
    assert_eq!(seen.events, [("quiet".to_owned(), 10)]);
    assert_eq!(read_every_way(b"retry: 1").retry, None);
}

#[test]
fn what_is_not_utf8_is_replaced_and_a_split_character_is_whole() {
    told(b"data: \xff\xf0\x9f\x98\n\n", &[&data("\u{fffd}\u{fffd}")]);
    told(b"event: \xc3\nid: \xc3\ndata: \xc3\r\r", &[&message("\u{fffd}", "\u{fffd}", "\u{fffd}")]);
    told("data: 😀ä\n\n", &[&data("😀ä")]);
    told(b"dat\xffa: x\n\n", &["quiet"]);
}

#[test]
fn an_event_of_exactly_the_limit_is_taken_and_a_longer_one_refused_at_it() {
    let error = OversizeError { limit_bytes: 10 };
    for (stream, events, end) in [
        (&b"data: abc\ndata: abc\n\n"[..], 0, Err(error)),
        (b"data: ab\n\ndata: ab\n\n", 2, Ok(())),
        (b"data: abc\n\n", 0, Err(error)),
        (b"a\nb\nc\nd\ne\nf\n", 0, Err(error)),
        (b"a\r\nb\r\nc\r\nd\r\n\r\n", 0, Err(error)),
        (b":23456789\n:2345678\r\n:2345678\n", 3, Ok(())),
        (b":234567890\n", 0, Err(error)),
    ] {
        let seen = read(10, &[stream]);
        assert_eq!((seen.events.len(), &seen.end), (events, &end));
        assert_eq!(read(10, &stream.chunks(1).collect::<Vec<_>>()), seen);
        assert_eq!(seen.pending, if end.is_ok() { 0 } else { 10 });
    }
    assert_eq!(error.to_string(), "an event is not complete after 10 bytes, the limit");
}

fn encoded(event: Option<&str>, id: Option<&str>, data: &str) -> String {
    let mut out = Vec::new();
    encode(event, id, data, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_event_is_written_as_name_id_data_and_a_blank_line() {
    assert_eq!(encoded(None, Some("e.41"), "{}"), "id: e.41\ndata: {}\n\n");
    assert_eq!(encoded(Some("gap"), Some(""), "a\n\nb"), "event: gap\nid: \ndata: a\ndata: \ndata: b\n\n");
    assert_eq!(encoded(None, None, ""), "data: \n\n");
}

#[test]
fn every_line_break_in_data_is_read_back_as_lf() {
    assert_eq!(encoded(None, None, "a\r\nb\rc\nd\n\r"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n");
    told(encoded(None, None, "a\r\nb\r\rc\n"), &[&data("a\nb\n\nc\n")]);
}

#[test]
fn a_name_or_an_id_that_is_not_one_line_is_refused_and_nothing_written() {
    let mut out = b"before".to_vec();
    for bad in ["a\nb", "\r", "a\0"] {
        assert_eq!(encode(Some(bad), None, "x", &mut out), Err(EncodeError::Event));
        assert_eq!(encode(Some("a"), Some(bad), "x", &mut out), Err(EncodeError::Id));
    }
    assert_eq!(out, b"before");
}

#[test]
fn a_comment_is_one_line_for_each_of_its_lines() {
    let mut out = Vec::new();
    comment("", &mut out);
    comment(" still\r\n: here", &mut out);
    assert_eq!(out, b":\n: still\n:: here\n");
    told(out, &["comment"; 3]);
}

#[test]
fn a_retry_that_is_written_is_read_back() {
    let mut out = Vec::new();
    crate::sse::retry(Duration::from_millis(1500), &mut out);
    assert_eq!(out, b"retry: 1500\n");
    let mut reader = Reader::default();
    while reader.next_event(&mut &out[..]).unwrap().is_some() {}
    assert_eq!(reader.retry(), Some(Duration::from_millis(1500)));
}
