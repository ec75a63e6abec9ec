//! What one room holds, and what a read finds in it: no lock, no waiting, no clock.
//!
//! Offsets are contiguous: the ring holds `oldest..=head`, and everything before `oldest` is trimmed.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use wire::{Epoch, Gap, GapReason, Position, SessionId};

use crate::limits::Limits;

/// How many forms of a publication are kept beside its JSON: one for each carrier that frames once for all. A further one
/// takes the next number and raises this.
pub const FORMS: usize = 2;

/// Whom a publication is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every subscriber.
    Everybody,
    /// Every subscriber but those of one session.
    AllBut(SessionId),
    /// The subscribers of two sessions: the one it is sent to, and the one that sent it.
    Between(SessionId, SessionId),
}

impl Audience {
    /// Whether the subscribers of a session get it.
    pub fn has(self, session: SessionId) -> bool {
        match self {
            Self::Everybody => true,
            Self::AllBut(other) => session != other,
            Self::Between(to, from) => session == to || session == from,
        }
    }
}

/// One publication as the ring holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its place in the room, from 1.
    pub offset: u64,
    /// [`wire::Publication`] as JSON, encoded once; always UTF-8.
    pub json: Bytes,
    audience: Audience,
    forms: Arc<[OnceLock<Bytes>; FORMS]>,
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        (self.offset, &self.json) == (other.offset, &other.json)
    }
}

impl Eq for Stored {}

impl Stored {
    pub(crate) fn new(offset: u64, json: Bytes, audience: Audience) -> Self {
        Self { offset, json, audience, forms: Arc::default() }
    }

    /// The bytes that whoever owns `form` (below [`FORMS`]) makes of it: made once, for the first subscriber that needs them,
    /// and kept for the others for as long as the publication. They are not counted in the ring's bytes.
    ///
    /// # Panics
    ///
    /// When there is no such form.
    pub fn form(&self, form: usize, make: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.forms[form].get_or_init(|| make(self))
    }

    /// The JSON as text. Checks the UTF-8 anew: use [`json`](Self::json) where bytes will do.
    ///
    /// # Panics
    ///
    /// Only for a `Stored` made by hand of other bytes than UTF-8; a room's are text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.json).expect("stored publications are UTF-8")
    }
}

/// What one batch carries at most; at least one publication is carried whenever one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// How many publications; 0 counts as 1.
    pub items: usize,
    /// How many bytes of encoded publications, unless the first alone has more.
    pub bytes: usize,
}

/// What a read found: a gap or none, then publications with increasing offsets.
///
/// Offsets that are left out are of publications for others; the position lies beyond those that follow the last item too.
/// Both are missing when nothing came for this reader while it waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What is missing before `items`.
    pub gap: Option<Gap>,
    /// In order.
    pub items: Vec<Stored>,
    /// Where the next read goes on.
    pub position: Position,
}

/// The publications of one history of a room.
pub(crate) struct Ring {
    epoch: Epoch,
    held: VecDeque<Stored>,
    held_bytes: usize,
    head: u64,
    max_items: usize,
    max_bytes: usize,
}

impl Ring {
    /// An empty ring, bounded by `limits.ring_items` and `limits.ring_bytes`.
    pub(crate) fn new(epoch: Epoch, limits: &Limits) -> Self {
        let (max_items, max_bytes) = (limits.ring_items, limits.ring_bytes);
        Self { epoch, held: VecDeque::new(), held_bytes: 0, head: 0, max_items, max_bytes }
    }

    /// The offset that the next publication gets.
    pub(crate) fn next_offset(&self) -> u64 {
        self.head + 1
    }

    /// Takes the publication of [`next_offset`](Self::next_offset) and trims what no longer fits.
    pub(crate) fn push(&mut self, json: Bytes, audience: Audience) {
        self.head += 1;
        self.held_bytes += json.len();
        self.held.push_back(Stored::new(self.head, json, audience));
        while self.held.len() > 1 && self.is_over() {
            if let Some(trimmed) = self.held.pop_front() {
                self.held_bytes -= trimmed.json.len();
            }
        }
    }

    fn is_over(&self) -> bool {
        self.held.len() > self.max_items || self.held_bytes > self.max_bytes
    }

    /// The position of the newest publication.
    pub(crate) fn head(&self) -> Position {
        self.at(self.head)
    }

    /// The position before the oldest publication held.
    pub(crate) fn earliest(&self) -> Position {
        self.at(self.before_oldest())
    }

    /// Why what follows `position` cannot be read in full: `Epoch`, `Trimmed` or nothing in the way.
    pub(crate) fn lacks(&self, position: &Position) -> Option<GapReason> {
        if position.epoch != self.epoch || position.offset > self.head {
            Some(GapReason::Epoch)
        } else if position.offset < self.before_oldest() {
            Some(GapReason::Trimmed)
        } else {
            None
        }
    }

    /// What follows `from` for the subscribers of `session`, or nothing when `from` is the head. Where all of it is for
    /// others, the batch has neither gap nor items, and its position lies beyond them.
    ///
    /// A position of another epoch, and an offset beyond the head, are of a history that is not this one: an epoch
    /// gap, then everything held. An offset before the oldest held: a gap of the exact range, then everything held.
    ///
    /// `behind` is the reason of such a range, or `Epoch` when `from` was of another history when the reader came with
    /// it: the head may have passed its offset since, which does not make it true.
    pub(crate) fn read(
        &self,
        session: SessionId,
        from: &Position,
        limit: ReadLimit,
        behind: GapReason,
    ) -> Option<Batch> {
        let gap = match self.lacks(from) {
            Some(GapReason::Epoch) => Some(self.epoch_gap()),
            _ if behind == GapReason::Epoch => Some(self.epoch_gap()),
            Some(_) => Some(self.range_gap(from.offset, behind)),
            None => None,
        };
        let after = gap.as_ref().map_or(from.offset, |gap| gap.position.offset);
        if gap.is_none() && after == self.head {
            return None;
        }
        let (items, offset) = self.after(session, after, limit);
        Some(Batch { gap, items, position: self.at(offset) })
    }

    /// What `session` gets of the publications behind `offset`, as many as `limit` takes, and the last offset looked at.
    fn after(&self, session: SessionId, offset: u64, limit: ReadLimit) -> (Vec<Stored>, u64) {
        let first = self.held.partition_point(|stored| stored.offset <= offset);
        let is_for = |stored: &&Stored| stored.audience.has(session);
        let (mut count, mut bytes, mut reached) = (0_usize, 0_usize, self.head);
        for stored in self.held.range(first..).filter(is_for) {
            bytes = bytes.saturating_add(stored.json.len());
            // What does not fit, and whatever for others lies before it, is left to the next read.
            if count > 0 && (count >= limit.items || bytes > limit.bytes) {
                reached = stored.offset - 1;
                break;
            }
            count += 1;
        }
        // Counted before, so that the batch is allocated once and exactly.
        let mut items = Vec::with_capacity(count);
        items.extend(self.held.range(first..).filter(is_for).take(count).cloned());
        (items, reached)
    }

    fn range_gap(&self, offset: u64, reason: GapReason) -> Gap {
        let (from, to) = (offset + 1, self.before_oldest());
        Gap { from: Some(from), to: Some(to), missed: Some(to - offset), reason, position: self.earliest() }
    }

    fn epoch_gap(&self) -> Gap {
        let position = self.earliest();
        Gap { from: None, to: None, missed: None, reason: GapReason::Epoch, position }
    }

    fn before_oldest(&self) -> u64 {
        self.held.front().map_or(self.head, |oldest| oldest.offset - 1)
    }

    fn at(&self, offset: u64) -> Position {
        Position { epoch: self.epoch.clone(), offset }
    }
}
