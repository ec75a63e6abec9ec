//! Any split of a stream of events gives the same events and the same ledger; any way to put it into chunks gives the same
//! events, and a ledger that differs by the lines of the chunks alone.

use measure::{Category, Direction};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::super::{
    Outcome, Script, pieces,
    servers::{
        EVENT_STREAM, LAST_CHUNK, chunk, close_event, gap_event, heartbeat_event, hello_event, publication,
        publication_event,
    },
    splits::damage,
    target,
};
use crate::Event;

/// Something in a stream of events after its hello.
#[derive(Debug, Clone)]
enum Piece {
    Publication(String),
    Gap,
    Heartbeat,
    Comment,
    /// A publication with other line ends and other fields, some of them unknown.
    Foreign(String),
    Close,
    Forbidden(Index),
}

/// JSON with characters of 1 to 4 bytes.
fn data() -> impl Strategy<Value = String> {
    vec(prop::sample::select(vec!['x', 'é', '€', '\u{1f600}', '\u{2028}']), 0..60)
        .prop_map(|characters| format!("\"{}\"", characters.into_iter().collect::<String>()))
}

fn well_formed() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        8 => data().prop_map(Piece::Publication),
        1 => Just(Piece::Gap),
        2 => Just(Piece::Heartbeat),
        2 => Just(Piece::Comment),
        2 => data().prop_map(Piece::Foreign),
    ];
    vec(piece, 0..8)
}

fn any_stream() -> impl Strategy<Value = Vec<Piece>> {
    let tail = prop_oneof![Just(Piece::Close), any::<Index>().prop_map(Piece::Forbidden)];
    (well_formed(), option::of(tail), well_formed())
        .prop_map(|(before, tail, after)| before.into_iter().chain(tail).chain(after).collect())
}

fn body(script: &[Piece]) -> Vec<u8> {
    let forbidden: [&[u8]; 3] =
        [b"data: nonsense\n\n", b"event: gap\ndata: {}\n\n", b"event: x\ndata: {\"later\":{}}\n\n"];
    let mut body = hello_event();
    for (offset, piece) in (42..).zip(script) {
        body.extend(match piece {
            Piece::Publication(data) => publication_event(offset, &publication(offset, data)),
            Piece::Gap => gap_event(offset, offset),
            Piece::Heartbeat => heartbeat_event(),
            Piece::Comment => b": still here\n\n".to_vec(),
            Piece::Foreign(data) => {
                let text = publication(offset, data);
                format!("retry: 3000\r\ndata:{text}\n:inside\rlater: x\nid:e.{offset}\r\n\r\n").into_bytes()
            }
            Piece::Close => close_event(),
            Piece::Forbidden(which) => which.get(&forbidden).to_vec(),
        });
    }
    body
}

/// The body in chunks that end at `cuts`; none where it has neither chunks nor a length.
fn stream(body: &[u8], cuts: Option<&[Index]>, ends: bool) -> Vec<u8> {
    let Some(cuts) = cuts else {
        return [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", body].concat();
    };
    let chunks: Vec<_> = pieces(body, cuts).into_iter().filter(|piece| !piece.is_empty()).map(chunk).collect();
    let last = if ends { LAST_CHUNK } else { b"" };
    [EVENT_STREAM.as_bytes(), &chunks.concat(), last].concat()
}

fn run(pieces: &[&[u8]], stop_before: usize) -> Outcome {
    let mut script = Script::start("sse", target());
    for (index, piece) in pieces.iter().enumerate() {
        if index == stop_before {
            script.stop();
        }
        script.feed(0, piece);
    }
    script.finish()
}

fn failures(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Failed(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn event_streams_are_the_same_however_they_are_split(
        script in any_stream(),
        chunks in option::weighted(0.9, vec(any::<Index>(), 0..20)),
        ends in any::<bool>(),
        byte in option::of((any::<Index>(), any::<u8>())),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let mut bytes = stream(&body(&script), chunks.as_deref(), ends);
        damage(&mut bytes, byte.as_ref());
        let whole = run(&[&bytes], usize::MAX);
        prop_assert_eq!(&run(&pieces(&bytes, &cuts), usize::MAX), &whole);
        prop_assert_eq!(&run(&bytes.chunks(1).collect::<Vec<_>>(), usize::MAX), &whole);
    }

    #[test]
    fn a_stream_of_events_that_was_stopped_anywhere_fails_no_more(
        script in any_stream(),
        chunks in option::weighted(0.9, vec(any::<Index>(), 0..20)),
        byte in option::of((any::<Index>(), any::<u8>())),
        cut in any::<Index>(),
    ) {
        let mut bytes = stream(&body(&script), chunks.as_deref(), true);
        damage(&mut bytes, byte.as_ref());
        let (before, after) = bytes.split_at(cut.index(bytes.len() + 1));
        let so_far = {
            let mut script = Script::start("sse", target());
            script.feed(0, before);
            failures(&script.events)
        };
        prop_assert_eq!(failures(&run(&[before, after], 1).events), so_far);
    }

    #[test]
    fn chunks_are_framing_and_change_nothing_else(
        script in well_formed(),
        chunks in vec(any::<Index>(), 0..20),
    ) {
        let body = body(&script);
        let plain = run(&[&stream(&body, None, false)], usize::MAX);
        let in_chunks = run(&[&stream(&body, Some(&chunks), false)], usize::MAX);
        prop_assert_eq!(&in_chunks.events, &plain.events);

        let (mut payload, mut envelope, mut heartbeats, mut told) = (0, 0, 0, 2);
        for (offset, piece) in (42..).zip(&script) {
            match piece {
                Piece::Publication(data) | Piece::Foreign(data) => {
                    payload += data.len() as u64;
                    envelope += publication(offset, "").len() as u64;
                    heartbeats += if let Piece::Foreign(_) = piece { ":inside\r".len() as u64 } else { 0 };
                    told += 1;
                }
                Piece::Gap => told += 1,
                Piece::Heartbeat => heartbeats += heartbeat_event().len() as u64,
                _ => heartbeats += ": still here\n\n".len() as u64,
            }
        }
        prop_assert_eq!(plain.events.len(), told, "ready, what was sent, and the loss at the end");
        for outcome in [&plain, &in_chunks] {
            let down = |category| outcome.ledgers[&0].get(Direction::Down, category);
            prop_assert_eq!(down(Category::Payload), payload);
            prop_assert_eq!(down(Category::Envelope), envelope);
            // The LF behind the last CR of a foreign event counts with what comes after it.
            let borrowed = script.windows(2).filter(|pair| {
                matches!(pair, [Piece::Foreign(_), Piece::Heartbeat | Piece::Comment])
            });
            prop_assert_eq!(down(Category::Heartbeat), heartbeats + borrowed.count() as u64);
        }
    }
}
