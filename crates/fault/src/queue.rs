//! Bytes on their way through the proxy, each with the instant it came: no socket, no clock.

use std::{collections::VecDeque, time::Duration};

use bytes::{Buf as _, BytesMut};
use tokio::time::Instant;

/// How many bytes wait at most in one direction of one connection.
///
/// The delay's product with the rate must fit: at 25 ms, 256 KiB let 10 MB/s through one connection, far more than a
/// feed sends.
pub(crate) const QUEUE_BYTES: usize = 256 * 1024;

/// How many reads wait at most, because small ones cost more for their instant than for their bytes. At 25 ms, 4096
/// let 160 000 reads per second through one connection.
pub(crate) const QUEUE_READS: usize = 4096;

/// A queue of what was read, oldest first.
///
/// It keeps when bytes came and not when they are due, so that a new delay holds for what already waits, and order is
/// kept whatever the delays are.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    bytes: BytesMut,
    /// When each read came, and how many of its bytes still wait; never 0.
    reads: VecDeque<(Instant, usize)>,
}

impl Queue {
    /// How many more bytes may be pushed now.
    pub(crate) fn room(&self) -> usize {
        if self.reads.len() < QUEUE_READS { QUEUE_BYTES - self.bytes.len() } else { 0 }
    }

    /// Adds what was read; at most [`room`](Self::room) bytes, never none, `came` never before that of an earlier push.
    pub(crate) fn push(&mut self, came: Instant, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.reads.push_back((came, bytes.len()));
    }

    /// When the oldest bytes came.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.reads.front().map(|(came, _)| *came)
    }

    /// The oldest bytes, as far as they have waited for `delay`, and at most `limit` of them.
    pub(crate) fn due(&self, now: Instant, delay: Duration, limit: usize) -> &[u8] {
        let mut due = 0;
        for (_, len) in self.reads.iter().take_while(|(came, _)| *came + delay <= now) {
            due += len;
            if due >= limit {
                break;
            }
        }
        &self.bytes[..due.min(limit)]
    }

    /// Forgets the oldest `count` bytes.
    pub(crate) fn advance(&mut self, mut count: usize) {
        self.bytes.advance(count);
        while let Some((_, len)) = self.reads.front_mut().filter(|_| count > 0) {
            let gone = count.min(*len);
            *len -= gone;
            count -= gone;
            if *len == 0 {
                self.reads.pop_front();
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.reads.clear();
    }
}
