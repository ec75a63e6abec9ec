//! One room: its ring behind one short lock, and waiting for what comes.
//!
//! A reader notes the version of `changed`, reads the ring under the lock, and only then waits for another version; a
//! publisher pushes under the lock and then raises the version. So nothing can slip between reading and waiting. The
//! version is an atomic, and a reader enters a list (one of eight, so that thousands do not meet at one lock) only when
//! it really waits. Every reader that may wait holds a receiver: their number is the number of subscribers, and
//! dropping a reader, at whatever await, takes it out.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use measure::unix_time_us;
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use wire::{
    After, Epoch, GapReason, Position, Publication, RoomName, SessionId,
    name::{JOIN, LEAVE},
};

use crate::{
    keys::Keys,
    limits::Limits,
    presence::{Manner, Presence, Present},
    ring::{Audience, Batch, ReadLimit, Ring},
    session::{Caller, Scope, SessionError, lock},
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
    keys: Mutex<Keys>,
    presence: Mutex<Presence>,
    /// Somebody is there who may lapse.
    has_askers: AtomicBool,
    common: Arc<Common>,
}

/// What all rooms of a hub share.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// Publications taken since the hub began.
    pub(crate) publications: AtomicU64,
    /// The end has been announced: who comes or goes now is not announced any more.
    pub(crate) is_closing: AtomicBool,
}

/// A publication on its way into a room, and whom it is for.
#[derive(Debug, Clone)]
pub(crate) struct Letter<'a> {
    pub(crate) publication: Publication<'a>,
    pub(crate) audience: Audience,
    /// What it is known by when it is tried again.
    pub(crate) key: Option<(Scope, &'a str)>,
}

impl Room {
    /// An empty room with an epoch of its own.
    pub(crate) fn new(name: RoomName, limits: &Limits, common: Arc<Common>) -> Self {
        let (changed, _) = watch::channel(());
        let ring = Mutex::new(Ring::new(new_epoch(), limits));
        let (keys, presence, has_askers) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Self { name, ring, changed, keys, presence, has_askers, common }
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
    /// `session` is the reader's: publications for others are left out, and the position moves on over them. When nothing
    /// came for the reader in time the batch is empty. A waiting reader counts as a subscriber.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: reading takes nothing away.
    pub async fn read_from(&self, session: SessionId, from: &Position, limit: ReadLimit, wait: Wait) -> Batch {
        let mut position = from.clone();
        let found = match wait {
            Wait::No => self.ring().read(session, from, limit, GapReason::Trimmed),
            Wait::For(_) | Wait::Forever => {
                let mut changed = self.watch();
                let waiting = self.next(&mut changed, session, &mut position, limit, GapReason::Trimmed);
                if let Wait::For(time) = wait { timeout(time, waiting).await.ok() } else { Some(waiting.await) }
            }
        };
        found.unwrap_or(Batch { gap: None, items: Vec::new(), position })
    }

    /// Waits until something for `session` follows `position`, which moves on at once over what is for others, so that it
    /// does not count as unread when it is trimmed; `behind` as in [`Ring::read`]. Cancel safe.
    #[expect(clippy::expect_used, reason = "the sender lives in `self`")]
    pub(crate) async fn next(
        &self,
        changed: &mut watch::Receiver<()>,
        session: SessionId,
        position: &mut Position,
        limit: ReadLimit,
        behind: GapReason,
    ) -> Batch {
        loop {
            changed.mark_unchanged();
            let found = self.ring().read(session, position, limit, behind);
            match found {
                Some(batch) if batch.gap.is_some() || !batch.items.is_empty() => return batch,
                Some(passed) => *position = passed.position,
                None => changed.changed().await.expect("a room outlives its readers"),
            }
        }
    }

    /// Gives `letter` the next offset, holds it and wakes all who wait; one whose key is known gets the position it had.
    pub(crate) fn publish(&self, letter: Letter<'_>, limits: &Limits) -> Position {
        let Some((scope, key)) = letter.key else { return self.push(letter) };
        let now = Instant::now();
        // Held over the publishing, so that of two at a time one publishes.
        let mut keys = lock(&self.keys);
        if let Some(offset) = keys.find(scope, key, limits, now) {
            return Position { offset, ..self.position() };
        }
        let position = self.push(letter);
        keys.note(scope, key, position.offset, limits, now);
        position
    }

    /// Where a publish of this key stands, when it was made already.
    pub(crate) fn published(&self, (scope, key): (Scope, &str), limits: &Limits) -> Option<Position> {
        let offset = lock(&self.keys).find(scope, key, limits, Instant::now())?;
        Some(Position { offset, ..self.position() })
    }

    fn push(&self, letter: Letter<'_>) -> Position {
        let Letter { mut publication, audience, .. } = letter;
        let position = {
            let mut ring = self.ring();
            publication.offset = ring.next_offset();
            // Boxed, so that the ring holds no spare capacity and its bytes are what its limit counts.
            let json = publication.encode().into_bytes().into_boxed_slice();
            ring.push(Bytes::from(json), audience);
            ring.head()
        };
        self.common.publications.fetch_add(1, Ordering::Relaxed);
        self.changed.send_replace(());
        position
    }

    /// Takes a seat for a named session until what is returned is dropped; none for a caller without a name, whom nobody
    /// announces. The first seat of a session is announced by a publication, which the session's limit has to allow.
    ///
    /// # Errors
    ///
    /// [`SessionError`] for a session that was ended or comes and goes faster than it may publish.
    pub fn attend(
        self: &Arc<Self>,
        caller: &Caller,
        transport: &'static str,
        manner: Manner,
        limits: &Limits,
    ) -> Result<Option<Attendance>, SessionError> {
        if caller.name().is_none() {
            return Ok(None);
        }
        let mut presence = lock(&self.presence);
        let is_new = !presence.has(caller.id());
        if is_new {
            caller.may_publish(limits)?;
        }
        presence.enter(caller, transport, manner, (Instant::now(), unix_time_us()));
        if manner == Manner::Requests {
            self.has_askers.store(true, Ordering::Relaxed);
        }
        // Announced under the lock: comings and goings are published in the order in which they were.
        if is_new {
            self.announce(JOIN, caller);
        }
        Ok(Some(Attendance { room: Arc::clone(self), session: caller.id(), transport }))
    }

    /// Which named sessions are here, by session and transport.
    pub fn present(&self) -> Vec<Present> {
        lock(&self.presence).list(Instant::now())
    }

    /// How many subscribers have no name.
    pub fn anonymous(&self) -> usize {
        self.subscribers().saturating_sub(lock(&self.presence).open())
    }

    /// Whether somebody is here who may lapse.
    pub(crate) fn has_askers(&self) -> bool {
        self.has_askers.load(Ordering::Relaxed)
    }

    /// Announces the sessions that have not asked again in time.
    pub(crate) fn lapse(&self, now: Instant) {
        let mut presence = lock(&self.presence);
        for gone in presence.lapse(now) {
            self.announce(LEAVE, &gone);
        }
        self.has_askers.store(presence.has_askers(), Ordering::Relaxed);
    }

    /// Forgets keys that are too old; whether no key is left, and nobody who asks is waited for.
    pub(crate) fn sweep(&self, limits: &Limits, now: Instant) -> bool {
        lock(&self.keys).sweep(limits, now) && !self.has_askers()
    }

    /// Publishes that somebody has come or gone. Not once the end is announced: then all go, nobody need be told of everybody,
    /// and who comes once more between the two is not told of either, for its going was not.
    fn announce(&self, event: &str, caller: &Caller) {
        if self.common.is_closing.load(Ordering::Relaxed) {
            return;
        }
        let Ok(data) = serde_json::value::to_raw_value(&Announced { session: caller.id() }) else { return };
        let (from, at_us) = (caller.name().map(Into::into), unix_time_us());
        let publication = Publication { offset: 0, event: event.into(), from, to: None, at_us, data: &data };
        self.push(Letter { publication, audience: Audience::Everybody, key: None });
    }

    /// What wakes a reader; it counts as a subscriber until it is dropped.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Locks the ring.
    pub(crate) fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }
}

/// The `data` of what a room announces.
#[derive(Serialize)]
struct Announced {
    session: SessionId,
}

/// The seat of a named session in a room, by one transport. Dropping it gives the seat back; a stream that was the session's
/// last is announced as gone, one that asks is waited for.
#[derive(Debug)]
#[must_use]
pub struct Attendance {
    room: Arc<Room>,
    session: SessionId,
    transport: &'static str,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let mut presence = lock(&self.room.presence);
        let gone = presence.leave(self.session, self.transport, Instant::now());
        if let Some(gone) = gone {
            self.room.announce(LEAVE, &gone);
        }
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
