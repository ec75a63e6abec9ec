//! One cell: one lane in one block, against a fresh server process, phase by phase.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use measure::{ByteLedger, Category, Direction, Mono, Recorder};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use record::{ByteCounts, Cell, Histogram, Kernel, Machine, Memory, MemoryPoint, Publication, Segments, ServerCost};
use serde_json::value::RawValue;
use wire::Draft;

use crate::{
    distance::Distance,
    feed::{self, Feed},
    fleet::Phases,
    host::{self, CpuTimes, Pinning},
    plan::{CellPlan, Plan, PlanError, Stall},
    reactor::{EVENT, Reactor, Task, What},
    scenario::{Publisher, Workload},
    server_process::{ServerCommand, ServerError, ServerProcess},
    tally::{self, Tally},
};

/// From the end of all preparation to the first publication.
const LEAD: Duration = Duration::from_millis(20);

/// How long is listened on after everything has arrived: what comes twice comes soon after.
const LINGER: Duration = Duration::from_millis(30);

/// How long connections have to end after they were told to.
const END_WITHIN: Duration = Duration::from_secs(3);

/// The longest wait of the receive loop: how soon an interruption is seen.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// Why a cell could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CellError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the generator failed: {0}")]
    Io(#[from] io::Error),
    #[error("{ready} of {wanted} connections were accepted in time ({errors})")]
    NotAccepted { ready: usize, wanted: usize, errors: String },
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("a room's name: {0}")]
    Name(#[from] wire::NameError),
}

/// What a cell gives to the record.
pub(crate) struct Outcome {
    pub(crate) cell: Cell,
    pub(crate) publications: Vec<Publication>,
}

/// Where a cell runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) server: &'a ServerCommand,
    pub(crate) pinning: Pinning,
    pub(crate) interrupted: &'a AtomicBool,
}

/// CPU time at one edge of the window: all that is read there, because reading keeps the loop from receiving.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    at: Mono,
    server: Duration,
    own: Duration,
}

/// What is read before the first publication and after the last delivery, but for a lane that asks by the clock at the edges
/// of its window: it polls before, between and after the publications alike, and reading takes less than its delays show.
struct Survey {
    clocks: Clocks,
    server_times: Option<(Duration, Duration)>,
    switches: Option<u64>,
    times: Option<CpuTimes>,
    segments: Option<(u64, u64)>,
    /// First deliveries so far.
    deliveries: u64,
    opened: usize,
}

/// One running cell.
pub(crate) struct Running<'a> {
    pub(crate) plan: &'a Plan,
    site: Site<'a>,
    pub(crate) server: ServerProcess,
    pub(crate) distance: Option<Distance>,
    pub(crate) reactor: Reactor,
    pub(crate) tally: Tally,
    pub(crate) memory: Vec<MemoryPoint>,
}

/// Runs one cell from the start of its server to its end.
pub(crate) fn run(plan: &Plan, cell: &CellPlan, site: Site<'_>) -> Result<Outcome, CellError> {
    let transport = cell.lane.build();
    let times = plan.times(transport.as_ref());
    let mut random = ChaCha8Rng::seed_from_u64(cell.seed);
    let server = ServerProcess::start(site.server, site.pinning.server, site.pinning.generator)?;
    let distance = plan.rtt.map(|rtt| Distance::put(server.origin.address, rtt)).transpose()?;
    let scenario = &plan.scenario;
    let ordered = scenario.publisher == Publisher::Neutral;
    let tally = Tally::new(scenario.publishers() as usize, scenario.size_bytes as usize, ordered);
    let reactor = Reactor::new()?;
    let mut running = Running { plan, site, server, distance, reactor, tally, memory: Vec::new() };

    let mut feed = Feed::plan(scenario, cell.feed_seed, times);
    let (tasks, phases) = if let Ok(Workload::Connect { rate_hz }) = scenario.workload() {
        (running.plan_subscribers(transport.as_ref(), rate_hz, &mut random)?, None)
    } else {
        let phases = transport.interval().map(|interval| Phases::new(random.random(), scenario.subscribers, interval));
        running.open_publishers(&mut random)?;
        running.open_subscribers(transport.as_ref(), phases.as_ref(), &mut random)?;
        (running.publications(&feed)?, phases)
    };
    let by_the_clock = phases.is_some();
    let mut first = running.survey()?;
    let start = Mono::now() + LEAD;
    feed.start_at(start);
    let (window, offered) = (feed.window, feed.dues.len() as u64);
    running.tally.begin(feed);
    running.begin(tasks, start);
    let accepted = running.clients();

    running.turn_until(window.start, |_| false)?;
    if by_the_clock {
        first = running.survey()?;
    }
    let before = running.clocks()?;
    if let Some(stall) = plan.stall {
        running.stall(window.start, stall)?;
    }
    running.turn_until(window.end(), |_| false)?;
    let after = running.clocks()?;
    let at_the_edge = if by_the_clock { Some(running.survey()?) } else { None };
    let all_here = |tally: &Tally| tally.outstanding == 0 && tally.acked == offered && tally.ready == accepted;
    running.turn_until(window.end() + times.follow, all_here)?;
    running.turn_until(Mono::now() + LINGER, |_| false)?;
    let last = at_the_edge.map_or_else(|| running.survey(), Ok)?;

    let kernel = running.end_connections()?;
    let Running { server, mut tally, reactor, memory, .. } = running;
    if !server.stop() {
        tally.error("server_did_not_drain");
    }
    let phases = phases.map(|phases| phases.shares).unwrap_or_default();
    tally.judge_order();
    Ok(assemble(cell, plan, &tally, &reactor, Taken { before, after, first, last, kernel, memory, phases }))
}

impl Running<'_> {
    /// Turns the receive loop until `deadline` or until `done`; once at least, without a wait when there is nothing to wait for,
    /// so that a caller that is late still reads.
    pub(crate) fn turn_until(&mut self, deadline: Mono, done: impl Fn(&Tally) -> bool) -> Result<(), CellError> {
        loop {
            if self.site.interrupted.load(Ordering::Acquire) {
                return Err(CellError::Interrupted);
            }
            let wait = if done(&self.tally) { Duration::ZERO } else { LOOK_AROUND };
            self.reactor.turn(deadline.min(Mono::now() + wait), &mut self.tally)?;
            for client in std::mem::take(&mut self.tally.stood) {
                self.end(client);
            }
            if done(&self.tally) || Mono::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// What is to be published, each with its offset from the start: encoded ahead of time for a publisher that has one
    /// connection, whose bytes depend on nothing; for a member when it is due, because its uplink may be any.
    fn publications(&mut self, feed: &Feed) -> Result<Vec<(Duration, Task)>, CellError> {
        let (publishers, size) = (self.plan.scenario.publishers(), self.plan.scenario.size_bytes as usize);
        let mut tasks = Vec::with_capacity(feed.dues.len());
        for (n, due) in feed.dues.iter().enumerate() {
            let data = RawValue::from_string(feed::data(n, size)).map_err(io::Error::other)?;
            let (client, at) = (due.sender.map_or(due.room, |sender| publishers + sender) as usize, Mono::now());
            let what = if due.sender.is_some() {
                What::Publish { n, data }
            } else {
                let draft = Draft::new(EVENT.into(), &data);
                let bytes = self.reactor.encode(client, |driver, out| driver.publish(&draft, n as u64, at, out));
                What::Write { n, bytes }
            };
            tasks.push((due.offset, Task { at, client, what }));
        }
        Ok(tasks)
    }

    /// Hands `tasks` to the loop, for the instants that their offsets are after `start`.
    fn begin(&mut self, tasks: Vec<(Duration, Task)>, start: Mono) {
        let publishers = self.plan.scenario.publishers() as usize;
        for (offset, task) in tasks.iter().filter(|(_, task)| matches!(task.what, What::Start)) {
            self.tally.open_at(task.client - publishers, start + *offset);
        }
        self.reactor.schedule(tasks.into_iter().map(|(offset, task)| Task { at: start + offset, ..task }).collect());
    }

    /// All clients of the cell, publishers and subscribers.
    fn clients(&self) -> usize {
        (self.plan.scenario.publishers() + self.plan.scenario.subscribers) as usize
    }

    fn end(&mut self, client: usize) {
        self.reactor.with_driver(client, Mono::now(), &mut self.tally, |driver, now, out| driver.stop(now, out));
    }

    /// Stops the server for a while; the loop turns on. A server that is given up meanwhile is killed, stopped or not.
    fn stall(&mut self, window: Mono, stall: Stall) -> Result<(), CellError> {
        self.turn_until(window + stall.after, |_| false)?;
        self.server.pause()?;
        self.turn_until(window + stall.after + stall.length, |_| false)?;
        self.server.resume()?;
        Ok(())
    }

    fn clocks(&self) -> io::Result<Clocks> {
        Ok(Clocks { at: Mono::now(), server: host::cpu_time(self.server.pid())?, own: host::own_cpu_time()? })
    }

    fn survey(&self) -> io::Result<Survey> {
        let pid = self.server.pid();
        Ok(Survey {
            clocks: self.clocks()?,
            times: host::cpu_times(self.site.pinning.generator),
            server_times: host::user_system(pid),
            switches: host::context_switches(pid),
            segments: self.reactor.segments(self.plan.scenario.publishers() as usize),
            deliveries: self.tally.all_deliveries,
            opened: self.reactor.opened(),
        })
    }

    /// Ends every connection in its lane's own way and puts the ledger beside the kernel's counts.
    fn end_connections(&mut self) -> Result<Kernel, CellError> {
        let publishers = self.plan.scenario.publishers() as usize;
        for client in 0..self.clients() {
            self.end(client);
        }
        let deadline = Mono::now() + END_WITHIN;
        while self.reactor.open_connections() > 0 && Mono::now() < deadline {
            self.reactor.turn(deadline, &mut self.tally)?;
        }
        let (mut kernel, mut ledger) = (Kernel::default(), ByteLedger::default());
        for ended in self.reactor.take_ended().iter().filter(|ended| ended.client >= publishers) {
            let Some(info) = ended.kernel else {
                kernel.reset += 1;
                continue;
            };
            // The end of the stream counts as one received byte.
            let received = info.bytes_received.saturating_sub(1);
            let sent = info.bytes_sent - info.bytes_retransmitted;
            let ours = (ended.ledger.total(Direction::Down), ended.ledger.total(Direction::Up));
            kernel.connections += 1;
            kernel.matched += u64::from(ours == (received, sent));
            kernel.bytes_down += received;
            kernel.bytes_up += sent;
            ledger.add(&ended.ledger);
        }
        kernel.down = counts(&ledger, Direction::Down);
        kernel.up = counts(&ledger, Direction::Up);
        for _open in 0..self.reactor.open_connections() {
            self.tally.error("connection_did_not_end");
        }
        Ok(kernel)
    }
}

fn counts(ledger: &ByteLedger, direction: Direction) -> ByteCounts {
    Category::ALL.iter().map(|category| (category.id().to_owned(), ledger.get(direction, *category))).collect()
}

/// What was taken beside the tally.
struct Taken {
    before: Clocks,
    after: Clocks,
    first: Survey,
    last: Survey,
    kernel: Kernel,
    memory: Vec<MemoryPoint>,
    phases: Vec<f32>,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn assemble(plan: &CellPlan, run: &Plan, tally: &Tally, reactor: &Reactor, taken: Taken) -> Outcome {
    let Taken { before, after, first, last, kernel, memory, phases } = taken;
    let Some(feed) = &tally.feed else { unreachable!("a cell without a feed has no outcome") };
    let histogram = |recorder: &Recorder| Histogram(recorder.to_text());
    let (response, service) = feed.times();
    let sent: Vec<Mono> = feed.sent.iter().flatten().copied().collect();
    let lost = feed.in_window().map(|n| feed.missing(n)).sum();
    let offered_span = feed.dues.last().map_or(Duration::ZERO, |due| due.offset.saturating_sub(feed.dues[0].offset));
    let sent_span = sent.last().map_or(Duration::ZERO, |at| at.saturating_since(sent[0]));
    let cell = Cell {
        lane: plan.lane.to_string(),
        twin: plan.twin,
        block: plan.block,
        order: plan.order,
        attempt: 0,
        subscribers: run.scenario.subscribers,
        publishes: feed.in_window().count() as u64,
        offered: feed.dues.len() as u64,
        sent: sent.len() as u64,
        acked: tally.acked,
        offered_span_ns: nanos(offered_span),
        sent_span_ns: nanos(sent_span),
        response_time: histogram(&response),
        service_time: histogram(&service),
        publish_delay: histogram(&feed.publish_delay()),
        time_to_first_delivery: histogram(&tally.time_to_first),
        fanout_spread: histogram(&feed.fanout_spread()),
        receive_lag: histogram(&reactor.lag),
        rearm_gap: (!reactor.rearm.is_empty()).then(|| histogram(&reactor.rearm)),
        deliveries: record::Deliveries {
            expected: tally.deliveries.expected,
            delivered: tally.deliveries.delivered,
            lost,
            duplicated: tally.deliveries.duplicated,
            reordered: tally.deliveries.reordered,
            replayed: tally.deliveries.replayed,
            gaps_told: tally.deliveries.gaps_told,
        },
        window: window(feed, tally, &first, &last),
        kernel,
        server: ServerCost {
            cpu_ns: nanos(after.server.saturating_sub(before.server)),
            user_ns: first.server_times.zip(last.server_times).map(|(b, a)| nanos(a.0.saturating_sub(b.0))),
            system_ns: first.server_times.zip(last.server_times).map(|(b, a)| nanos(a.1.saturating_sub(b.1))),
            context_switches: first.switches.zip(last.switches).map(|(b, a)| a.saturating_sub(b)),
        },
        generator_cpu_ns: nanos(after.own.saturating_sub(before.own)),
        machine: machine(&first, &last),
        memory: (!memory.is_empty()).then_some(Memory { points: memory }),
        phases,
        connects: matches!(run.scenario.workload(), Ok(Workload::Connect { .. })).then(|| connects(tally)),
        violations: tally.violations.clone(),
        errors: tally.errors.clone(),
    };
    Outcome { cell, publications: feed.lines() }
}

fn connects(tally: &Tally) -> record::Connects {
    let tally::Connects { due, time, delay } = tally.connects();
    record::Connects { due, time: Histogram(time.to_text()), delay: Histogram(delay.to_text()) }
}

fn window(feed: &Feed, tally: &Tally, first: &Survey, last: &Survey) -> record::Window {
    let segments = first.segments.zip(last.segments);
    record::Window {
        length_ns: nanos(feed.window.length),
        deliveries: tally.window_deliveries,
        down: counts(&tally.ledger, Direction::Down),
        up: counts(&tally.ledger, Direction::Up),
        requests: tally.requests,
        responses_with_items: tally.responses_with_items,
        segments: segments.map(|(before, after)| Segments {
            deliveries: last.deliveries - first.deliveries,
            down: after.0.saturating_sub(before.0),
            up: after.1.saturating_sub(before.1),
        }),
        new_connections: (last.opened - first.opened) as u64,
    }
}

/// What the machine did from the first survey to the last.
fn machine(first: &Survey, last: &Survey) -> Option<Machine> {
    let (before, after) = first.times.zip(last.times)?;
    let seconds = last.clocks.at.saturating_since(first.clocks.at).as_secs_f64();
    let cores = |ticks: u64| CpuTimes::span(ticks).as_secs_f64() / seconds;
    let spent =
        |of: fn(&Clocks) -> Duration| of(&last.clocks).saturating_sub(of(&first.clocks)).as_secs_f64() / seconds;
    let ours = spent(|clocks| clocks.server) + spent(|clocks| clocks.own);
    Some(Machine {
        generator_core_busy: before
            .busy_of_one
            .zip(after.busy_of_one)
            .map(|(b, a)| cores(a.saturating_sub(b)).min(1.0)),
        steal: cores(after.stolen.saturating_sub(before.stolen)),
        others_cores: (cores(after.busy.saturating_sub(before.busy)) - ours).max(0.0),
    })
}
