//! The arrival window of a measurement. What it selects (bytes received in it, publications due in it) is the caller's
//! rule; see "The window" in `measurement.md`.

use std::time::Duration;

use crate::clock::Mono;

/// The half-open interval `[start, start + length)`: windows laid end to end share no instant and miss none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside.
    pub start: Mono,
    /// From the first instant inside to the first one after.
    pub length: Duration,
}

impl Window {
    /// Whether `instant` lies inside.
    #[must_use]
    pub fn contains(&self, instant: Mono) -> bool {
        self.start <= instant && instant < self.end()
    }

    /// The first instant that no longer lies inside.
    #[must_use]
    pub fn end(&self) -> Mono {
        self.start + self.length
    }
}
