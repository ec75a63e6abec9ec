//! HTTP/1.1 requests as who looks on reads them: bodies, pipelining, and any split gives the same events.

use proptest::{prelude::*, sample::Index};

use super::length_prefixed::pieces;
use crate::http1::{Error, Event, Limits, RequestReader};

const LIMITS: Limits = Limits { max_head_bytes: 200, max_line_bytes: 20 };

/// An event that owns what it says; neighbours of one kind are one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Head(String, usize),
    Body(Vec<u8>),
    Framing(usize),
    End,
}

/// Every event, and how it ended. Checks after every call that no byte is missing.
fn read(pieces: &[&[u8]]) -> (Vec<Seen>, Result<(), Error>) {
    let mut reader = RequestReader::new(LIMITS);
    let mut seen = Vec::new();
    let (mut taken, mut accounted) = (0, 0);
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let next = reader.next_event(&mut input).map(|event| {
                event.map(|event| {
                    match (seen.last_mut(), event) {
                        (Some(Seen::Body(so_far)), Event::Body(piece)) => so_far.extend_from_slice(piece),
                        (_, Event::Head { head, bytes }) => {
                            let fields = [head.method(), head.target(), head.field("X-NOTE").unwrap_or_default()];
                            seen.push(Seen::Head(fields.join(" "), bytes));
                        }
                        (_, Event::Body(piece)) => seen.push(Seen::Body(piece.to_vec())),
                        (_, Event::Framing { bytes }) => seen.push(Seen::Framing(bytes)),
                        (_, Event::End) => seen.push(Seen::End),
                        (_, Event::Upgraded(piece)) => panic!("requests know of no upgrade: {piece:?}"),
                    }
                    event.wire_bytes()
                })
            });
            taken += before - input.len();
            accounted += next.map_or(0, Option::unwrap_or_default);
            assert_eq!(accounted + reader.pending(), taken);
            match next {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return (seen, Err(error)),
            }
        }
    }
    (seen, reader.finish())
}

fn head(text: &str, bytes: usize) -> Seen {
    Seen::Head(text.to_owned(), bytes)
}

#[test]
fn requests_follow_each_other_with_and_without_bodies() {
    let stream = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Note: yes\r\n\r\n\
                   POST /d HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\
                   POST /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                   DELETE /f HTTP/1.0\r\n\r\n";
    let wanted = [
        head("GET /a?b=c yes", 45),
        Seen::End,
        head("POST /d ", 39),
        Seen::Body(b"{}".to_vec()),
        Seen::End,
        head("POST /e ", 48),
        Seen::Framing(3),
        Seen::Body(b"abc".to_vec()),
        Seen::Framing(2),
        Seen::Framing(3),
        Seen::Framing(2),
        Seen::End,
        head("DELETE /f ", 22),
        Seen::End,
    ];
    assert_eq!(read(&[stream]), (wanted.to_vec(), Ok(())));
    assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), (wanted.to_vec(), Ok(())));
}

#[test]
fn what_is_no_request_is_an_error() {
    for (stream, error) in [
        ("\r\n", Error::NoFirstLine),
        ("GET / HTTP/1.1\nHost: h\n\n", Error::LineEnding),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Error::LengthAndCoding),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", Error::TransferEncoding),
    ] {
        assert_eq!(read(&[stream.as_bytes()]).1, Err(error), "{stream:?}");
    }
    assert!(matches!(read(&[b"HTTP/1.1 200 OK\r\n\r\n"]).1, Err(Error::Head(_))));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LIMITS.max_head_bytes));
    assert_eq!(read(&[long.as_bytes()]).1, Err(Error::HeadTooLong { limit_bytes: LIMITS.max_head_bytes }));
    assert_eq!(read(&[b"GET / HTTP/1.1\r\nHost"]).1, Err(Error::Truncated));
}

#[test]
fn a_path_is_without_scheme_host_and_query() {
    for (target, path) in
        [("/a/b?c=/d", "/a/b"), ("/a://b/c", "/a://b/c"), ("http://h:80/a/b?c", "/a/b"), ("http://h", "/"), ("*", "*")]
    {
        let stream = format!("GET {target} HTTP/1.1\r\n\r\n");
        let mut reader = RequestReader::new(LIMITS);
        let Ok(Some(Event::Head { head, .. })) = reader.next_event(&mut stream.as_bytes()) else { panic!("{target}") };
        assert_eq!(head.path(), path, "{target}");
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(body in ".{0,40}", cuts in prop::collection::vec(any::<Index>(), 0..8)) {
        let length = body.len();
        let stream = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}GET / HTTP/1.1\r\n\r\n");
        prop_assert_eq!(read(&pieces(stream.as_bytes(), &cuts)), read(&[stream.as_bytes()]));
    }
}
