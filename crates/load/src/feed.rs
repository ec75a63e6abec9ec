//! The publications of one cell: when each is due, what it says, when it was sent and when it arrived.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use measure::{Mono, Recorder, Window};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::scenario::Scenario;

/// One publication to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Mono,
    pub(crate) room: u32,
}

/// All publications of a cell, numbered in the order in which they are due.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) dues: Vec<Due>,
    /// Nanoseconds of the clock at the actual write, 0 before it. Written by the pacing thread alone.
    pub(crate) sent: Arc<Vec<AtomicU64>>,
    /// Arrivals of each publication, one instant a first delivery.
    pub(crate) arrivals: Vec<Vec<Mono>>,
    pub(crate) window: Window,
}

impl Feed {
    /// Plans the publications of every room in `[start, window end + tail)`.
    pub(crate) fn plan(scenario: &Scenario, seed: u64, start: Mono, window: Window, tail: Duration) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let span = window.end().saturating_since(start) + tail;
        let mut dues = Vec::new();
        for room in 0..scenario.rooms {
            let offsets = scenario.schedule().dues(random.random(), span);
            // Equal gaps in every room at once would make one burst of all rooms.
            let share = f64::from(room) / f64::from(scenario.rooms) / scenario.rate_hz;
            let shift = if scenario.arrivals == crate::Arrivals::Constant { share } else { 0.0 };
            let shift = Duration::try_from_secs_f64(shift).unwrap_or_default();
            dues.extend(offsets.into_iter().map(|offset| Due { at: start + shift + offset, room }));
        }
        dues.retain(|due| due.at < start + span);
        dues.sort_by_key(|due| due.at);
        let per_room = scenario.subscribers.div_ceil(scenario.rooms) as usize;
        Self {
            sent: Arc::new(dues.iter().map(|_| AtomicU64::new(0)).collect()),
            arrivals: dues.iter().map(|_| Vec::with_capacity(per_room)).collect(),
            dues,
            window,
        }
    }

    /// When publication `n` was written.
    pub(crate) fn sent_at(&self, n: usize) -> Option<Mono> {
        match self.sent[n].load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Mono::from_nanos(nanos)),
        }
    }

    /// The numbers of those due in the window.
    pub(crate) fn in_window(&self) -> impl Iterator<Item = usize> {
        (0..self.dues.len()).filter(|n| self.window.contains(self.dues[*n].at))
    }

    /// Response and service time of every delivery of a publication due in the window; what was not delivered to one of
    /// `subscribers_of(room)` counts as never.
    pub(crate) fn times(&self, subscribers_of: impl Fn(u32) -> u32) -> (Recorder, Recorder) {
        let (mut response, mut service) = (Recorder::new(), Recorder::new());
        for n in self.in_window() {
            let due = self.dues[n];
            let sent = self.sent_at(n).unwrap_or(due.at);
            for arrival in &self.arrivals[n] {
                response.record_ns(arrival.signed_nanos_since(due.at));
                service.record_ns(arrival.signed_nanos_since(sent));
            }
            let missing = u64::from(subscribers_of(due.room)).saturating_sub(self.arrivals[n].len() as u64);
            response.record_undelivered(missing);
            service.record_undelivered(missing);
        }
        (response, service)
    }

    /// How late publications due in the window were written; one not written counts as never.
    pub(crate) fn publish_delay(&self) -> Recorder {
        let mut delay = Recorder::new();
        for n in self.in_window() {
            match self.sent_at(n) {
                Some(sent) => delay.record_ns(sent.signed_nanos_since(self.dues[n].at)),
                None => delay.record_undelivered(1),
            }
        }
        delay
    }

    /// From the first to the last subscriber of each publication due in the window that more than one got.
    pub(crate) fn fanout_spread(&self) -> Recorder {
        let mut spread = Recorder::new();
        for n in self.in_window() {
            if let (Some(first), Some(last)) = (self.arrivals[n].iter().min(), self.arrivals[n].iter().max())
                && self.arrivals[n].len() > 1
            {
                spread.record_ns(last.signed_nanos_since(*first));
            }
        }
        spread
    }

    /// The line of every publication in the record.
    pub(crate) fn lines(&self) -> Vec<record::Publication> {
        let from_window = |at: Mono| at.signed_nanos_since(self.window.start);
        let line = |n: usize| {
            let mut arrivals = self.arrivals[n].clone();
            arrivals.sort_unstable();
            // The lower of the two in the middle: an instant that happened.
            let median = arrivals.len().checked_sub(1).map(|last| arrivals[last / 2]);
            record::Publication {
                n: n as u64,
                room: self.dues[n].room,
                due_ns: from_window(self.dues[n].at),
                sent_ns: self.sent_at(n).map(from_window),
                first_ns: arrivals.first().copied().map(from_window),
                median_ns: median.map(from_window),
                last_ns: arrivals.last().copied().map(from_window),
                delivered: u32::try_from(arrivals.len()).unwrap_or(u32::MAX),
            }
        };
        (0..self.dues.len()).map(line).collect()
    }
}

/// The `data` of publication `n`: exactly `size_bytes` long.
pub(crate) fn data(n: usize, size_bytes: usize) -> String {
    let bare = format!(r#"{{"n":{n},"pad":""}}"#).len();
    format!(r#"{{"n":{n},"pad":"{}"}}"#, "x".repeat(size_bytes.saturating_sub(bare)))
}

/// The number in a `data` made by [`data`].
pub(crate) fn number(data: &str) -> Option<usize> {
    let digits = data.strip_prefix(r#"{"n":"#)?;
    digits[..digits.find(',')?].parse().ok()
}
