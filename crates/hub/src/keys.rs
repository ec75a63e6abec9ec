//! The keys by which a publish that is tried again is known: to one caller, in one room, for some time.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::{limits::Limits, session::Scope};

/// The keys of one room.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_scope: HashMap<Scope, Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    offsets: HashMap<Box<str>, u64>,
    /// Oldest first.
    order: VecDeque<(Instant, Box<str>)>,
}

impl Keys {
    /// The offset that was published under this key, when that is not too long ago.
    pub(crate) fn find(&mut self, scope: Scope, key: &str, limits: &Limits, now: Instant) -> Option<u64> {
        let recent = self.by_scope.get_mut(&scope)?;
        recent.forget(limits, now);
        recent.offsets.get(key).copied()
    }

    /// Notes what was published under a key that [`find`](Self::find) does not know.
    pub(crate) fn note(&mut self, scope: Scope, key: &str, offset: u64, limits: &Limits, now: Instant) {
        let recent = self.by_scope.entry(scope).or_default();
        recent.offsets.insert(key.into(), offset);
        recent.order.push_back((now, key.into()));
        recent.forget(limits, now);
    }

    /// Drops what is too old.
    pub(crate) fn sweep(&mut self, limits: &Limits, now: Instant) {
        self.by_scope.retain(|_, recent| {
            recent.forget(limits, now);
            !recent.order.is_empty()
        });
    }
}

impl Recent {
    fn forget(&mut self, limits: &Limits, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) >= limits.key_life;
        while self.order.len() > limits.keys || self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            if let Some((_, key)) = self.order.pop_front() {
                self.offsets.remove(&key);
            }
        }
    }
}
