//! The seam and the drivers, without a network: a script feeds a driver bytes and keeps everything that it wants.

mod endings;
mod heads;
mod lanes;
mod long_polling;
mod polling;
mod publishing;
mod servers;
mod short_polling;
mod socketio_client;
mod socketio_endings;
mod socketio_outsider;
mod socketio_servers;
mod socketio_trial;
mod splits;
mod sse;
mod table;
mod two_way;
mod watching;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use measure::{ByteLedger, Category, Direction, Mono};
use wire::{After, Draft, RoomName};

use crate::{ALL, Command, ConnectionId, Driver, Event, Headers, Lane, Origin, Out, Target};

/// The lanes whose uplink is a request of its own.
const POSTS: [&str; 3] = ["short-polling", "long-polling", "sse"];

/// When scripts begin.
const START: Mono = Mono::from_nanos(1_000_000_000_000);

fn target() -> Target {
    Target {
        origin: Origin::parse("http://127.0.0.1:8080").unwrap(),
        room: RoomName::new("chat", "lobby").unwrap(),
        after: After::Head,
        headers: Headers::built_in("minimal").unwrap(),
        seed: 7,
        phase: None,
        receive: true,
    }
}

fn lane(text: &str) -> Lane {
    Lane::parse(text, ALL).unwrap()
}

/// `bytes` cut at `cuts`, in order; pieces may be empty.
fn pieces<'a>(bytes: &'a [u8], cuts: &[proptest::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, &end)| &bytes[start..end]).collect()
}

/// A driver without sockets. After every call it takes over what the driver wants and tells, and checks that nothing is
/// written to a connection that is not open or whose sending direction has ended, that a driver which says that it asked again
/// did, and that after a failure, which is told once, only connections are ended and only publishes are answered.
struct Script {
    driver: Box<dyn Driver>,
    now: Mono,
    timer: Option<Mono>,
    events: Vec<Event>,
    opened: Vec<ConnectionId>,
    shut: BTreeSet<ConnectionId>,
    ended: BTreeSet<ConnectionId>,
    /// Calls that said they asked again at once.
    rearmed: usize,
    closed: bool,
    failed: bool,
    written: BTreeMap<ConnectionId, Vec<u8>>,
    fed: BTreeMap<ConnectionId, u64>,
    ledgers: BTreeMap<ConnectionId, ByteLedger>,
}

/// What must not depend on how a stream is split.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    written: BTreeMap<ConnectionId, Vec<u8>>,
    ledgers: BTreeMap<ConnectionId, ByteLedger>,
}

impl Script {
    /// A started subscription.
    fn start(lane_text: &str, target: Target) -> Self {
        let mut script = Self {
            driver: lane(lane_text).build().driver(target),
            now: START,
            timer: None,
            events: Vec::new(),
            opened: Vec::new(),
            shut: BTreeSet::new(),
            ended: BTreeSet::new(),
            rearmed: 0,
            closed: false,
            failed: false,
            written: BTreeMap::new(),
            fed: BTreeMap::new(),
            ledgers: BTreeMap::new(),
        };
        script.ask(|driver, now, out| driver.start(now, out));
        script
    }

    fn ask(&mut self, ask: impl FnOnce(&mut dyn Driver, Mono, &mut Out)) {
        let mut out = Out::default();
        ask(self.driver.as_mut(), self.now, &mut out);
        if out.rearmed {
            assert!(matches!(out.commands.last(), Some(Command::Write(..))), "asked again with {:?}", out.commands);
            self.rearmed += 1;
        }
        for command in out.commands {
            assert!(!self.failed || matches!(command, Command::Shut(_)), "{command:?} after a failure");
            match command {
                Command::Open(connection) => {
                    assert!(!self.opened.contains(&connection), "connection {connection} is opened twice");
                    self.opened.push(connection);
                }
                Command::Write(connection, bytes) => {
                    assert!(self.opened.contains(&connection), "written to {connection}, which is not open");
                    let over = self.shut.contains(&connection) || self.ended.contains(&connection);
                    assert!(!over, "written to {connection} after its end: {bytes:?}");
                    self.written.entry(connection).or_default().extend(bytes);
                }
                Command::Shut(connection) => {
                    assert!(self.shut.insert(connection), "connection {connection} is shut twice");
                }
            }
        }
        for charge in out.charges {
            assert!(self.opened.contains(&charge.connection), "{charge:?} of a connection that never was");
            self.ledgers.entry(charge.connection).or_default().charge(charge.direction, charge.category, charge.bytes);
        }
        self.timer = out.timer.or(self.timer);
        for event in &out.events {
            let answers_a_publish = matches!(event, Event::Acked(_) | Event::Refused(_));
            assert!(!self.failed || answers_a_publish, "{event:?} after a failure");
            self.closed |= matches!(event, Event::Closed(_));
            self.failed |= matches!(event, Event::Failed(_));
            assert!(!(self.closed && self.failed), "{event:?} beside an announced end");
        }
        self.events.extend(out.events);
    }

    fn feed(&mut self, connection: ConnectionId, bytes: &[u8]) {
        assert!(!self.ended.contains(&connection), "nothing can come from {connection} after its end");
        *self.fed.entry(connection).or_default() += bytes.len() as u64;
        self.ask(|driver, now, out| driver.on_bytes(connection, bytes, now, out));
    }

    fn end(&mut self, connection: ConnectionId) {
        assert!(self.opened.contains(&connection) && self.ended.insert(connection), "{connection} cannot end");
        self.ask(|driver, now, out| driver.on_end(connection, now, out));
    }

    /// Ends every connection, also those that a driver opens because of it.
    fn end_all(&mut self) {
        while let Some(connection) = self.opened.iter().copied().find(|opened| !self.ended.contains(opened)) {
            self.end(connection);
            assert!(self.ended.len() < 100, "a driver that opens connections for ever");
        }
    }

    fn stop(&mut self) {
        self.ask(|driver, now, out| driver.stop(now, out));
    }

    fn publish(&mut self, event: &str, data: &str, reference: u64) {
        let data = serde_json::value::RawValue::from_string(data.to_owned()).unwrap();
        let draft = Draft::new(event.into(), &data);
        self.ask(|driver, now, out| driver.publish(&draft, reference, now, out));
    }

    /// Lets time pass until the timer that the driver asked for.
    fn fire(&mut self) {
        if let Some(due) = self.timer.take() {
            assert!(due >= self.now, "asked to be called in the past");
            self.now = due;
            self.ask(|driver, now, out| driver.on_timer(now, out));
        }
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// What was written to `connection` from the byte `from` on.
    fn written_since(&self, connection: ConnectionId, from: usize) -> &[u8] {
        self.written.get(&connection).map_or(&[], |bytes| &bytes[from..])
    }

    fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The bytes of one category over all connections.
    fn charged(&self, direction: Direction, category: Category) -> u64 {
        self.ledgers.values().map(|ledger| ledger.get(direction, category)).sum()
    }

    /// Every category that is not zero, in the order of the ledger.
    fn charges(&self, direction: Direction) -> Vec<(Category, u64)> {
        let charged = |category| (category, self.charged(direction, category));
        Category::ALL.into_iter().map(charged).filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// The same of one connection.
    fn charges_on(&self, connection: ConnectionId, direction: Direction) -> Vec<(Category, u64)> {
        let charged = |category| (category, self.ledgers[&connection].get(direction, category));
        Category::ALL.into_iter().map(charged).filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// Fails unless the ledger of every connection has exactly the bytes that went over it.
    fn assert_every_byte_is_charged_once(&self) {
        for connection in &self.opened {
            let ledger = self.ledgers.get(connection).copied().unwrap_or_default();
            let fed = self.fed.get(connection).copied().unwrap_or_default();
            let written = self.written.get(connection).map_or(0, Vec::len) as u64;
            assert_eq!(ledger.total(Direction::Down), fed, "down of {connection}: {ledger:?}");
            assert_eq!(ledger.total(Direction::Up), written, "up of {connection}: {ledger:?}");
        }
    }

    /// Ends all connections and gives everything that was seen.
    fn finish(mut self) -> Outcome {
        self.end_all();
        self.assert_every_byte_is_charged_once();
        Outcome { events: self.events, written: self.written, ledgers: self.ledgers }
    }
}
