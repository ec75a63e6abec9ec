//! The clocks. This is the only file of the workspace that reads one for a sample.
//!
//! Every instant of a measurement is a [`Mono`]: `CLOCK_MONOTONIC` in nanoseconds, which has the same zero in all
//! processes of a host (outside a time namespace) and never steps with the wall clock. `std::time::Instant` reads the
//! same clock but cannot be turned into a number that crosses a process boundary.

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// An instant of `CLOCK_MONOTONIC`, in nanoseconds since the host's zero (about its boot).
///
/// Instants of one host compare and subtract across processes; instants of two hosts mean nothing to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// Reads the clock (about 25 ns).
    #[must_use]
    pub fn now() -> Self {
        Self(nanos(clock_gettime(ClockId::Monotonic)))
    }

    /// The instant `nanos` after the host's zero, as another process or a test told it.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the host's zero.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`, zero when `earlier` is later. For waiting; a sample uses [`Mono::signed_nanos_since`],
    /// which hides nothing.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds from `other` to this instant, negative when this one is the earlier. Differences beyond 292 years
    /// stop at the ends of `i64`.
    #[must_use]
    pub fn signed_nanos_since(self, other: Self) -> i64 {
        let beyond = if self > other { i64::MAX } else { i64::MIN };
        self.0.checked_signed_diff(other.0).unwrap_or(beyond)
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;

    /// Stops at the host's zero.
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// Stops at the last representable instant, 584 years after the host's zero.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Microseconds since 1970 by the wall clock: for people, never for measuring, because it steps.
#[must_use]
pub fn unix_time_us() -> u64 {
    nanos(clock_gettime(ClockId::Realtime)) / 1_000
}

/// Blocks the thread until `due`, at once when it has passed. Signals do not end it early; the kernel ends it late, by
/// about 0.1 ms on an idle host and by milliseconds on a busy one.
pub fn sleep_until(due: Mono) {
    // The kernel refuses only malformed requests; one beyond `Timespec` (never, for a u64) would not be worth waiting for.
    let Ok(request) = Timespec::try_from(Duration::from_nanos(due.0)) else { return };
    while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(Errno::INTR) {}
}

/// Both clocks read here are never negative.
fn nanos(time: Timespec) -> u64 {
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}
