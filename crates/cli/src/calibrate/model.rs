//! What subscribers of a lane see of a server that stands still, by how they ask: a simulation of their gate, publication by
//! publication. Pure.
//!
//! Beside waiting nothing takes time here. While the server stands still, requests and publications queue up; when it goes on,
//! it takes up its connections in the order in which they became ready.

use std::time::Duration;

use load::Stall;
use measure::Recorder;

/// How often the common start of all phases is varied: the record has the phases but not where the first one lies.
const STARTS: u32 = 16;

/// How subscribers ask.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asking {
    /// They do not: what is published is pushed.
    Never,
    /// Again as soon as there was an answer, which the server holds until there is something.
    AtOnce {
        /// From an answer to the arrival of the next request.
        shut: Duration,
    },
    /// By the clock, at the first instant of the grid after the last answer.
    ByTheClock {
        /// From one instant of the grid to the next.
        interval: Duration,
        /// Where each subscriber's grid begins, as a share of the interval.
        phases: Vec<f64>,
    },
}

/// Publications, each to the one subscriber of its room, in the order in which they are due.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feed {
    /// The window is from 0 to this.
    pub(super) window: Duration,
    /// Room, and nanoseconds from the start of the window.
    pub(super) dues: Vec<(u32, i64)>,
}

/// When the server stands still, in nanoseconds from the start of the window.
#[derive(Debug, Clone, Copy)]
struct Still {
    from: i64,
    to: i64,
}

impl Still {
    fn contains(self, at: i64) -> bool {
        self.from <= at && at < self.to
    }

    /// When something that arrives at `at` is dealt with.
    fn served(self, at: i64) -> i64 {
        if self.contains(at) { self.to } else { at }
    }
}

/// The response times of all that is due in the window.
pub(super) fn simulate(feed: &Feed, stall: Stall, asking: &Asking) -> Recorder {
    let still = Still { from: nanos(stall.after), to: nanos(stall.after + stall.length) };
    let rooms = feed.dues.iter().map(|(room, _)| room + 1).max().unwrap_or(0);
    let mut times = Recorder::new();
    for room in 0..rooms {
        let dues: Vec<i64> = feed.dues.iter().filter(|(other, _)| *other == room).map(|(_, due)| *due).collect();
        let mut record = |delivered: &[i64]| {
            let of_window = |due: i64| (0..nanos(feed.window)).contains(&due);
            let both = dues.iter().zip(delivered).filter(|(due, _)| of_window(**due));
            both.for_each(|(due, delivered)| times.record_ns(delivered - due));
        };
        match asking {
            Asking::Never => record(&dues.iter().map(|due| still.served(*due)).collect::<Vec<_>>()),
            Asking::AtOnce { shut } => record(&at_once(&dues, still, nanos(*shut))),
            Asking::ByTheClock { interval, phases } => {
                let phase = phases.get(room as usize).copied().unwrap_or(0.0);
                for start in 0..STARTS {
                    let share = phase + f64::from(start) / f64::from(STARTS);
                    record(&by_the_clock(&dues, still, nanos(*interval), nanos(interval.mul_f64(share))));
                }
            }
        }
    }
    times
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A request waits, except for `shut` after every answer; an answer carries what the server has by then.
fn at_once(dues: &[i64], still: Still, shut: i64) -> Vec<i64> {
    let (mut open_from, mut answered) = (i64::MIN, i64::MIN);
    let mut delivered = Vec::with_capacity(dues.len());
    for &due in dues {
        let here = still.served(due);
        // What was here when an answer left was in it.
        if here > answered {
            answered = still.served(here.max(open_from));
            open_from = answered + shut;
        }
        delivered.push(answered);
    }
    delivered
}

/// A request at every instant of the grid at which none is under way; its answer carries what the server has by then.
fn by_the_clock(dues: &[i64], still: Still, interval: i64, phase: i64) -> Vec<i64> {
    let Some(&first) = dues.first() else { return Vec::new() };
    let next_after = |at: i64| phase + interval * ((at - phase).div_euclid(interval) + 1);
    let first_queued = dues.iter().copied().find(|due| still.contains(*due));
    let mut asked = next_after(first - interval);
    let mut delivered = Vec::with_capacity(dues.len());
    while delivered.len() < dues.len() {
        let answered = still.served(asked);
        // A request that had queued up before the room's publisher had is dealt with before it.
        let behind_it = !still.contains(asked) || first_queued.is_some_and(|first| first <= asked);
        let is_here = |due: i64| if still.contains(due) { still.to <= answered && behind_it } else { due <= answered };
        while dues.get(delivered.len()).is_some_and(|due| is_here(*due)) {
            delivered.push(answered);
        }
        asked = next_after(answered);
    }
    delivered
}
