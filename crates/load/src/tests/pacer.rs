//! The pacing thread: everything in order, not before it is due, and an end at any time.

use std::{
    io::Read as _,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use measure::Mono;
use socket2::SockRef;

use super::{pattern, tcp_pair};
use crate::pacer::{Pacer, Send};

fn unsent(count: usize) -> Arc<Vec<AtomicU64>> {
    Arc::new((0..count).map(|_| AtomicU64::new(0)).collect())
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn everything_is_written_in_order_and_not_before_it_is_due() {
    let (pairs, mut theirs): (Vec<_>, Vec<_>) = (0..2).map(|_| tcp_pair()).unzip();
    let start = Mono::now();
    let due = |n: u64| start + Duration::from_micros(500) * u32::try_from(n / 2).unwrap();
    // Two at a time are due at one instant, in different rooms.
    let sends = (0..40_u64).map(|n| {
        let room = u32::try_from(n % 2).unwrap();
        Send { at: due(n), n: usize::try_from(n).unwrap(), room, bytes: format!("{n:04}").into_bytes() }
    });
    let sent = unsent(40);
    let pacer = Pacer::start(sends.collect(), pairs, Arc::clone(&sent)).unwrap();
    for (room, stream) in theirs.iter_mut().enumerate() {
        let expected: String = (0..20).map(|n| format!("{:04}", 2 * n + room)).collect();
        assert_eq!(read(stream, 80), expected.into_bytes());
    }
    assert_eq!(pacer.finish(), 0);
    let sent: Vec<_> = sent.iter().map(|instant| Mono::from_nanos(instant.load(Ordering::Acquire))).collect();
    assert!(sent.is_sorted());
    for (n, instant) in (0..).zip(sent) {
        assert!(instant >= due(n), "{n} was written before it was due");
    }
}

#[test]
fn a_stop_ends_it_before_its_next_write() {
    let (ours, mut theirs) = tcp_pair();
    let send = |n, at| Send { at, n, room: 0, bytes: vec![b'x'] };
    let far = Mono::now() + Duration::from_hours(1);
    let sent = unsent(2);
    let pacer = Pacer::start(vec![send(0, Mono::now()), send(1, far)], vec![ours], Arc::clone(&sent)).unwrap();
    read(&mut theirs, 1);
    assert_eq!(pacer.finish(), 0, "what was not tried has not failed");
    assert_ne!(sent[0].load(Ordering::Acquire), 0);
    assert_eq!(sent[1].load(Ordering::Acquire), 0);
    assert_eq!(theirs.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn writes_to_a_peer_that_is_gone_have_failed_and_others_go_on() {
    let (mut cut, theirs) = tcp_pair();
    SockRef::from(&theirs).set_linger(Some(Duration::ZERO)).unwrap();
    drop(theirs);
    cut.read(&mut [0; 1]).expect_err("a reset");
    let (open, mut theirs) = tcp_pair();
    let send = |n, room| Send { at: Mono::now(), n, room, bytes: vec![b'x'] };
    let sent = unsent(3);
    let sends = vec![send(0, 0), send(1, 0), send(2, 1)];
    let pacer = Pacer::start(sends, vec![cut, open], Arc::clone(&sent)).unwrap();
    read(&mut theirs, 1);
    assert_eq!(pacer.finish(), 2);
    let was_sent: Vec<_> = sent.iter().map(|instant| instant.load(Ordering::Acquire) != 0).collect();
    assert_eq!(was_sent, [false, false, true]);
}

#[test]
fn a_full_send_buffer_is_waited_for() {
    const LENGTH: usize = 16 * 1024 * 1024;
    let (ours, mut theirs) = tcp_pair();
    ours.set_nonblocking(true).unwrap();
    let sends = vec![Send { at: Mono::now(), n: 0, room: 0, bytes: pattern(LENGTH) }];
    let pacer = Pacer::start(sends, vec![ours], unsent(1)).unwrap();
    let reader = thread::spawn(move || read(&mut theirs, LENGTH));
    assert!(reader.join().unwrap() == pattern(LENGTH), "bytes are missing or misplaced");
    assert_eq!(pacer.finish(), 0);
}
