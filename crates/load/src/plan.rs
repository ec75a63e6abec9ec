//! The plan of a run: which lanes, how many blocks, in which order, from which seeds.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use transport::{Headers, Lane, Role, Spec, Transport};

use crate::scenario::{Publisher, Scenario, Workload};

/// How much evidence a run gathers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// How many blocks: the unit of evidence.
    pub blocks: u32,
}

impl Profile {
    /// Six blocks: the fewest whose smallest and largest value bound the median with 95 %.
    pub const QUICK: Self = Self { name: "quick", blocks: 6 };
}

/// A stop of the server under test, as a machine that swaps or a collector of garbage makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the window. It may last beyond the window's end.
    pub after: Duration,
    /// How long.
    pub length: Duration,
}

/// Everything a run needs to be told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The question.
    pub scenario: Scenario,
    /// How much evidence.
    pub profile: Profile,
    /// The lanes, in the order in which reports show them.
    pub lanes: Vec<Lane>,
    /// Where every random choice comes from.
    pub seed: u64,
    /// The request heads of the drivers.
    pub headers: Headers,
    /// All transports there are: the publisher's is the floor among them.
    pub catalog: &'static [Spec],
    /// The round trip that is put between subscribers and server; none is loopback's own.
    pub rtt: Option<Duration>,
    /// The server is stopped once in every window. Bytes and costs of such a run mean nothing.
    pub stall: Option<Stall>,
    /// The newest calibration of the ruler on this host, for the record.
    pub calibration: Option<record::Calibration>,
    /// The command that repeats the run.
    pub command: String,
    /// The commit of the program, when known.
    pub commit: Option<String>,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// No lane to run.
    #[error("no lane is named; `feedbench list` shows what there is")]
    NoLanes,
    /// The same lane twice.
    #[error("lane {0} is named twice")]
    Twice(String),
    /// Nothing can publish.
    #[error("no transport of the list is the floor, so nothing can publish")]
    NoFloor,
    /// More publications or deliveries than the generator keeps in memory.
    #[error(
        "a cell of lane {lane} would have {count:.0} {what}; at most {limit:.0}: lower --rate, --clients or --duration"
    )]
    TooMuch {
        /// The lane.
        lane: String,
        /// How many.
        count: f64,
        /// Of what.
        what: &'static str,
        /// How many may be.
        limit: f64,
    },
    /// Nothing to measure.
    #[error(
        "scenario {0:?} publishes nothing, and behind a round trip only times are measured: leave --rtt out, or choose a \
         scenario that publishes or connects"
    )]
    NothingToTime(String),
    /// More connections than files.
    #[error(
        "{subscribers} subscribers of lane {lane} need {needed} files in one process, but the file limit is {limit}: use \
         fewer --clients"
    )]
    Files {
        /// Subscribers asked for.
        subscribers: u32,
        /// The lane.
        lane: String,
        /// Files needed.
        needed: u64,
        /// Files allowed.
        limit: u64,
    },
}

/// One cell to run.
#[derive(Debug, Clone)]
pub(crate) struct CellPlan {
    pub(crate) lane: Lane,
    pub(crate) twin: bool,
    pub(crate) block: u32,
    pub(crate) order: u32,
    /// Of the feed: the same for all lanes of a block.
    pub(crate) feed_seed: u64,
    /// Of everything else: phases, nonces, masks.
    pub(crate) seed: u64,
}

/// Publications of one cell, each with its bytes ready to be written: some 500 MB at the default size.
const MOST_PUBLICATIONS: f64 = 1e6;

/// `data` without the digits of its number and without padding.
const BARE_DATA_BYTES: u32 = 15;

/// Deliveries of one cell, each with the instant of its arrival: 800 MB.
const MOST_DELIVERIES: f64 = 1e8;

/// How long after the window a subscription may take to stand, where that is measured.
const STAND_WITHIN: Duration = Duration::from_secs(10);

/// What a cell takes beside its feed: server, connections, memory, what is followed. A host of two CPUs took 0.2 s for 300
/// subscribers.
const BESIDE: Duration = Duration::from_millis(250);

/// Files a generator needs beside its connections: epoll, timer, pipes, the record, what the runtime holds.
const OTHER_FILES: u64 = 64;

impl Plan {
    /// Checks what can be known before the first cell.
    ///
    /// # Errors
    ///
    /// [`PlanError`], whose text says what to do.
    pub fn check(&self, file_limit: u64) -> Result<(), PlanError> {
        if self.lanes.is_empty() {
            return Err(PlanError::NoLanes);
        }
        for (index, lane) in self.lanes.iter().enumerate() {
            let name = lane.to_string();
            if self.lanes[..index].iter().any(|other| other.to_string() == name) {
                return Err(PlanError::Twice(name));
            }
        }
        self.publisher()?;
        if matches!(self.scenario.workload(), Ok(Workload::Idle { .. })) && self.rtt.is_some() {
            return Err(PlanError::NothingToTime(self.scenario.name.clone()));
        }
        // A tenth to spare, because a Poisson process is not to be held to its mean.
        let numbered = 0.9 * 10_f64.powf(f64::from(self.scenario.size_bytes) - f64::from(BARE_DATA_BYTES));
        for lane in &self.lanes {
            let seconds = self.times(lane.build().as_ref()).published().as_secs_f64();
            let publications = self.scenario.rate_hz * f64::from(self.scenario.rooms) * seconds;
            let deliveries = self.scenario.rate_hz * f64::from(self.scenario.subscribers) * seconds;
            let counts = [
                (publications, "publications", MOST_PUBLICATIONS),
                (publications, "publications, whose numbers must fit into size_bytes", numbered),
                (deliveries, "deliveries", MOST_DELIVERIES),
            ];
            if let Some((count, what, limit)) = counts.into_iter().find(|(count, _, limit)| count > limit) {
                return Err(PlanError::TooMuch { lane: lane.to_string(), count, what, limit });
            }
        }
        for lane in &self.lanes {
            // A member's uplink may be a connection of its own; a proxy has both ends of each.
            let uplink = u32::from(self.scenario.publisher == Publisher::Members);
            let ends = if self.rtt.is_some() { 3 } else { 1 };
            let (subscribers, each) = (self.scenario.subscribers, (lane.build().connections() + uplink) * ends);
            let publishers = u64::from(self.scenario.publishers());
            let needed = u64::from(subscribers) * u64::from(each) + publishers + OTHER_FILES;
            if needed > file_limit {
                return Err(PlanError::Files { subscribers, lane: lane.to_string(), needed, limit: file_limit });
            }
        }
        Ok(())
    }

    /// The lane that the publisher uses.
    pub(crate) fn publisher(&self) -> Result<Lane, PlanError> {
        let floor = self.catalog.iter().find(|spec| spec.role == Role::Floor);
        floor.map(Lane::plain).ok_or(PlanError::NoFloor)
    }

    /// The lane that runs twice: the one whose transport says so, else the first.
    pub(crate) fn twin(&self) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.spec().role == Role::Twin).or(self.lanes.first())
    }

    /// All cells in the order in which they run: every block has every lane and the twin once, shuffled.
    pub(crate) fn cells(&self) -> Vec<CellPlan> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut cells = Vec::new();
        for block in 0..self.profile.blocks {
            let lanes = self.lanes.iter().map(|lane| (lane, false));
            let mut runs: Vec<_> = lanes.chain(self.twin().map(|lane| (lane, true))).collect();
            runs.shuffle(&mut random);
            let feed_seed = random.random();
            for (order, (lane, twin)) in (0..).zip(runs) {
                let seed = random.random();
                cells.push(CellPlan { lane: lane.clone(), twin, block, order, feed_seed, seed });
            }
        }
        cells
    }

    /// The phases of a cell of `transport`. Behind a round trip the feed is in full flow later, and followed for longer: what
    /// waits for the next request comes one and a half round trips after it was due.
    pub(crate) fn times(&self, transport: &dyn Transport) -> Times {
        let times = Times::of(&self.scenario, transport.interval());
        let rtt = self.rtt.unwrap_or_default();
        Times { warm_up: times.warm_up.max(2 * rtt), follow: times.follow + 4 * rtt, ..times }
    }

    /// How long the cells take, roughly: what is paced, and a quarter of a second for the rest of each.
    pub fn estimate(&self) -> Duration {
        let opening = match self.scenario.workload() {
            Ok(Workload::Idle { heartbeat }) => heartbeat,
            _ => Duration::ZERO,
        };
        let cells = self
            .lanes
            .iter()
            .chain(self.twin())
            .map(|lane| opening + self.times(lane.build().as_ref()).published() + BESIDE);
        cells.sum::<Duration>() * self.profile.blocks
    }
}

/// The phases of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// Published before the window.
    pub(crate) warm_up: Duration,
    /// The arrival window.
    pub(crate) window: Duration,
    /// Published after the window.
    pub(crate) tail: Duration,
    /// How long after the window a publication due in it is waited for.
    pub(crate) follow: Duration,
}

impl Times {
    /// How long is published in all.
    pub(crate) fn published(&self) -> Duration {
        self.warm_up + self.window + self.tail
    }

    /// Of a lane that asks every `interval`, or of one that is pushed to.
    ///
    /// A lane with an interval is watched for a whole number of intervals, with one before and one after, so that every poll
    /// in the window meets a feed in full flow. Where opening subscriptions is measured, none lives to ask twice.
    pub(crate) fn of(scenario: &Scenario, interval: Option<Duration>) -> Self {
        let least = Duration::from_secs(1);
        if let Ok(Workload::Connect { .. }) = scenario.workload() {
            let Scenario { warm_up, window, .. } = *scenario;
            return Self { warm_up, window, tail: Duration::ZERO, follow: STAND_WITHIN };
        }
        match interval {
            None => Self { warm_up: scenario.warm_up, window: scenario.window, tail: Duration::ZERO, follow: least },
            Some(interval) => {
                let whole = scenario.window.as_nanos().div_ceil(interval.as_nanos());
                let intervals = u32::try_from(whole).unwrap_or(u32::MAX);
                let warm_up = scenario.warm_up.max(interval);
                Self { warm_up, window: interval * intervals, tail: interval, follow: least.max(2 * interval) }
            }
        }
    }
}
