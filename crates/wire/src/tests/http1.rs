//! HTTP/1.1 responses: framings, every error, and any split gives the same events.

use proptest::{prelude::*, sample::Index};

use super::length_prefixed::pieces;
use crate::http1::{Error, Event, Limits, MAX_FIELDS, ResponseReader, request};

const LIMITS: Limits = Limits { max_head_bytes: 200, max_line_bytes: 20 };

/// An event that owns what it says; neighbours of one kind are one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Head(u16, usize),
    Body(Vec<u8>),
    Framing(usize),
    End,
    Upgraded(Vec<u8>),
}

fn add(seen: &mut Vec<Seen>, event: &Event<'_>) {
    match (seen.last_mut(), event) {
        (Some(Seen::Body(so_far)), Event::Body(piece)) | (Some(Seen::Upgraded(so_far)), Event::Upgraded(piece)) => {
            so_far.extend_from_slice(piece);
        }
        (Some(Seen::Framing(so_far)), Event::Framing { bytes }) => *so_far += bytes,
        (_, Event::Head { head, bytes }) => seen.push(Seen::Head(head.status(), *bytes)),
        (_, Event::Body(piece)) => seen.push(Seen::Body(piece.to_vec())),
        (_, Event::Framing { bytes }) => seen.push(Seen::Framing(*bytes)),
        (_, Event::End) => seen.push(Seen::End),
        (_, Event::Upgraded(piece)) => seen.push(Seen::Upgraded(piece.to_vec())),
    }
}

/// Every event, and how it ended. Checks after every call that no byte is missing.
fn read(pieces: &[&[u8]]) -> (Vec<Seen>, Result<(), Error>) {
    let mut reader = ResponseReader::new(LIMITS);
    let mut seen = Vec::new();
    let (mut taken, mut accounted) = (0, 0);
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let next = reader.next_event(&mut input).map(|event| event.inspect(|event| add(&mut seen, event)));
            let bytes = next.map(|event| event.map(|event| event.wire_bytes()));
            taken += before - input.len();
            accounted += bytes.map_or(0, Option::unwrap_or_default);
            assert_eq!(accounted + reader.pending(), taken);
            match bytes {
                Ok(Some(_)) => {}
                Ok(None) => break assert!(input.is_empty()),
                Err(error) => {
                    assert_eq!(
                        reader.next_event(&mut &b"HTTP/1.1 204\r\n\r\n"[..]),
                        Err(error),
                        "an error is for good"
                    );
                    assert_eq!(reader.finish(), Err(error));
                    return (seen, Err(error));
                }
            }
        }
    }
    (seen, reader.finish())
}

/// Reads `bytes` whole, byte by byte, and cut in two at every place; all must agree.
fn read_every_way(bytes: &str) -> (Vec<Seen>, Result<(), Error>) {
    let bytes = bytes.as_bytes();
    let whole = read(&[bytes]);
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    for at in 0..=bytes.len() {
        assert_eq!(read(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    }
    whole
}

fn body(text: &str) -> Seen {
    Seen::Body(text.as_bytes().to_vec())
}

#[track_caller]
fn refused(stream: &str, error: Error) {
    let (_, end) = read_every_way(stream);
    assert_eq!(end, Err(error), "{stream:?}");
}

#[track_caller]
fn refused_after_head(fields: &str, error: Error) {
    refused(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"), error);
}

#[track_caller]
fn refused_chunks(chunks: &str, error: Error) {
    refused(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), error);
}

#[test]
fn a_request_has_its_headers_in_order_and_a_length_when_it_has_a_body() {
    let mut out = Vec::new();
    request("GET", "/v1/a/b/poll?after=k.1", &[("Host", "h"), ("Accept", "*/*")], b"", &mut out);
    assert_eq!(out, b"GET /v1/a/b/poll?after=k.1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
    out.clear();
    request("POST", "/", &[("Host", "h")], b"{}", &mut out);
    assert_eq!(out, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}");
}

#[test]
fn a_body_with_a_length_ends_where_it_says() {
    let (seen, end) = read_every_way("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!((seen, end), (vec![Seen::Head(200, 38), body("hello"), Seen::End], Ok(())));
}

#[test]
fn pipelined_responses_follow_each_other() {
    let stream = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 204 No Content\r\n\r\n\
                  HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n";
    let (seen, end) = read_every_way(stream);
    let expected = vec![
        Seen::Head(200, 38),
        body("a"),
        Seen::End,
        Seen::Head(204, 27),
        Seen::End,
        Seen::Head(304, 48),
        Seen::End,
        Seen::Head(404, 36),
        Seen::End,
    ];
    assert_eq!((seen, end), (expected, Ok(())));
}

#[test]
fn a_chunked_body_is_told_from_its_framing() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let (seen, end) =
        read_every_way(&format!("{head}5;a=\"b;c\" ; d\r\nhello\r\n00A\r\n, 10 bytes\r\n0\r\nDigest: x\r\n\r\n"));
    let expected = vec![
        Seen::Head(200, 47),
        Seen::Framing(15),
        body("hello"),
        Seen::Framing(7),
        body(", 10 bytes"),
        Seen::Framing(18),
        Seen::End,
    ];
    assert_eq!((seen, end), (expected, Ok(())));
}

#[test]
fn a_body_without_a_length_lasts_until_the_stream_ends() {
    let (seen, end) = read_every_way("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\ndata: HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!((seen, end), (vec![Seen::Head(200, 38), body("data: HTTP/1.1 200 OK\r\n\r\n")], Ok(())));
}

#[test]
fn after_101_everything_belongs_to_the_other_protocol() {
    let (seen, end) = read_every_way("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\r\nHTTP/1.1");
    assert_eq!((seen, end), (vec![Seen::Head(101, 38), Seen::Upgraded(b"\r\nHTTP/1.1".to_vec())], Ok(())));
}

#[test]
fn interim_responses_are_skipped_and_count_with_the_final_head() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (seen, end) = read_every_way(&format!("{interim}HTTP/1.1 204 No Content\r\n\r\n"));
    assert_eq!((seen, end), (vec![Seen::Head(204, interim.len() + 27), Seen::End], Ok(())));
    refused(interim, Error::Truncated);
}

#[test]
fn fields_are_found_in_any_case_and_keep_their_order() {
    let mut input = &b"HTTP/1.1 200 OK\r\nETag:  k.1 \r\nX-A: 1\r\nx-a: \xff\r\nContent-Length: 0\r\n\r\n"[..];
    let mut reader = ResponseReader::default();
    let Ok(Some(Event::Head { head, bytes: 67 })) = reader.next_event(&mut input) else {
        panic!("a head was expected")
    };
    assert_eq!(head.field("etag"), Some("k.1"));
    assert_eq!(head.field("X-a"), Some("1"));
    assert_eq!(head.field("x"), None);
    let fields: Vec<_> = head.fields().collect();
    assert_eq!(fields, [("ETag", "k.1"), ("X-A", "1"), ("x-a", "\u{fffd}"), ("Content-Length", "0")]);
}

#[test]
fn a_body_is_not_copied() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let mut input = &bytes[..];
    let mut reader = ResponseReader::default();
    assert!(matches!(reader.next_event(&mut input), Ok(Some(Event::Head { .. }))));
    let Ok(Some(Event::Body(piece))) = reader.next_event(&mut input) else { panic!("a body was expected") };
    assert_eq!(piece.as_ptr_range(), bytes[38..].as_ptr_range());
}

#[test]
fn a_length_may_be_repeated_but_not_changed() {
    for fields in ["Content-Length: 2\r\ncontent-length: 2", "Content-Length: 2, 2", "Content-Length: 02 ,2"] {
        let (seen, end) = read_every_way(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nok"));
        assert_eq!((&seen[1..], end), (&[body("ok"), Seen::End][..], Ok(())));
    }
    let wrong = ["2\r\nContent-Length: 3", "2, 3", "", "+2", "-2", "2,", "0x2", "2 2", "18446744073709551616"];
    for value in wrong {
        refused_after_head(&format!("Content-Length: {value}"), Error::ContentLength);
    }
}

#[test]
fn the_largest_length_is_taken() {
    let (seen, end) = read_every_way("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok");
    assert_eq!((&seen[1..], end), (&[body("ok")][..], Err(Error::Truncated)));
}

#[test]
fn transfer_codings_other_than_chunked_are_refused() {
    for fields in ["gzip", "gzip, chunked", "chunked, chunked", "chunked\r\nTransfer-Encoding: chunked", ""] {
        refused_after_head(&format!("Transfer-Encoding: {fields}"), Error::TransferEncoding);
    }
    refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Error::TransferEncoding);
    refused_after_head("Transfer-Encoding: chunked\r\nContent-Length: 5", Error::LengthAndCoding);
}

#[test]
fn what_is_not_a_head_is_refused() {
    refused("\r\n", Error::NoFirstLine);
    refused("SSH-2.0\r\n\r\n", Error::Head(httparse::Error::Version));
    refused("HTTP/2.0 200 OK\r\n\r\n", Error::Head(httparse::Error::Version));
    refused("HTTP/1.1 20 OK\r\n\r\n", Error::Head(httparse::Error::Status));
    refused_after_head("a b: c", Error::Head(httparse::Error::HeaderName));
    refused_after_head("a: b\0", Error::Head(httparse::Error::HeaderValue));
}

#[test]
fn lines_end_with_cr_lf_and_nothing_else() {
    refused("HTTP/1.1 200 OK\n\n", Error::LineEnding);
    refused("HTTP/1.1 200 OK\r\na: b\n\r\n", Error::LineEnding);
    refused_after_head("a: b\rc: d", Error::LineEnding);
    refused_chunks("5\n", Error::LineEnding);
    refused_chunks("5;a\r=b\r\n", Error::LineEnding);
    refused_chunks("0\r\n\n", Error::LineEnding);
}

#[test]
fn a_head_over_the_limit_is_refused() {
    let fits = format!("HTTP/1.1 204 OK\r\na: {}\r\n\r\n", "x".repeat(LIMITS.max_head_bytes - 24));
    assert_eq!(read_every_way(&fits), (vec![Seen::Head(204, 200), Seen::End], Ok(())));
    let too_long = Error::HeadTooLong { limit_bytes: 200 };
    refused(&fits.replace("a:", "ab:"), too_long);
    refused(&"x".repeat(200), too_long);
    refused(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(8), too_long);
    assert_eq!(too_long.to_string(), "a head is longer than 200 bytes");
}

#[test]
fn a_head_with_too_many_fields_is_refused() {
    let mut reader = ResponseReader::default();
    let stream = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_FIELDS + 1));
    let error = Error::Head(httparse::Error::TooManyHeaders);
    assert_eq!(reader.next_event(&mut stream.as_bytes()), Err(error));
}

#[test]
fn chunks_that_break_the_rules_are_refused() {
    for line in ["\r\n", "x\r\n", ";a\r\n", " 5\r\n", "5 5\r\n", "-5\r\n", "0x5\r\n", "5,\r\n"] {
        refused_chunks(line, Error::ChunkSize);
    }
    refused_chunks("10000000000000000\r\n", Error::ChunkSizeOverflow);
    refused_chunks("ffffffffffffffff\r\nok", Error::Truncated);
    refused_chunks("2\r\nokay\r\n", Error::ChunkEnd);
    refused_chunks("2\r\nok\n\n", Error::LineEnding);
    let too_long = Error::LineTooLong { limit_bytes: 20 };
    refused_chunks("5;1234567890123456789\r\n", too_long);
    refused_chunks("0\r\nlong: 12345678901234567890\r\n", too_long);
}

#[test]
fn a_stream_that_ends_inside_a_response_is_truncated() {
    assert_eq!(read_every_way(""), (Vec::new(), Ok(())));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for stream in [chunked, length] {
        assert_eq!(read(&[stream.as_bytes()]).1, Ok(()));
        for end in 1..stream.len() {
            assert_eq!(read(&[&stream.as_bytes()[..end]]).1, Err(Error::Truncated), "{:?}", &stream[..end]);
        }
    }
}

/// A response and what it is read as.
fn response() -> impl Strategy<Value = (Vec<u8>, Vec<Seen>)> {
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..30), 0..4);
    (any::<bool>(), any::<bool>(), chunks).prop_map(|(chunked, interim, chunks)| {
        let mut out = if interim { b"HTTP/1.1 100 Continue\r\n\r\n".to_vec() } else { Vec::new() };
        let body = chunks.concat();
        let mut seen = Vec::new();
        if chunked {
            out.extend_from_slice(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            seen.push(Seen::Head(200, out.len()));
            let mut framing = 0;
            for chunk in &chunks {
                let line = format!("{:x}\r\n", chunk.len());
                out.extend_from_slice(&[line.as_bytes(), chunk, b"\r\n"].concat());
                seen.extend([Seen::Framing(framing + line.len()), Seen::Body(chunk.clone())]);
                framing = 2;
            }
            out.extend_from_slice(b"0\r\n\r\n");
            seen.push(Seen::Framing(framing + 5));
        } else {
            out.extend_from_slice(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
            seen.push(Seen::Head(200, out.len()));
            out.extend_from_slice(&body);
            seen.extend((!body.is_empty()).then_some(Seen::Body(body)));
        }
        seen.push(Seen::End);
        (out, seen)
    })
}

/// Pieces of responses in any order, so that the arbitrary ones get past the first line.
fn response_like() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 ",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "a: b\r\n",
        "\r\n",
        "\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "3;x",
        "abc",
    ]);
    let token = prop_oneof![
        9 => token.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn responses_come_back_however_the_stream_is_split(
        responses in prop::collection::vec(response(), 0..5),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = responses.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let seen: Vec<Seen> = responses.into_iter().flat_map(|(_, seen)| seen).collect();
        prop_assert_eq!(read(&pieces(&bytes, &cuts)), (seen.clone(), Ok(())));
        prop_assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), (seen, Ok(())));
    }

    #[test]
    fn arbitrary_bytes_end_the_same_way_however_they_are_split(
        bytes in prop_oneof![9 => response_like(), 1 => prop::collection::vec(any::<u8>(), 0..200)],
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        prop_assert_eq!(read(&pieces(&bytes, &cuts)), read(&[&bytes]));
    }
}

#[test]
fn an_answer_to_head_has_no_body_and_the_next_one_has() {
    let stream = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\
                   HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let mut reader = ResponseReader::new(LIMITS);
    reader.expect_no_body();
    let (mut input, mut seen) = (&stream[..], Vec::new());
    while let Some(event) = reader.next_event(&mut input).unwrap() {
        add(&mut seen, &event);
    }
    assert_eq!(seen, [Seen::Head(200, 63), Seen::End, Seen::Head(200, 38), body("hi"), Seen::End]);
}
