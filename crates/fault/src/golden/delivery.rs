//! The one thread that waits and writes.

use std::sync::{Arc, mpsc::Receiver};

use measure::{Mono, clock};

use super::rooms::Rooms;

/// A publication on its way to subscribers.
#[derive(Debug)]
pub(super) struct Due {
    /// When it is written. Never before that of an earlier one by more than threads overtake each other, because the delay is
    /// the same for all.
    pub(super) at: Mono,
    pub(super) room: Arc<str>,
    pub(super) offset: u64,
    pub(super) json: Arc<str>,
}

/// Delivers until nobody can publish any more.
pub(super) fn run(waiting: &Receiver<Due>, rooms: &Rooms, two_writes: bool) {
    for due in waiting {
        if Mono::now() < due.at {
            clock::sleep_until(due.at);
        }
        rooms.deliver(&due.room, due.offset, &due.json, two_writes);
    }
}
