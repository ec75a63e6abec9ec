//! Opening the clients of a cell: publishers, then the fleet at a rate, or a fleet that is opened by tasks because opening it
//! is what is measured. Clients are numbered in this order.

use std::{net::SocketAddr, time::Duration};

use measure::{Mono, schedule::stratified_phases};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use record::MemoryPoint;
use transport::{Driver, Target, Transport};
use wire::{After, RoomName};

use crate::{
    cell::{CellError, Running},
    distance::Distance,
    host,
    reactor::{Task, What},
    scenario::Workload,
};

/// Connections opened per second: well below what a backlog of 4,096 takes at once.
const OPEN_PER_SECOND: f64 = 4000.0;

/// How long one subscriber may take to be accepted after the last was opened.
const ACCEPT_WITHIN: Duration = Duration::from_secs(10);

/// How long memory is left alone before it is read, so that what a handshake needed has been given back.
const SETTLE: Duration = Duration::from_millis(30);

/// Handshakes that may be under way at once. Few, so that the memory they pass through does not hide what a connection keeps.
const HANDSHAKES: usize = 32;

/// The share of the fleet at which memory is read first.
const FIRST_POINT: f64 = 0.2;

/// The namespace of all rooms of a bench.
const NAMESPACE: &str = "bench";

/// Where in its interval each poller asks.
pub(crate) struct Phases {
    pub(crate) starts: Vec<Mono>,
    pub(crate) shares: Vec<f32>,
}

impl Phases {
    pub(crate) fn new(seed: u64, subscribers: u32, interval: Duration) -> Self {
        let origin = Mono::now();
        let offsets = stratified_phases(seed, subscribers as usize, interval);
        Self {
            starts: offsets.iter().map(|offset| origin + *offset).collect(),
            shares: offsets.iter().map(|offset| offset.div_duration_f32(interval)).collect(),
        }
    }
}

impl Running<'_> {
    fn target(&self, room: u32, phase: Option<Mono>, receive: bool, seed: u64) -> Result<Target, CellError> {
        Ok(Target {
            origin: self.server.origin.clone(),
            room: RoomName::new(NAMESPACE, &format!("r{room}"))?,
            after: After::Head,
            headers: self.plan.headers.clone(),
            seed,
            phase,
            receive,
        })
    }

    pub(crate) fn open_publishers(&mut self, random: &mut ChaCha8Rng) -> Result<(), CellError> {
        let lane = self.plan.publisher()?.build();
        let publishers = self.plan.scenario.publishers();
        for room in 0..publishers {
            let target = self.target(room, None, false, random.random())?;
            self.reactor.start(lane.driver(target), self.server.origin.address, &mut self.tally);
        }
        self.accepted(publishers as usize)
    }

    /// Opens the fleet at a rate, with a pause at a fifth and at the end for reading memory.
    ///
    /// A fleet that is to be idle is opened evenly over one heartbeat. Heartbeats and held requests are spread as evenly then, so
    /// that the edges of the window cut no crowd of them in two.
    pub(crate) fn open_subscribers(
        &mut self,
        transport: &dyn Transport,
        phases: Option<&Phases>,
        random: &mut ChaCha8Rng,
    ) -> Result<(), CellError> {
        let (publishers, subscribers) = (self.plan.scenario.publishers(), self.plan.scenario.subscribers);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is a count")]
        let first = ((f64::from(subscribers) * FIRST_POINT).ceil() as u32).clamp(1, subscribers);
        let between = match self.plan.scenario.workload() {
            Ok(Workload::Idle { heartbeat }) => heartbeat / subscribers,
            _ => Duration::from_secs_f64(1.0 / OPEN_PER_SECOND),
        };
        // Behind a round trip no memory is measured, and a few at a time would take long.
        let at_once = if self.distance.is_some() { subscribers as usize } else { HANDSHAKES };
        let mut due = Mono::now();
        for index in 0..subscribers {
            let opened = (publishers + index) as usize;
            self.turn_until(due, |_| false)?;
            self.turn_until(Mono::now() + ACCEPT_WITHIN, |tally| tally.ready + at_once > opened)?;
            due = due + between;
            let phase = phases.map(|phases| phases.starts[index as usize]);
            let (driver, address) = self.subscriber(transport, index, phase, random)?;
            self.reactor.start(driver, address, &mut self.tally);
            if index + 1 == first || index + 1 == subscribers {
                self.accepted(opened + 1)?;
                self.turn_until(Mono::now() + SETTLE, |_| false)?;
                self.read_memory(index + 1);
                due = Mono::now();
            }
        }
        Ok(())
    }

    /// The subscribers as tasks that open them, one after the other at equal gaps, each with its offset from the start.
    pub(crate) fn plan_subscribers(
        &mut self,
        transport: &dyn Transport,
        rate_hz: f64,
        random: &mut ChaCha8Rng,
    ) -> Result<Vec<(Duration, Task)>, CellError> {
        let mut tasks = Vec::new();
        for index in 0..self.plan.scenario.subscribers {
            let (driver, address) = self.subscriber(transport, index, None, random)?;
            let client = self.reactor.add(driver, address);
            let offset = Duration::from_secs_f64(f64::from(index) / rate_hz);
            tasks.push((offset, Task { at: Mono::now(), client, what: What::Start }));
        }
        Ok(tasks)
    }

    /// The driver of a subscriber that the tally knows from now on, and where its connections go.
    fn subscriber(
        &mut self,
        transport: &dyn Transport,
        index: u32,
        phase: Option<Mono>,
        random: &mut ChaCha8Rng,
    ) -> Result<(Box<dyn Driver>, SocketAddr), CellError> {
        let room = index % self.plan.scenario.rooms;
        let target = self.target(room, phase, true, random.random())?;
        self.tally.expect_subscriber(room);
        let address = self.distance.as_ref().map_or(self.server.origin.address, Distance::address);
        Ok((transport.driver(target), address))
    }

    fn read_memory(&mut self, connections: u32) {
        if let Some(user_bytes) = host::user_memory(self.server.pid()) {
            let kernel_bytes = host::kernel_memory();
            self.memory.push(MemoryPoint { connections: u64::from(connections), user_bytes, kernel_bytes });
        }
    }

    /// Waits until `wanted` clients have been accepted.
    fn accepted(&mut self, wanted: usize) -> Result<(), CellError> {
        self.turn_until(Mono::now() + ACCEPT_WITHIN, |tally| tally.ready >= wanted)?;
        if self.tally.ready < wanted {
            let errors = format!("{:?}", self.tally.errors);
            return Err(CellError::NotAccepted { ready: self.tally.ready, wanted, errors });
        }
        Ok(())
    }
}
