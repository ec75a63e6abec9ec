//! What a number is: the clock it is read from, the schedule it is counted from, the histogram and the ledgers it is
//! kept in, and the statistics that say whether it differs from another one.
//!
//! This crate knows no transport, does no I/O but reading clocks and the kernel's counts of a socket, and sleeping, and depends
//! on no other crate of the workspace. Everything but `clock` and `tcp_info` is a pure function of its arguments: a test builds [`Mono`] values by hand.

pub mod clock;
pub mod compare;
pub mod deliveries;
pub mod intervals;
pub mod ledger;
pub mod recorder;
pub mod schedule;
pub mod tcp_info;
pub mod window;

pub use clock::{Mono, unix_time_us};
pub use compare::{NoiseFloor, Ranked, Ratio};
pub use deliveries::{Deliveries, Sequence, Verdict};
pub use ledger::{ByteLedger, Category, Direction};
pub use recorder::{Recorder, RecorderTextError};
pub use schedule::Schedule;
pub use tcp_info::TcpInfo;
pub use window::Window;

#[cfg(test)]
mod tests;
