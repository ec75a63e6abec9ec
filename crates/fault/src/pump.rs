//! One direction of one connection: reads, holds and forwards by the rules of the moment.
//!
//! A direction ends in order when the sender's end has been forwarded as a shutdown of the writing half, and otherwise
//! with the error of either side.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    select,
    sync::watch,
    task::yield_now,
    time::{Instant, sleep_until},
};

use crate::{
    queue::Queue,
    rules::{Rules, Shared, Way, WayRules},
};

/// How much is read at once, and forwarded at once.
const PIECE_BYTES: usize = 16 * 1024;

/// How much earlier than an instant tokio is asked to wake us.
///
/// Its timer rounds up to its tick of 1 ms, and the wait for I/O below it rounds up once more: asked for the instant
/// itself, a delay of 25 ms was late by 1.5 ms in the mean, which both ways would add 3 ms to every round trip.
const WAKE_EARLIER: Duration = Duration::from_millis(1);

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Pump<'a> {
    way: Way,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    shared: &'a Shared,
    rules: watch::Receiver<Rules>,
    queue: Queue,
    /// How often this direction had been half-closed when the connection began.
    half_closes: u64,
    /// Whether the receiver was told the end before the sender said it; from then on bytes are read and thrown away.
    half_closed: bool,
    /// When the sender's end came.
    ended: Option<Instant>,
    /// Before this instant a dribble forwards nothing.
    next_piece: Option<Instant>,
}

impl<'a> Pump<'a> {
    /// `born` are the rules that the connection found at its start.
    pub(crate) fn new(way: Way, from: ReadHalf<'a>, to: WriteHalf<'a>, shared: &'a Shared, born: &Rules) -> Self {
        Self {
            way,
            from,
            to,
            shared,
            rules: shared.rules.subscribe(),
            queue: Queue::default(),
            half_closes: born.way(way).half_closes,
            half_closed: false,
            ended: None,
            next_piece: None,
        }
    }

    /// Forwards until the sender's end has been forwarded.
    ///
    /// # Errors
    ///
    /// The first error of either side; what waits is lost then.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let rule = self.rules.borrow_and_update().way(self.way);
            if rule.half_closes != self.half_closes && !self.half_closed {
                self.half_closed = true;
                self.queue.clear();
                self.to.shutdown().await?;
            }
            if self.half_closed && self.ended.is_some() {
                return Ok(());
            }
            let now = Instant::now();
            let next = self.next(&rule);
            let is_due = next.is_some_and(|next| next <= now);
            if is_due && self.queue.oldest().is_none() {
                return self.to.shutdown().await;
            }
            let limit = rule.dribble.map_or(PIECE_BYTES, |dribble| dribble.piece_bytes.get().min(PIECE_BYTES));
            let room = self.queue.room().min(PIECE_BYTES);
            let may_read = !rule.stalled && self.ended.is_none() && room > 0;
            // Rules come first: nothing is forwarded after a stall has been seen.
            select! {
                biased;
                _ = self.rules.changed() => {}
                wrote = self.to.write(self.queue.due(now, rule.delay, limit)), if is_due => {
                    self.forwarded(wrote?, &rule);
                }
                read = self.from.read(&mut buffer[..room]), if may_read => match read? {
                    0 => self.ended = Some(Instant::now()),
                    _ if self.half_closed => {}
                    count => self.queue.push(Instant::now(), &buffer[..count]),
                },
                () = wait_until(next.unwrap_or(now), rule.dribble.is_none()), if next.is_some() && !is_due => {}
            }
        }
    }

    /// When something is to be forwarded: bytes, or after the last of them the end.
    fn next(&self, rule: &WayRules) -> Option<Instant> {
        if rule.stalled {
            return None;
        }
        let Some(oldest) = self.queue.oldest() else { return self.ended.map(|ended| ended + rule.delay) };
        let due = oldest + rule.delay;
        Some(self.next_piece.filter(|_| rule.dribble.is_some()).map_or(due, |next_piece| due.max(next_piece)))
    }

    fn forwarded(&mut self, count: usize, rule: &WayRules) {
        self.queue.advance(count);
        let every = rule.dribble.map_or(Duration::ZERO, |dribble| dribble.every);
        self.next_piece = Some(Instant::now() + every);
        self.shared.counts.send_modify(|counts| *counts.bytes_mut(self.way) += count as u64);
    }
}

/// Waits until `due`, never less; where it matters how much more, by giving way to other tasks for what is left after an
/// early wake.
async fn wait_until(due: Instant, exactly: bool) {
    sleep_until(if exactly { due - WAKE_EARLIER } else { due }).await;
    while Instant::now() < due {
        yield_now().await;
    }
}
