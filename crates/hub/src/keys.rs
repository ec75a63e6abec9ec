//! The keys by which a publish that is tried again is known: to one caller, in one room, for some time.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::{limits::Limits, session::Scope};

/// How many callers' keys one room knows: callers cost nothing to make, so they are bounded too.
///
/// 1,000: more people than retry in one room within two minutes.
const MAX_CALLERS: usize = 1_000;

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

    /// Notes what was published under a key that [`find`](Self::find) does not know. The keys of [`MAX_CALLERS`] are kept, of
    /// those who used one last.
    pub(crate) fn note(&mut self, scope: Scope, key: &str, offset: u64, limits: &Limits, now: Instant) {
        if self.by_scope.len() >= MAX_CALLERS && !self.by_scope.contains_key(&scope) {
            let last = |recent: &Recent| recent.order.back().map(|(at, _)| *at);
            let idle = self.by_scope.iter().min_by_key(|(_, recent)| last(recent)).map(|(scope, _)| *scope);
            idle.and_then(|idle| self.by_scope.remove(&idle));
        }
        let recent = self.by_scope.entry(scope).or_default();
        recent.offsets.insert(key.into(), offset);
        recent.order.push_back((now, key.into()));
        recent.forget(limits, now);
    }

    /// Drops what is too old; whether nothing is left.
    pub(crate) fn sweep(&mut self, limits: &Limits, now: Instant) -> bool {
        self.by_scope.retain(|_, recent| {
            recent.forget(limits, now);
            !recent.order.is_empty()
        });
        self.by_scope.is_empty()
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
