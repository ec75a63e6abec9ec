//! Drivers on real sockets, without the load generator: one task a driver, its events on a channel.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use bytes::BytesMut;
use measure::Mono;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use transport::{Command, ConnectionId, Driver, Event, Out};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Events that may wait to be read; a test that reads slower slows its driver down.
const EVENTS: usize = 4096;

/// What a driver is asked to do.
type Ask = Box<dyn FnOnce(&mut dyn Driver, Mono, &mut Out) + Send>;

/// What happened to a connection.
enum Happened {
    Read(ConnectionId, BytesMut),
    Ended(ConnectionId),
}

/// A running driver.
#[derive(Debug)]
pub struct Client {
    events: mpsc::Receiver<Event>,
    asks: mpsc::Sender<Ask>,
}

impl Client {
    /// Starts `driver` against the server at `address`.
    pub fn start(driver: Box<dyn Driver>, address: SocketAddr) -> Self {
        let (events_in, events) = mpsc::channel(EVENTS);
        let (asks, asks_out) = mpsc::channel(16);
        tokio::spawn(run(driver, address, events_in, asks_out));
        Self { events, asks }
    }

    /// The next event.
    ///
    /// # Panics
    ///
    /// When none comes in [`PATIENCE`], or the driver is over.
    pub async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("the driver goes on")
    }

    /// The next event that `wanted` takes; others are passed over.
    ///
    /// # Panics
    ///
    /// When none comes in [`PATIENCE`], or the driver is over.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.event().await) {
                return found;
            }
        }
    }

    /// Waits until the server has accepted the subscription.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn ready(&mut self) -> wire::Position {
        self.until(|event| match event {
            Event::Ready(position) => Some(position),
            Event::Failed(error) => panic!("not accepted: {error}"),
            _ => None,
        })
        .await
    }

    /// Asks the driver for something.
    ///
    /// # Panics
    ///
    /// When the driver is over.
    pub async fn ask(&self, ask: impl FnOnce(&mut dyn Driver, Mono, &mut Out) + Send + 'static) {
        assert!(self.asks.send(Box::new(ask)).await.is_ok(), "the driver is over");
    }
}

async fn run(
    mut driver: Box<dyn Driver>,
    address: SocketAddr,
    events: mpsc::Sender<Event>,
    mut asks: mpsc::Receiver<Ask>,
) {
    let (happened_in, mut happened) = mpsc::channel(64);
    let mut writers: HashMap<ConnectionId, OwnedWriteHalf> = HashMap::new();
    let mut out = Out::default();
    let mut timer = None;
    driver.start(Mono::now(), &mut out);
    loop {
        for command in out.commands.drain(..) {
            match command {
                Command::Open(connection) => match TcpStream::connect(address).await {
                    Ok(tcp) => {
                        let (mut reader, writer) = tcp.into_split();
                        writers.insert(connection, writer);
                        let happened = happened_in.clone();
                        tokio::spawn(async move {
                            loop {
                                let mut bytes = BytesMut::with_capacity(4096);
                                let read = reader.read_buf(&mut bytes).await;
                                let ended = matches!(read, Ok(0) | Err(_));
                                let what =
                                    if ended { Happened::Ended(connection) } else { Happened::Read(connection, bytes) };
                                if happened.send(what).await.is_err() || ended {
                                    return;
                                }
                            }
                        });
                    }
                    Err(_refused) => {
                        let happened = happened_in.clone();
                        tokio::spawn(async move { happened.send(Happened::Ended(connection)).await });
                    }
                },
                // A failed write shows as the connection's end.
                Command::Write(connection, bytes) => {
                    if let Some(writer) = writers.get_mut(&connection) {
                        let _ended = writer.write_all(&bytes).await;
                    }
                }
                Command::Shut(connection) => {
                    if let Some(writer) = writers.get_mut(&connection) {
                        let _ended = writer.shutdown().await;
                    }
                }
            }
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
            Some(what) = happened.recv() => match what {
                Happened::Read(connection, bytes) => driver.on_bytes(connection, &bytes, Mono::now(), &mut out),
                Happened::Ended(connection) => {
                    writers.remove(&connection);
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
