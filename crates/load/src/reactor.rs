//! The one receive loop, which is the one send loop too, and the sockets of all drivers.
//!
//! Each turn reads all ready sockets first and stamps every read as it returns, then decodes. So no lane's decoder delays
//! another socket's stamp, and every lane pays the same for its client.
//!
//! Publications go out from the same loop, and so do connections where opening them is what is measured: between any two reads
//! and any two decodes it looks whether one is due, and for the last [`SPIN`] before one it polls without sleeping. A thread of its own would have to share the generator's CPU, and
//! its spinning would keep the loop from reading for just as long: deliveries that arrive shortly before the next
//! publication is due would be stamped late. This way a publication is late by one read or one decode at most.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{self, Read as _},
    net::{Shutdown, SocketAddr},
    os::fd::{AsFd as _, AsRawFd as _},
    time::Duration,
};

use measure::{
    ByteLedger, Mono, Recorder,
    tcp_info::{self, TcpInfo},
};
use mio::{Events, Interest, Poll, Token, event::Event as Ready, unix::SourceFd};
use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use serde_json::value::RawValue;
use transport::{Command, ConnectionId, Driver, Out};
use wire::Draft;

use crate::socket::Socket;

/// A driver's number in the reactor.
pub(crate) type ClientId = usize;

/// Bytes that one turn reads before it decodes.
const ARENA_BYTES: usize = 1024 * 1024;

/// The most that one read takes.
const READ_BYTES: usize = 64 * 1024;

/// Ready sockets that one turn takes note of.
const EVENTS: usize = 1024;

/// How long before a publication is due the loop polls without sleeping.
///
/// 200 us: an idle host of two CPUs woke from an exact timer 164 us late at the median and 194 us at the 99th percentile, so
/// a sleep that ends this early is nearly always over in time.
const SPIN: Duration = Duration::from_micros(200);

const TIMER: Token = Token(usize::MAX);

/// The name that all publications of a bench have.
pub(crate) const EVENT: &str = "message";

/// Who wants to know what drivers tell.
pub(crate) trait Sink {
    /// `out` is what `client` told at `at`; its commands are being carried out already.
    fn take(&mut self, client: ClientId, at: Mono, out: &Out);

    /// Publication `n` is being written.
    fn sent(&mut self, n: usize, at: Mono);

    /// `client` is being started at its instant.
    fn started(&mut self, client: ClientId, at: Mono);
}

/// What is to be done at an instant that was fixed before.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) at: Mono,
    pub(crate) client: ClientId,
    pub(crate) what: What,
}

/// What a client does then.
#[derive(Debug)]
pub(crate) enum What {
    /// It writes publication `n`, encoded ahead of time, to its one connection.
    Write { n: usize, bytes: Vec<u8> },
    /// It publishes `data` as publication `n`, in the manner of its lane.
    Publish { n: usize, data: Box<RawValue> },
    /// It starts.
    Start,
}

/// A connection that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) client: ClientId,
    /// What its driver says the bytes were for.
    pub(crate) ledger: ByteLedger,
    /// What the kernel says; none when it ended by reset.
    pub(crate) kernel: Option<TcpInfo>,
}

#[derive(Debug)]
struct Client {
    driver: Box<dyn Driver>,
    /// Where its connections go.
    address: SocketAddr,
    sockets: Vec<(ConnectionId, usize)>,
    timer: Option<Mono>,
}

#[derive(Debug)]
struct Chunk {
    socket: usize,
    start: usize,
    end: usize,
    at: Mono,
}

/// See the file.
#[derive(Debug)]
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    timer: TimerFd,
    timer_set: Option<Mono>,
    clients: Vec<Client>,
    sockets: Vec<Option<Socket>>,
    timers: BinaryHeap<Reverse<(Mono, ClientId)>>,
    arena: Vec<u8>,
    filled: usize,
    chunks: Vec<Chunk>,
    ends: Vec<(usize, bool)>,
    /// Connections that could not be made, of which their drivers do not know yet.
    refused: Vec<(ClientId, ConnectionId)>,
    out: Out,
    /// What is still to be done, the next one last.
    tasks: Vec<Task>,
    ended: Vec<Ended>,
    /// How long stamped reads waited until all of their batch was decoded.
    pub(crate) lag: Recorder,
    /// From the stamp of an answer to the writing of the request that follows it at once.
    pub(crate) rearm: Recorder,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let fd = timer.as_fd().as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), TIMER, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            timer_set: None,
            clients: Vec::new(),
            sockets: Vec::new(),
            timers: BinaryHeap::new(),
            arena: vec![0; ARENA_BYTES],
            filled: 0,
            chunks: Vec::new(),
            ends: Vec::new(),
            refused: Vec::new(),
            out: Out::default(),
            tasks: Vec::new(),
            ended: Vec::new(),
            lag: Recorder::new(),
            rearm: Recorder::new(),
        })
    }

    /// Takes a driver in, whose connections go to `address`, and starts it.
    pub(crate) fn start(&mut self, driver: Box<dyn Driver>, address: SocketAddr, sink: &mut impl Sink) -> ClientId {
        let client = self.add(driver, address);
        self.with_driver(client, Mono::now(), sink, |driver, now, out| driver.start(now, out));
        client
    }

    /// Takes a driver in, whose connections go to `address`; a task starts it.
    pub(crate) fn add(&mut self, driver: Box<dyn Driver>, address: SocketAddr) -> ClientId {
        self.clients.push(Client { driver, address, sockets: Vec::new(), timer: None });
        self.clients.len() - 1
    }

    /// Asks a driver for something and carries out what it wants.
    pub(crate) fn with_driver(
        &mut self,
        client: ClientId,
        now: Mono,
        sink: &mut impl Sink,
        ask: impl FnOnce(&mut dyn Driver, Mono, &mut Out),
    ) {
        let mut out = std::mem::take(&mut self.out);
        ask(self.clients[client].driver.as_mut(), now, &mut out);
        self.carry_out(client, &mut out);
        if out.rearmed {
            self.rearm.record_ns(Mono::now().signed_nanos_since(now));
        }
        sink.take(client, now, &out);
        out.clear();
        self.out = out;
    }

    /// The bytes that `client` would write for a publish, kept from being written; the ledger of their connection has them.
    pub(crate) fn encode(&mut self, client: ClientId, publish: impl FnOnce(&mut dyn Driver, &mut Out)) -> Vec<u8> {
        let mut out = Out::default();
        publish(self.clients[client].driver.as_mut(), &mut out);
        let mut bytes = Vec::new();
        out.commands.retain_mut(|command| match command {
            Command::Write(_, written) => {
                bytes.append(written);
                false
            }
            Command::Open(_) | Command::Shut(_) => true,
        });
        self.carry_out(client, &mut out);
        bytes
    }

    /// Takes tasks over, in the order of their instants, to be done when they are due.
    pub(crate) fn schedule(&mut self, mut tasks: Vec<Task>) {
        tasks.reverse();
        self.tasks = tasks;
    }

    /// Waits until something happens or `until` has come, and deals with it.
    pub(crate) fn turn(&mut self, until: Mono, sink: &mut impl Sink) -> io::Result<()> {
        let next = self.timers.peek().map_or(until, |Reverse((due, _))| until.min(*due));
        let task = self.tasks.last().map(|task| task.at);
        let soon = task.is_some_and(|due| due.saturating_since(Mono::now()) <= SPIN);
        if !soon {
            self.set_timer(task.map_or(next, |due| next.min(due - SPIN)))?;
        }
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, soon.then_some(Duration::ZERO));
        for event in &events {
            if event.token() == TIMER {
                self.timer_set = None;
                // Only to make it quiet again; how often it fired does not matter.
                let _fired = self.timer.wait();
            } else {
                self.pace(sink);
                self.on_ready(event, sink);
            }
        }
        self.events = events;
        self.decode(sink);
        self.fire(sink);
        self.pace(sink);
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Does what is due. What a full buffer does not take is written as soon as it does: the loop never waits.
    fn pace(&mut self, sink: &mut impl Sink) {
        while self.tasks.last().is_some_and(|task| task.at <= Mono::now()) {
            let Some(Task { client, what, .. }) = self.tasks.pop() else { return };
            match what {
                What::Write { n, bytes } => {
                    let Some(&(_, index)) = self.clients[client].sockets.first() else { continue };
                    let Some(socket) = &mut self.sockets[index] else { continue };
                    sink.sent(n, Mono::now());
                    if socket.write(&bytes).is_err() {
                        self.ends.push((index, true));
                    }
                }
                What::Publish { n, data } => {
                    let draft = Draft::new(EVENT.into(), &data);
                    let now = Mono::now();
                    sink.sent(n, now);
                    self.with_driver(client, now, sink, |driver, now, out| driver.publish(&draft, n as u64, now, out));
                }
                What::Start => {
                    let now = Mono::now();
                    sink.started(client, now);
                    self.with_driver(client, now, sink, |driver, now, out| driver.start(now, out));
                }
            }
        }
    }

    fn set_timer(&mut self, due: Mono) -> io::Result<()> {
        if self.timer_set == Some(due) {
            return Ok(());
        }
        // Zero would switch it off.
        let at = Duration::from_nanos(due.as_nanos().max(1));
        self.timer.set(Expiration::OneShot(TimeSpec::from_duration(at)), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.timer_set = Some(due);
        Ok(())
    }

    fn on_ready(&mut self, event: &Ready, sink: &mut impl Sink) {
        let index = event.token().0;
        if let Some(socket) = self.sockets.get_mut(index).and_then(Option::as_mut)
            && event.is_writable()
        {
            socket.connected = true;
            if socket.flush().is_err() {
                // What came before the end is still read.
                self.ends.push((index, true));
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(index, event.is_read_closed() || event.is_error(), sink);
        }
    }

    /// Reads what there is, and the end when `closed` says that there is one.
    fn read(&mut self, index: usize, closed: bool, sink: &mut impl Sink) {
        loop {
            if self.arena.len() - self.filled < READ_BYTES {
                self.decode(sink);
            }
            let Some(socket) = self.sockets[index].as_mut() else { return };
            let space = &mut self.arena[self.filled..self.filled + READ_BYTES];
            let read = socket.tcp.read(space);
            let at = Mono::now();
            match read {
                Ok(0) => return self.ends.push((index, false)),
                Ok(length) => {
                    let start = self.filled;
                    self.filled += length;
                    self.chunks.push(Chunk { socket: index, start, end: self.filled, at });
                    // Less than there was room for: that was all. More would have raised another event.
                    if length < READ_BYTES && !closed {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_reset) => return self.ends.push((index, true)),
            }
        }
    }

    /// Gives everything read to the drivers, then the ends.
    fn decode(&mut self, sink: &mut impl Sink) {
        let first = self.chunks.first().map(|chunk| chunk.at);
        let (chunks, arena) = (std::mem::take(&mut self.chunks), std::mem::take(&mut self.arena));
        for chunk in &chunks {
            let Some(socket) = &self.sockets[chunk.socket] else { continue };
            let (client, connection) = (socket.client, socket.connection);
            let bytes = &arena[chunk.start..chunk.end];
            self.pace(sink);
            self.with_driver(client, chunk.at, sink, |driver, now, out| driver.on_bytes(connection, bytes, now, out));
        }
        (self.chunks, self.arena, self.filled) = (chunks, arena, 0);
        self.chunks.clear();
        if let Some(first) = first {
            self.lag.record_ns(Mono::now().signed_nanos_since(first));
        }
        for (index, reset) in std::mem::take(&mut self.ends) {
            self.end(index, reset, sink);
        }
        for (client, connection) in std::mem::take(&mut self.refused) {
            self.with_driver(client, Mono::now(), sink, |driver, now, out| driver.on_end(connection, now, out));
        }
    }

    /// A connection is over: the driver says what it still held, then the two counts are put side by side.
    fn end(&mut self, index: usize, reset: bool, sink: &mut impl Sink) {
        let Some(socket) = &self.sockets[index] else { return };
        let (client, connection) = (socket.client, socket.connection);
        self.with_driver(client, Mono::now(), sink, |driver, now, out| driver.on_end(connection, now, out));
        self.clients[client].sockets.retain(|(known, _)| *known != connection);
        let Some(mut socket) = self.sockets[index].take() else { return };
        // The counts are read once both directions have ended, and before the socket is gone.
        let shut = reset || socket.shut || socket.tcp.shutdown(Shutdown::Write).is_ok();
        let kernel = if reset || !shut { None } else { tcp_info::read(&socket.tcp) };
        // A socket that the kernel has forgotten needs no taking out.
        let _known = self.poll.registry().deregister(&mut socket.tcp);
        self.ended.push(Ended { client, ledger: socket.ledger, kernel });
    }

    fn fire(&mut self, sink: &mut impl Sink) {
        let now = Mono::now();
        while let Some(Reverse((due, client))) = self.timers.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            self.timers.pop();
            // Only the newest wish of a driver counts.
            if self.clients[client].timer == Some(due) {
                self.clients[client].timer = None;
                self.with_driver(client, Mono::now(), sink, |driver, now, out| driver.on_timer(now, out));
            }
        }
    }

    fn carry_out(&mut self, client: ClientId, out: &mut Out) {
        for command in out.commands.drain(..) {
            match command {
                Command::Open(connection) => match self.open(client, connection) {
                    Ok(index) => self.clients[client].sockets.push((connection, index)),
                    Err(error) => {
                        tracing::warn!(%error, "cannot open a connection");
                        self.refused.push((client, connection));
                    }
                },
                Command::Write(connection, bytes) => {
                    if let Some((index, socket)) = self.socket(client, connection)
                        && socket.write(&bytes).is_err()
                    {
                        self.ends.push((index, true));
                    }
                }
                Command::Shut(connection) => {
                    if let Some((_, socket)) = self.socket(client, connection) {
                        socket.shut();
                    }
                }
            }
        }
        if let Some(due) = out.timer {
            self.clients[client].timer = Some(due);
            self.timers.push(Reverse((due, client)));
        }
        for charge in &out.charges {
            if let Some((_, socket)) = self.socket(client, charge.connection) {
                socket.ledger.charge(charge.direction, charge.category, charge.bytes);
            }
        }
    }

    fn socket(&mut self, client: ClientId, connection: ConnectionId) -> Option<(usize, &mut Socket)> {
        let (_, index) = *self.clients[client].sockets.iter().find(|(known, _)| *known == connection)?;
        self.sockets[index].as_mut().map(|socket| (index, socket))
    }

    fn open(&mut self, client: ClientId, connection: ConnectionId) -> io::Result<usize> {
        let index = self.sockets.len();
        let mut socket = Socket::open(self.clients[client].address, index, client, connection)?;
        self.poll.registry().register(&mut socket.tcp, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        self.sockets.push(Some(socket));
        Ok(index)
    }

    /// Connections that ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// Connections that are open.
    pub(crate) fn open_connections(&self) -> usize {
        self.clients.iter().map(|client| client.sockets.len()).sum()
    }

    /// Connections opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.sockets.len()
    }

    /// Segments in and out so far, over all connections of clients from `first` on, ended ones included; none where the
    /// kernel does not tell.
    pub(crate) fn segments(&self, first: ClientId) -> Option<(u64, u64)> {
        let open = self.sockets.iter().flatten().filter(|socket| socket.client >= first);
        let ended = self.ended.iter().filter(|ended| ended.client >= first);
        let mut infos = open.map(|socket| tcp_info::read(&socket.tcp)).chain(ended.map(|ended| ended.kernel));
        infos.try_fold((0, 0), |(into, out), info| {
            let info = info?;
            Some((into + u64::from(info.segments_in), out + u64::from(info.segments_out)))
        })
    }
}
