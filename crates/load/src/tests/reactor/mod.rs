//! The receive loop with a driver that does what it is told, against threads that serve by hand.

mod bytes;
mod ends;
mod publishing;
mod timers;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use measure::{Category, Direction, Mono};
use transport::{Command, ConnectionId, Driver, Out};
use wire::Draft;

use crate::reactor::{ClientId, Ended, Reactor, Sink};

/// How long anything here may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(20);

/// The only connection of a toy.
const CONNECTION: ConnectionId = 0;

/// What a toy was told.
#[derive(Debug, Default)]
struct Seen {
    received: Vec<u8>,
    ends: Vec<ConnectionId>,
    fired: Vec<Mono>,
}

/// Writes its greeting, when it has one, and takes note of everything.
#[derive(Debug)]
struct Toy {
    greeting: Option<Vec<u8>>,
    seen: Arc<Mutex<Seen>>,
}

impl Toy {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

/// Writes and charges.
fn write(bytes: &[u8], out: &mut Out) {
    out.charge(CONNECTION, Direction::Up, Category::Payload, bytes.len());
    out.commands.push(Command::Write(CONNECTION, bytes.to_owned()));
}

impl Driver for Toy {
    fn start(&mut self, _now: Mono, out: &mut Out) {
        if let Some(greeting) = &self.greeting {
            out.commands.push(Command::Open(CONNECTION));
            write(greeting, out);
        }
    }

    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8], _now: Mono, out: &mut Out) {
        out.charge(connection, Direction::Down, Category::Payload, bytes.len());
        self.seen().received.extend_from_slice(bytes);
    }

    fn on_end(&mut self, connection: ConnectionId, _now: Mono, _out: &mut Out) {
        self.seen().ends.push(connection);
    }

    fn on_timer(&mut self, now: Mono, _out: &mut Out) {
        self.seen().fired.push(now);
    }

    fn publish(&mut self, draft: &Draft<'_>, _reference: u64, _now: Mono, out: &mut Out) {
        write(draft.data.get().as_bytes(), out);
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        out.commands.push(Command::Shut(CONNECTION));
    }
}

/// Who was told something and when, in order.
#[derive(Debug, Default)]
struct Log {
    told: Vec<(ClientId, Mono)>,
    sent: Vec<(usize, Mono)>,
    started: Vec<(ClientId, Mono)>,
}

impl Sink for Log {
    fn take(&mut self, client: ClientId, at: Mono, _out: &Out) {
        self.told.push((client, at));
    }

    fn sent(&mut self, n: usize, at: Mono) {
        self.sent.push((n, at));
    }

    fn started(&mut self, client: ClientId, at: Mono) {
        self.started.push((client, at));
    }
}

/// A reactor and its toys.
struct Rig {
    server: SocketAddr,
    reactor: Reactor,
    log: Log,
    seen: Vec<Arc<Mutex<Seen>>>,
}

impl Rig {
    fn new(server: SocketAddr) -> Self {
        Self { server, reactor: Reactor::new().unwrap(), log: Log::default(), seen: Vec::new() }
    }

    /// A reactor with one toy that has connected.
    fn connected(server: SocketAddr, greeting: &[u8]) -> Self {
        let mut rig = Self::new(server);
        rig.add(Some(greeting));
        rig
    }

    fn add(&mut self, greeting: Option<&[u8]>) -> ClientId {
        let seen = Arc::default();
        self.seen.push(Arc::clone(&seen));
        let toy = Toy { greeting: greeting.map(<[u8]>::to_owned), seen };
        self.reactor.start(Box::new(toy), self.server, &mut self.log)
    }

    /// A toy that a task starts.
    fn add_unstarted(&mut self, greeting: &[u8]) -> ClientId {
        let seen = Arc::default();
        self.seen.push(Arc::clone(&seen));
        let toy = Toy { greeting: Some(greeting.to_owned()), seen };
        self.reactor.add(Box::new(toy), self.server)
    }

    fn seen(&self, client: ClientId) -> MutexGuard<'_, Seen> {
        self.seen[client].lock().unwrap()
    }

    fn ask(&mut self, client: ClientId, ask: impl FnOnce(&mut dyn Driver, &mut Out)) {
        self.reactor.with_driver(client, Mono::now(), &mut self.log, |driver, _now, out| ask(driver, out));
    }

    fn stop(&mut self, client: ClientId) {
        self.ask(client, |driver, out| driver.stop(Mono::now(), out));
    }

    fn turn(&mut self) {
        self.reactor.turn(Mono::now() + Duration::from_millis(5), &mut self.log).unwrap();
    }

    /// Turns until it is so, which has to happen.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = Mono::now() + PATIENCE;
        while !done(self) {
            assert!(Mono::now() < deadline, "it does not happen");
            self.turn();
        }
    }

    /// Turns until all connections have ended.
    fn ended(&mut self) -> Vec<Ended> {
        self.until(|rig| rig.reactor.open_connections() == 0);
        self.reactor.take_ended()
    }
}

/// What drivers were charged is what the kernel counted, in both directions.
fn assert_equal_to_the_kernel(ended: &Ended, down: usize, up: usize) {
    let kernel = ended.kernel.expect("the kernel's counts of a connection that ended in good order");
    // The end of the stream counts as one received byte.
    let counted = (kernel.bytes_received - 1, kernel.bytes_sent - kernel.bytes_retransmitted);
    let charged = (ended.ledger.total(Direction::Down), ended.ledger.total(Direction::Up));
    assert_eq!(charged, counted);
    assert_eq!(charged, (down as u64, up as u64));
}
