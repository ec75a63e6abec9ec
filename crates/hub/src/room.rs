//! One room: its ring behind one short lock, and waiting for what comes.
//!
//! A reader notes the version of `changed`, reads the ring under the lock, and only then waits for another version; a
//! publisher pushes under the lock and then raises the version. So nothing can slip between reading and waiting. The
//! version is an atomic, and a reader enters a list (one of eight, so that thousands do not meet at one lock) only when
//! it really waits. Every reader that may wait holds a receiver: their number is the number of subscribers, and
//! dropping a reader, at whatever await, takes it out.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::watch, time::timeout};
use wire::{After, Epoch, GapReason, Position, Publication, RoomName};

use crate::{
    limits::Limits,
    ring::{Batch, ReadLimit, Ring},
};

/// How long an epoch is, in characters of `[a-z0-9]`.
///
/// 8: 41 bits, so that two histories of one room share a name once in 2.8 million million.
const EPOCH_CHARACTERS: usize = 8;

/// Whether and how long a read waits when there is nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Answers at once.
    No,
    /// Answers with an empty batch after this time.
    For(Duration),
    /// Answers only when there is something.
    Forever,
}

/// One room and the history it has. Whoever holds its `Arc` keeps it from being swept.
pub struct Room {
    name: RoomName,
    ring: Mutex<Ring>,
    changed: watch::Sender<()>,
}

impl Room {
    /// An empty room with an epoch of its own.
    pub(crate) fn new(name: RoomName, limits: &Limits) -> Self {
        let (changed, _) = watch::channel(());
        Self { name, ring: Mutex::new(Ring::new(new_epoch(), limits)), changed }
    }

    /// Its namespace and name.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// The position of the newest publication; its offset is how many there have ever been.
    pub fn position(&self) -> Position {
        self.ring().head()
    }

    /// How many subscriptions and waiting readers there are at this moment.
    pub fn subscribers(&self) -> usize {
        self.changed.receiver_count()
    }

    /// The position that a subscription with this `after` starts from; one that is given is returned unchecked.
    pub fn resolve(&self, after: &After) -> Position {
        match after {
            After::Head => self.ring().head(),
            After::Earliest => self.ring().earliest(),
            After::Position(position) => position.clone(),
        }
    }

    /// Reads what follows `from`, and waits for it as `wait` says.
    ///
    /// A gap is told at once and the publications that are held follow it, as many as `limit` takes in the same batch:
    ///
    /// - offsets that were trimmed: reason `trimmed` and their exact range;
    /// - a position of another epoch, or an offset beyond the head, which no reader of this history can have seen:
    ///   reason `epoch`, and the position is the one before the oldest publication held.
    ///
    /// When nothing came in time the batch is empty and its position is `from`. A waiting reader counts as a
    /// subscriber.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: reading takes nothing away.
    pub async fn read_from(&self, from: &Position, limit: ReadLimit, wait: Wait) -> Batch {
        let waiting = async {
            let mut changed = self.watch();
            self.next(&mut changed, from, limit, GapReason::Trimmed).await
        };
        let found = match wait {
            Wait::No => self.ring().read(from, limit, GapReason::Trimmed),
            Wait::For(time) => timeout(time, waiting).await.ok(),
            Wait::Forever => Some(waiting.await),
        };
        found.unwrap_or_else(|| Batch { gap: None, items: Vec::new(), position: from.clone() })
    }

    /// Waits until something follows `from`; `behind` as in [`Ring::read`]. Cancel safe.
    #[expect(clippy::expect_used, reason = "the sender lives in `self`")]
    pub(crate) async fn next(
        &self,
        changed: &mut watch::Receiver<()>,
        from: &Position,
        limit: ReadLimit,
        behind: GapReason,
    ) -> Batch {
        loop {
            changed.mark_unchanged();
            if let Some(batch) = self.ring().read(from, limit, behind) {
                return batch;
            }
            changed.changed().await.expect("a room outlives its readers");
        }
    }

    /// Gives `publication` the next offset, holds it and wakes all who wait.
    pub(crate) fn publish(&self, mut publication: Publication<'_>) -> Position {
        let position = {
            let mut ring = self.ring();
            publication.offset = ring.next_offset();
            // Boxed, so that the ring holds no spare capacity and its bytes are what its limit counts.
            let json = publication.encode().into_bytes().into_boxed_slice();
            ring.push(Bytes::from(json));
            ring.head()
        };
        self.changed.send_replace(());
        position
    }

    /// What wakes a reader; it counts as a subscriber until it is dropped.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Locks the ring. After a panic elsewhere it goes on: every change to a ring is made after all that can fail.
    pub(crate) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "the alphabet is a subset of what an epoch allows")]
fn new_epoch() -> Epoch {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let character = |_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]);
    let text: String = (0..EPOCH_CHARACTERS).map(character).collect();
    Epoch::new(&text).expect("lower-case letters and digits make an epoch")
}
