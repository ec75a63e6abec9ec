//! A subscription: a place in a room that moves on with every batch.

use std::sync::Arc;

use tokio::sync::watch;
use wire::{After, GapReason, Position, SessionId};

use crate::{
    limits::Limits,
    presence::Manner,
    ring::{Batch, ReadLimit},
    room::{Attendance, Room},
    session::{Caller, SessionError},
};

/// A place in a room. Counts as a subscriber, and keeps the room, until it is dropped.
///
/// Over its life every offset after its first position is delivered once, inside exactly one gap, or of a publication for
/// others, in order.
/// After an epoch gap the same holds from the position that the gap gives.
#[derive(Debug)]
pub struct Subscription {
    room: Arc<Room>,
    changed: watch::Receiver<()>,
    session: SessionId,
    position: Position,
    /// The reason of the next gap, should there be one; `Epoch` when there is one for certain.
    behind: GapReason,
    _attendance: Option<Attendance>,
}

impl Subscription {
    /// Starts where `after` says. What announces that a named session has come follows it.
    ///
    /// # Errors
    ///
    /// As [`Room::attend`].
    pub(crate) fn new(
        room: Arc<Room>,
        after: After,
        caller: &Caller,
        transport: &'static str,
        limits: &Limits,
    ) -> Result<Self, SessionError> {
        let (position, behind) = match after {
            After::Position(position) => {
                let lacking = room.ring().lacks(&position);
                (position, lacking.unwrap_or(GapReason::Slow))
            }
            After::Head | After::Earliest => (room.resolve(&after), GapReason::Slow),
        };
        let (changed, session) = (room.watch(), caller.id());
        let attendance = room.attend(caller, transport, Manner::Stream, limits)?;
        Ok(Self { room, changed, session, position, behind, _attendance: attendance })
    }

    /// The room it is in.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Everything up to here was in a batch, was told of in a gap, was for others, or lies before the start.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Waits for what follows the position, as [`Room::read_from`] with [`crate::Wait::Forever`], and moves on.
    ///
    /// The reason of a gap is `trimmed` when something was missing already as the subscription began, `slow` when the
    /// ring went on without it since, `epoch` when it began with a position of another history.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the position moves only when a batch is returned, and over what is for others.
    pub async fn next(&mut self, limit: ReadLimit) -> Batch {
        let batch = self.room.next(&mut self.changed, self.session, &mut self.position, limit, self.behind).await;
        self.position.clone_from(&batch.position);
        self.behind = GapReason::Slow;
        batch
    }
}
