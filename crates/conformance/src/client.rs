//! A driver on real sockets, without the load generator: one task a driver, its events on a channel.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use measure::Mono;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use transport::{Command, ConnectionId, Driver, DriverError, Event, Out};
use wire::{Close, Position};

/// How long to wait for what must come: far above a busy machine's worst, below what a person takes for hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Events that may wait to be read; who reads slower slows the driver down.
const EVENTS: usize = 4096;

/// How the hello says how often the server shows that it lives. Every stream carries it as this text.
const HEARTBEAT: &[u8] = br#""heartbeat_ms":"#;

/// How much is searched for the hello: far above any head before it.
const SEARCHED_BYTES: usize = 16 * 1024;

/// What a driver is asked to do.
type Ask = Box<dyn FnOnce(&mut dyn Driver, Mono, &mut Out) + Send>;

/// Why what was waited for did not come.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// Nothing came.
    #[error("nothing for {} s", .0.as_secs_f64())]
    Nothing(Duration),
    /// The server announced the end.
    #[error("the server announced the end: {} {}", .0.code, .0.reason)]
    Closed(Close),
    /// The subscription failed.
    #[error(transparent)]
    Failed(#[from] DriverError),
    /// The driver's task is gone.
    #[error("the driver is gone")]
    Gone,
}

impl ClientError {
    /// Whether this is an end that a server may choose: announced, or the connection's own. Bytes that are not the lane's,
    /// a refusal and silence are no such ends.
    pub fn is_an_end_of_the_server(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Failed(DriverError::Lost))
    }

    /// How the subscription ended, when this event is its end.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Closed(close) => Some(Self::Closed(close.clone())),
            Event::Failed(error) => Some(Self::Failed(error.clone())),
            _ => None,
        }
    }
}

/// A running driver. Dropping it ends its connections.
#[derive(Debug)]
pub struct Client {
    events: mpsc::Receiver<Event>,
    asks: mpsc::Sender<Ask>,
    seen: Arc<Seen>,
}

impl Client {
    /// Starts `driver`; its connections go to `address`, wherever its target is.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    pub fn start(driver: Box<dyn Driver>, address: SocketAddr) -> Self {
        let (events_in, events) = mpsc::channel(EVENTS);
        let (asks, asks_out) = mpsc::channel(16);
        let seen = Arc::new(Seen::default());
        tokio::spawn(Sockets::new(address, Arc::clone(&seen)).run(driver, events_in, asks_out));
        Self { events, asks, seen }
    }

    /// The next event.
    ///
    /// # Errors
    ///
    /// [`ClientError::Nothing`] when none comes `within` this time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn event(&mut self, within: Duration) -> Result<Event, ClientError> {
        let event = timeout(within, self.events.recv()).await.map_err(|_late| ClientError::Nothing(within))?;
        event.ok_or(ClientError::Gone)
    }

    /// The first event that `wanted` takes; others are passed over.
    ///
    /// # Errors
    ///
    /// [`ClientError`] when nothing comes for [`PATIENCE`], and when the subscription ends with an event that `wanted`
    /// does not take.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> Result<T, ClientError> {
        loop {
            let event = self.event(PATIENCE).await?;
            let end = ClientError::of(&event);
            if let Some(found) = wanted(event) {
                return Ok(found);
            }
            end.map_or(Ok(()), Err)?;
        }
    }

    /// Waits until the server has accepted the subscription.
    ///
    /// # Errors
    ///
    /// [`ClientError`] when it does not in [`PATIENCE`].
    pub async fn ready(&mut self) -> Result<Position, ClientError> {
        self.until(|event| match event {
            Event::Ready(position) => Some(position),
            _ => None,
        })
        .await
    }

    /// Asks the driver for something.
    ///
    /// # Errors
    ///
    /// [`ClientError::Gone`].
    pub async fn ask(
        &self,
        ask: impl FnOnce(&mut dyn Driver, Mono, &mut Out) + Send + 'static,
    ) -> Result<(), ClientError> {
        self.asks.send(Box::new(ask)).await.map_err(|_gone| ClientError::Gone)
    }

    /// What the hello says about the server's heartbeat; none before it, and on lanes without one.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.seen.heartbeat.get().copied()
    }

    /// How many connections the driver has asked for so far.
    pub fn connections_opened(&self) -> u64 {
        self.seen.opened.load(Ordering::Relaxed)
    }

    /// Waits until none of the driver's connections stands: the server has ended each.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn all_ended(&self) {
        let mut standing = self.seen.standing.subscribe();
        // The sender outlives this borrow, so it cannot be gone.
        let _never_gone = standing.wait_for(|standing| *standing == 0).await;
    }

    /// How many bytes the driver has written.
    pub fn written_bytes(&self) -> u64 {
        self.seen.written_bytes.load(Ordering::Relaxed)
    }
}

/// What a client's task has seen.
#[derive(Debug, Default)]
struct Seen {
    heartbeat: OnceLock<Duration>,
    written_bytes: AtomicU64,
    opened: AtomicU64,
    standing: watch::Sender<usize>,
}

/// What happened to a connection.
enum Happened {
    Read(ConnectionId, BytesMut),
    Ended(ConnectionId),
}

/// The connections of a driver.
struct Sockets {
    address: SocketAddr,
    seen: Arc<Seen>,
    writers: HashMap<ConnectionId, OwnedWriteHalf>,
    /// One task a connection; they end with this value.
    readers: JoinSet<()>,
    happened_in: mpsc::Sender<Happened>,
    happened: mpsc::Receiver<Happened>,
    /// The first bytes that came, until the hello was found in them.
    first: Vec<u8>,
}

impl Sockets {
    fn new(address: SocketAddr, seen: Arc<Seen>) -> Self {
        let (happened_in, happened) = mpsc::channel(64);
        Self {
            address,
            seen,
            writers: HashMap::new(),
            readers: JoinSet::new(),
            happened_in,
            happened,
            first: Vec::new(),
        }
    }

    async fn run(mut self, mut driver: Box<dyn Driver>, events: mpsc::Sender<Event>, mut asks: mpsc::Receiver<Ask>) {
        let mut out = Out::default();
        let mut timer = None;
        driver.start(Mono::now(), &mut out);
        loop {
            for command in out.commands.drain(..) {
                self.carry_out(command).await;
            }
            if let Some(due) = out.timer {
                timer = Some(Instant::now() + due.saturating_since(Mono::now()));
            }
            for event in out.events.drain(..) {
                if events.send(event).await.is_err() {
                    return;
                }
            }
            out.clear();
            tokio::select! {
                Some(what) = self.happened.recv() => match what {
                    Happened::Read(connection, bytes) => {
                        self.overhear(&bytes);
                        driver.on_bytes(connection, &bytes, Mono::now(), &mut out);
                    }
                    Happened::Ended(connection) => {
                        self.writers.remove(&connection);
                        self.seen.standing.send_replace(self.writers.len());
                        driver.on_end(connection, Mono::now(), &mut out);
                    }
                },
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => {
                    timer = None;
                    driver.on_timer(Mono::now(), &mut out);
                }
                ask = asks.recv() => match ask {
                    Some(ask) => ask(driver.as_mut(), Mono::now(), &mut out),
                    // Nobody listens any more.
                    None => return,
                },
            }
        }
    }

    async fn carry_out(&mut self, command: Command) {
        match command {
            Command::Open(connection) => {
                self.seen.opened.fetch_add(1, Ordering::Relaxed);
                let happened = self.happened_in.clone();
                if let Ok(tcp) = TcpStream::connect(self.address).await {
                    let (reader, writer) = tcp.into_split();
                    self.writers.insert(connection, writer);
                    self.seen.standing.send_replace(self.writers.len());
                    self.readers.spawn(read(connection, reader, happened));
                } else {
                    self.readers.spawn(async move {
                        // Without a receiver nobody needs to know.
                        let _gone = happened.send(Happened::Ended(connection)).await;
                    });
                }
            }
            // A failed write shows as the connection's end.
            Command::Write(connection, bytes) => {
                if let Some(writer) = self.writers.get_mut(&connection) {
                    let _ended = writer.write_all(&bytes).await;
                    self.seen.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                }
            }
            Command::Shut(connection) => {
                if let Some(writer) = self.writers.get_mut(&connection) {
                    let _ended = writer.shutdown().await;
                }
            }
        }
    }

    /// Looks for the heartbeat that the hello names: drivers keep it to themselves.
    fn overhear(&mut self, bytes: &[u8]) {
        if self.seen.heartbeat.get().is_none() && self.first.len() < SEARCHED_BYTES {
            self.first.extend_from_slice(bytes);
            if let Some(heartbeat) = heartbeat_in(&self.first) {
                self.seen.heartbeat.get_or_init(|| heartbeat);
                self.first = Vec::new();
            }
        }
    }
}

async fn read(connection: ConnectionId, mut reader: OwnedReadHalf, happened: mpsc::Sender<Happened>) {
    loop {
        let mut bytes = BytesMut::with_capacity(4096);
        let ended = matches!(reader.read_buf(&mut bytes).await, Ok(0) | Err(_));
        let what = if ended { Happened::Ended(connection) } else { Happened::Read(connection, bytes) };
        if happened.send(what).await.is_err() || ended {
            return;
        }
    }
}

/// The value of the hello's `heartbeat_ms`, when it stands in `bytes` with what ends it.
pub(crate) fn heartbeat_in(bytes: &[u8]) -> Option<Duration> {
    let at = bytes.windows(HEARTBEAT.len()).position(|window| window == HEARTBEAT)?;
    let rest = &bytes[at + HEARTBEAT.len()..];
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let milliseconds = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}
