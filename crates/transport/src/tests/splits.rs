//! Any split of a stream gives the same events, the same answers and the same ledger, and every byte is charged once;
//! also where the stream is damaged.

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{
    Outcome, POSTS, Script, pieces,
    servers::{CLOSE, TwoWay, ack, answer, batch, chunked, gap, hello, nothing_new, problem, refusal, sized},
    target,
};
use crate::Event;

/// Something in a two-way stream after its hello.
#[derive(Debug, Clone)]
enum Piece {
    Publication(usize),
    Gap,
    Heartbeat,
    Ack,
    Refusal,
    Close,
    Goodbye,
    Forbidden(Index),
}

/// The server's side of a two-way connection.
#[derive(Debug, Clone)]
struct Server {
    /// Status and code of the refusal, where the upgrade is not accepted.
    refuses: Option<(u16, Option<u16>)>,
    says_hello: bool,
    script: Vec<Piece>,
}

fn two_way_servers() -> impl Strategy<Value = Server> {
    let refuses = option::weighted(0.1, prop::sample::select(vec![(400, None), (503, Some(3001)), (403, Some(3501))]));
    let piece = prop_oneof![
        8 => (2_usize..300).prop_map(Piece::Publication),
        1 => Just(Piece::Gap),
        3 => Just(Piece::Heartbeat),
        1 => Just(Piece::Ack),
        1 => Just(Piece::Refusal),
        1 => Just(Piece::Close),
        1 => Just(Piece::Goodbye),
        1 => any::<Index>().prop_map(Piece::Forbidden),
    ];
    (refuses, prop::bool::weighted(0.9), vec(piece, 0..8)).prop_map(|(refuses, says_hello, script)| Server {
        refuses,
        says_hello,
        script,
    })
}

/// The server's whole stream, as `lane` carries it.
fn stream(lane: TwoWay, server: &Server) -> Vec<u8> {
    let request = Script::start(lane.id(), target()).written[&0].clone();
    let mut bytes = match server.refuses {
        Some((status, code)) => problem(status, code),
        None => lane.accept(&request),
    };
    if server.says_hello {
        bytes.extend(lane.item(&hello(41)));
    }
    for (offset, piece) in (42..).zip(&server.script) {
        bytes.extend(match piece {
            Piece::Publication(size) => lane.item(&sized(offset, *size)),
            Piece::Gap => lane.item(&gap(offset, offset)),
            Piece::Heartbeat => lane.heartbeat(),
            Piece::Ack => lane.item(&ack(1, "e.42")),
            Piece::Refusal => lane.item(&refusal(1)),
            Piece::Close => lane.item(CLOSE),
            Piece::Goodbye => lane.goodbye(3001),
            Piece::Forbidden(which) => which.get(&lane.forbidden()).clone(),
        });
    }
    bytes
}

fn run_two_way(lane: TwoWay, pieces: &[&[u8]], stop_before: usize) -> Outcome {
    let mut script = Script::start(lane.id(), target());
    for (index, piece) in pieces.iter().enumerate() {
        if index == stop_before {
            script.stop();
        }
        script.feed(0, piece);
    }
    script.finish()
}

/// One answer to a poll, or the end of the kept connection.
#[derive(Debug, Clone)]
enum Poll {
    Items(Vec<usize>, bool),
    Gap,
    Nothing(u16),
    Refused(u16, Option<u16>),
    BadItem,
    Trailing,
    End,
}

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let poll = prop_oneof![
        4 => (vec(2_usize..200, 0..4), any::<bool>()).prop_map(|(sizes, chunked)| Poll::Items(sizes, chunked)),
        1 => Just(Poll::Gap),
        2 => prop::sample::select(vec![204, 304]).prop_map(Poll::Nothing),
        1 => prop::sample::select(vec![(400, None), (503, Some(3001))]).prop_map(|(status, code)| Poll::Refused(status, code)),
        1 => Just(Poll::BadItem),
        1 => Just(Poll::Trailing),
        2 => Just(Poll::End),
    ];
    vec(poll, 1..7)
}

/// The bytes of each answer; none for an end.
fn answers(script: &[Poll]) -> Vec<Option<Vec<u8>>> {
    let mut offset = 41;
    let mut bytes = |poll: &Poll| match poll {
        Poll::Items(sizes, in_chunks) => {
            let items: Vec<_> = (offset + 1..).zip(sizes).map(|(offset, size)| sized(offset, *size)).collect();
            offset += items.len() as u64;
            let body = batch(&format!("e.{offset}"), &items);
            Some(if *in_chunks { chunked(200, &body) } else { answer(200, "", &body) })
        }
        Poll::Gap => {
            offset += 9;
            Some(answer(200, "", &batch(&format!("e.{offset}"), &[gap(offset - 8, offset - 1), sized(offset, 20)])))
        }
        Poll::Nothing(status) => Some(nothing_new(*status, &format!("e.{offset}"))),
        Poll::Refused(status, code) => Some(problem(*status, *code)),
        Poll::BadItem => Some(answer(200, "", &batch("e.99", &[sized(98, 20), hello(99)]))),
        Poll::Trailing => Some([problem(400, None), nothing_new(204, "e.1"), b"HTTP/1.1 2".to_vec()].concat()),
        Poll::End => None,
    };
    script.iter().map(&mut bytes).collect()
}

/// Polls until the answers are used up. An answer comes only after its question, so each is split by itself.
fn run_polls(lane: &str, answers: &[Option<Vec<u8>>], split: impl Fn(&[u8]) -> Vec<&[u8]>) -> Outcome {
    let mut script = Script::start(lane, target());
    for answer in answers {
        let connection = *script.opened.last().unwrap();
        match answer {
            // Only a connection that is there can bring anything, or end.
            _ if script.ended.contains(&connection) => {}
            Some(bytes) => split(bytes).into_iter().for_each(|piece| script.feed(connection, piece)),
            None => script.end(connection),
        }
        if lane == "short-polling" {
            script.fire();
        }
    }
    script.finish()
}

pub(super) fn damage(bytes: &mut [u8], damage: Option<&(Index, u8)>) {
    if let Some((at, byte)) = damage
        && !bytes.is_empty()
    {
        bytes[at.index(bytes.len())] = *byte;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn two_way_streams_are_the_same_however_they_are_split(
        server in two_way_servers(),
        byte in option::of((any::<Index>(), any::<u8>())),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        for lane in TwoWay::ALL {
            let mut bytes = stream(lane, &server);
            damage(&mut bytes, byte.as_ref());
            let whole = run_two_way(lane, &[&bytes], usize::MAX);
            prop_assert_eq!(&run_two_way(lane, &pieces(&bytes, &cuts), usize::MAX), &whole);
            prop_assert_eq!(&run_two_way(lane, &bytes.chunks(1).collect::<Vec<_>>(), usize::MAX), &whole);
        }
    }

    #[test]
    fn a_two_way_stream_that_was_stopped_anywhere_fails_no_more(
        server in two_way_servers(),
        byte in option::of((any::<Index>(), any::<u8>())),
        cut in any::<Index>(),
    ) {
        for lane in TwoWay::ALL {
            let mut bytes = stream(lane, &server);
            damage(&mut bytes, byte.as_ref());
            let (before, after) = bytes.split_at(cut.index(bytes.len() + 1));
            let failed = |outcome: &Outcome| outcome.events.iter().filter(|event| matches!(event, Event::Failed(_))).count();
            let so_far = {
                let mut script = Script::start(lane.id(), target());
                script.feed(0, before);
                script.events.iter().filter(|event| matches!(event, Event::Failed(_))).count()
            };
            prop_assert_eq!(failed(&run_two_way(lane, &[before, after], 1)), so_far);
        }
    }

    #[test]
    fn polls_are_the_same_however_they_are_split(
        script in polls(),
        byte in option::of((any::<Index>(), any::<Index>(), any::<u8>())),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let mut answers = answers(&script);
        if let Some((which, at, byte)) = byte
            && let Some(bytes) = which.get_mut(&mut answers)
        {
            damage(bytes, Some(&(at, byte)));
        }
        for lane in ["short-polling", "long-polling"] {
            let whole = run_polls(lane, &answers, |bytes| vec![bytes]);
            prop_assert_eq!(&run_polls(lane, &answers, |bytes| pieces(bytes, &cuts)), &whole);
            prop_assert_eq!(&run_polls(lane, &answers, |bytes| bytes.chunks(1).collect()), &whole);
        }
    }

    #[test]
    fn answers_to_publishes_are_the_same_however_they_are_split(
        byte in option::of((any::<Index>(), any::<u8>())),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let mut bytes = [answer(201, "", r#"{"position":"e.42"}"#), problem(413, None), chunked(201, r#"{"position":"e.43"}"#)].concat();
        damage(&mut bytes, byte.as_ref());
        for lane in POSTS {
            let run = |pieces: Vec<&[u8]>| {
                let mut script = Script::start(lane, target());
                (1..=3).for_each(|reference| script.publish("message", "1", reference));
                for piece in pieces {
                    script.feed(1, piece);
                }
                script.end(1);
                script.finish()
            };
            let whole = run(vec![&bytes]);
            prop_assert_eq!(&run(pieces(&bytes, &cuts)), &whole);
            prop_assert_eq!(&run(bytes.chunks(1).collect()), &whole);
        }
    }
}
