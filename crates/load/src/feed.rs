//! The publications of one cell: when each is due, what it says, when it was sent and when it arrived.

use std::{collections::BTreeMap, time::Duration};

use measure::{Mono, Recorder, Window};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    plan::Times,
    scenario::{Arrivals, Publisher, Scenario},
};

/// One publication to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// From the start of the feed.
    pub(crate) offset: Duration,
    pub(crate) room: u32,
    /// Its place among those of its room, from 1.
    pub(crate) ordinal: u64,
    /// The subscriber that publishes it; none where a neutral publisher does.
    pub(crate) sender: Option<u32>,
}

/// All publications of a cell, numbered in the order in which they are due.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) dues: Vec<Due>,
    /// Subscribers of each room.
    pub(crate) subscribers: Vec<u32>,
    pub(crate) start: Mono,
    pub(crate) window: Window,
    /// The instant of each actual write.
    pub(crate) sent: Vec<Option<Mono>>,
    /// Arrivals of each publication, one instant a first delivery.
    pub(crate) arrivals: Vec<Vec<Mono>>,
    /// The offset of each publication, as the server told it first.
    pub(crate) offsets: Vec<Option<u64>>,
}

impl Feed {
    /// Plans the publications of every room from the start to the end of the tail. The same seed gives the same feed, and a
    /// longer one begins with a shorter one.
    ///
    /// Where members publish, each publication has a sender drawn from its room, and every member sends once more in the
    /// scenario's warm-up, at instants spread evenly over it: so that in the window everybody's uplink stands.
    pub(crate) fn plan(scenario: &Scenario, seed: u64, times: Times) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let span = times.published();
        let mut dues = Vec::new();
        for room in 0..scenario.rooms {
            let offsets = scenario.schedule().dues(random.random(), span);
            // Equal gaps in every room at once would make one burst of all rooms.
            let share = f64::from(room) / f64::from(scenario.rooms) / scenario.rate_hz;
            let shift = if scenario.arrivals == Arrivals::Constant { share } else { 0.0 };
            let shift = Duration::try_from_secs_f64(shift).unwrap_or_default();
            let in_time = offsets.into_iter().map(|offset| shift + offset).filter(|offset| *offset < span);
            let sent = match scenario.publisher {
                Publisher::Neutral => in_time.map(|offset| (offset, None)).collect(),
                Publisher::Members => from_members(scenario, room, in_time, random.random()),
            };
            let due = |(ordinal, (offset, sender))| Due { offset, room, ordinal, sender };
            dues.extend((1..).zip(sent).map(due));
        }
        dues.sort_by_key(|due| due.offset);
        let mut subscribers = vec![0; scenario.rooms as usize];
        for subscriber in 0..scenario.subscribers {
            subscribers[(subscriber % scenario.rooms) as usize] += 1;
        }
        let start = Mono::from_nanos(0);
        Self {
            sent: vec![None; dues.len()],
            arrivals: dues.iter().map(|due| Vec::with_capacity(subscribers[due.room as usize] as usize)).collect(),
            offsets: vec![None; dues.len()],
            dues,
            subscribers,
            start,
            window: Window { start: start + times.warm_up, length: times.window },
        }
    }

    /// Fixes the instant at which the feed starts.
    pub(crate) fn start_at(&mut self, start: Mono) {
        let warm_up = self.window.start.saturating_since(self.start);
        self.start = start;
        self.window.start = start + warm_up;
    }

    /// When publication `n` is due.
    pub(crate) fn due_at(&self, n: usize) -> Mono {
        self.start + self.dues[n].offset
    }

    /// The numbers of those due in the window.
    pub(crate) fn in_window(&self) -> impl Iterator<Item = usize> {
        (0..self.dues.len()).filter(|n| self.window.contains(self.due_at(*n)))
    }

    /// Subscribers that publication `n` is meant for.
    pub(crate) fn meant_for(&self, n: usize) -> u64 {
        u64::from(self.subscribers[self.dues[n].room as usize])
    }

    /// How many subscribers have not got publication `n`.
    pub(crate) fn missing(&self, n: usize) -> u64 {
        self.meant_for(n).saturating_sub(self.arrivals[n].len() as u64)
    }

    /// Publications that the server put before an earlier one of the same sender.
    pub(crate) fn overtaken(&self) -> u64 {
        let mut last = BTreeMap::new();
        let mut overtaken = 0;
        for (due, offset) in self.dues.iter().zip(&self.offsets) {
            if let (Some(sender), Some(offset)) = (due.sender, *offset) {
                let before = last.entry(sender).or_insert(0);
                overtaken += u64::from(offset < *before);
                *before = offset.max(*before);
            }
        }
        overtaken
    }

    /// Response and service time of every delivery of a publication due in the window; what was not delivered counts as
    /// never.
    pub(crate) fn times(&self) -> (Recorder, Recorder) {
        let (mut response, mut service) = (Recorder::new(), Recorder::new());
        for n in self.in_window() {
            let due = self.due_at(n);
            let sent = self.sent[n].unwrap_or(due);
            for arrival in &self.arrivals[n] {
                response.record_ns(arrival.signed_nanos_since(due));
                service.record_ns(arrival.signed_nanos_since(sent));
            }
            response.record_undelivered(self.missing(n));
            service.record_undelivered(self.missing(n));
        }
        (response, service)
    }

    /// How late publications due in the window were written; one not written counts as never.
    pub(crate) fn publish_delay(&self) -> Recorder {
        let mut delay = Recorder::new();
        for n in self.in_window() {
            match self.sent[n] {
                Some(sent) => delay.record_ns(sent.signed_nanos_since(self.due_at(n))),
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
                due_ns: from_window(self.due_at(n)),
                sent_ns: self.sent[n].map(from_window),
                first_ns: arrivals.first().copied().map(from_window),
                median_ns: median.map(from_window),
                last_ns: arrivals.last().copied().map(from_window),
                delivered: u32::try_from(arrivals.len()).unwrap_or(u32::MAX),
            }
        };
        (0..self.dues.len()).map(line).collect()
    }
}

/// The instants at which the members of `room` publish, in order, and who does.
fn from_members(
    scenario: &Scenario,
    room: u32,
    scheduled: impl Iterator<Item = Duration>,
    seed: u64,
) -> Vec<(Duration, Option<u32>)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let members: Vec<u32> = (room..scenario.subscribers).step_by(scenario.rooms as usize).collect();
    let share = |member: u32| (f64::from(member) + 0.5) / f64::from(scenario.subscribers);
    let first = members.iter().map(|member| (scenario.warm_up.mul_f64(share(*member)), Some(*member)));
    let drawn = scheduled.map(|offset| (offset, Some(members[random.random_range(0..members.len())])));
    let mut sent: Vec<_> = first.chain(drawn).collect();
    sent.sort_by_key(|(offset, _)| *offset);
    sent
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
