//! The queue, with instants made by hand.

use std::time::Duration;

use tokio::time::Instant;

use crate::queue::{QUEUE_BYTES, QUEUE_READS, Queue};

const DELAY: Duration = Duration::from_millis(50);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn bytes_are_due_one_delay_after_they_came_and_keep_their_spacing() {
    let start = Instant::now();
    let mut queue = Queue::default();
    queue.push(start, b"one");
    queue.push(start + ms(7), b"two");
    assert_eq!(queue.due(start + DELAY - Duration::from_nanos(1), DELAY, 100), b"");
    assert_eq!(queue.due(start + DELAY, DELAY, 100), b"one");
    assert_eq!(queue.due(start + DELAY + ms(6), DELAY, 100), b"one");
    assert_eq!(queue.due(start + DELAY + ms(7), DELAY, 100), b"onetwo");
    assert_eq!(queue.due(start + DELAY + ms(7), DELAY, 4), b"onet");
    assert_eq!(queue.due(start + ms(7), Duration::ZERO, 100), b"onetwo");
}

#[test]
fn an_advance_within_a_read_keeps_its_instant() {
    let start = Instant::now();
    let mut queue = Queue::default();
    queue.push(start, b"one");
    queue.push(start + ms(7), b"two");
    queue.advance(2);
    assert_eq!((queue.oldest(), queue.due(start + DELAY, DELAY, 100)), (Some(start), &b"e"[..]));
    queue.advance(2);
    assert_eq!(queue.oldest(), Some(start + ms(7)));
    assert_eq!(queue.due(start + DELAY, DELAY, 100), b"");
    assert_eq!(queue.due(start + DELAY + ms(7), DELAY, 100), b"wo");
    queue.advance(2);
    assert_eq!(queue.oldest(), None);
}

#[test]
fn bytes_and_reads_are_bounded() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.push(now, &vec![0; QUEUE_BYTES - 1]);
    assert_eq!(queue.room(), 1);
    queue.push(now, b"x");
    assert_eq!(queue.room(), 0);
    queue.clear();
    assert_eq!((queue.oldest(), queue.room()), (None, QUEUE_BYTES));
    for _ in 0..QUEUE_READS {
        assert!(queue.room() > 0);
        queue.push(now, b"x");
    }
    assert_eq!(queue.room(), 0);
    queue.advance(1);
    assert_eq!(queue.room(), QUEUE_BYTES - QUEUE_READS + 1);
}
