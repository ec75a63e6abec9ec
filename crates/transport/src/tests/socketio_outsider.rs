//! The driver of Socket.IO against a server that others wrote, over real sockets, on every carrier.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Duration,
};

use measure::{ByteLedger, Category, Direction, Mono};
use serde_json::{Value, value::RawValue};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use wire::{After, Draft};

use super::{
    lane,
    publishing::{acked, refused},
    servers::{hello, sized},
    socketio_servers::{BOTH, POLLING, WEBSOCKET, ready_event},
    target,
};
use crate::{Command, ConnectionId, Driver, Event, Out, Target};

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Publications that the server has for everybody who comes.
const HELD: u64 = 40;

/// So short that pings are part of every conversation.
const PING_INTERVAL: Duration = Duration::from_millis(60);

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap()
}

/// Takes whoever asks for a start, and acks what is published by telling it to the publisher.
async fn connected(socket: SocketRef, Data(auth): Data<Value>) {
    socket.on("publish", async |socket: SocketRef, Data::<Value>(publish), ack: AckSender| {
        let size = publish["data"].as_str().map_or(0, str::len);
        if publish["room"] != "lobby" || size == 0 {
            ack.send(&serde_json::json!({"error": {"status": 400, "detail": "no"}})).unwrap();
            return;
        }
        ack.send(&serde_json::json!({"position": format!("e.{}", 42 + HELD)})).unwrap();
        socket.emit("message", &(raw(sized(42 + HELD, size + 2)), "lobby")).unwrap();
    });
    assert_eq!(auth, serde_json::json!({"room": "lobby", "after": "e.41"}));
    socket.emit("hello", &(raw(hello(41)), "lobby")).unwrap();
    for offset in 42..42 + HELD {
        socket.emit("message", &(raw(sized(offset, 20)), "lobby")).unwrap();
    }
}

async fn server() -> SocketAddr {
    let (layer, io) = SocketIo::builder().ping_interval(PING_INTERVAL).ping_timeout(PATIENCE).build_layer();
    io.ns("/chat", connected);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().layer(layer)).await });
    address
}

/// A driver on its sockets, with every byte counted beside the driver's own books.
struct Client {
    driver: Box<dyn Driver>,
    address: SocketAddr,
    writers: HashMap<ConnectionId, OwnedWriteHalf>,
    readers: JoinSet<()>,
    happened_in: mpsc::Sender<(ConnectionId, Vec<u8>)>,
    happened: mpsc::Receiver<(ConnectionId, Vec<u8>)>,
    timer: Option<Instant>,
    events: Vec<Event>,
    ledgers: BTreeMap<ConnectionId, ByteLedger>,
    /// Down and up.
    counted: BTreeMap<ConnectionId, [u64; 2]>,
}

impl Client {
    async fn start(lane_text: &str, address: SocketAddr) -> Self {
        let target = Target { after: After::Position("e.41".parse().unwrap()), ..target() };
        let (happened_in, happened) = mpsc::channel(64);
        let mut client = Self {
            driver: lane(lane_text).build().driver(target),
            address,
            writers: HashMap::new(),
            readers: JoinSet::new(),
            happened_in,
            happened,
            timer: None,
            events: Vec::new(),
            ledgers: BTreeMap::new(),
            counted: BTreeMap::new(),
        };
        client.ask(|driver, out| driver.start(Mono::now(), out)).await;
        client
    }

    async fn ask(&mut self, ask: impl FnOnce(&mut dyn Driver, &mut Out)) {
        let mut out = Out::default();
        ask(self.driver.as_mut(), &mut out);
        for command in out.commands {
            match command {
                Command::Open(connection) => {
                    let (mut reader, writer) = TcpStream::connect(self.address).await.unwrap().into_split();
                    self.writers.insert(connection, writer);
                    let happened = self.happened_in.clone();
                    self.readers.spawn(async move {
                        let mut buffer = vec![0; 64 * 1024];
                        loop {
                            let length = reader.read(&mut buffer).await.unwrap_or(0);
                            // No bytes are the end.
                            let told = happened.send((connection, buffer[..length].to_vec())).await;
                            if length == 0 || told.is_err() {
                                return;
                            }
                        }
                    });
                }
                Command::Write(connection, bytes) => {
                    self.counted.entry(connection).or_default()[1] += bytes.len() as u64;
                    self.writers.get_mut(&connection).unwrap().write_all(&bytes).await.unwrap();
                }
                Command::Shut(connection) => {
                    if let Some(writer) = self.writers.get_mut(&connection) {
                        let _ended = writer.shutdown().await;
                    }
                }
            }
        }
        for charge in out.charges {
            let ledger = self.ledgers.entry(charge.connection).or_default();
            ledger.charge(charge.direction, charge.category, charge.bytes);
        }
        self.timer = out.timer.map(|due| Instant::now() + due.saturating_since(Mono::now())).or(self.timer);
        self.events.extend(out.events);
    }

    /// Waits for the next thing to happen, and tells the driver.
    async fn turn(&mut self) {
        tokio::select! {
            Some((connection, bytes)) = self.happened.recv() => {
                if bytes.is_empty() {
                    self.writers.remove(&connection);
                    self.ask(|driver, out| driver.on_end(connection, Mono::now(), out)).await;
                } else {
                    self.counted.entry(connection).or_default()[0] += bytes.len() as u64;
                    self.ask(|driver, out| driver.on_bytes(connection, &bytes, Mono::now(), out)).await;
                }
            }
            () = sleep_until(self.timer.unwrap_or_else(Instant::now)), if self.timer.is_some() => {
                self.timer = None;
                self.ask(|driver, out| driver.on_timer(Mono::now(), out)).await;
            }
        }
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let turns = async {
            while !done(self) {
                self.turn().await;
            }
        };
        let late = timeout(PATIENCE, turns).await.is_err();
        assert!(!late, "waited for {what}; there is {:?}", self.events);
    }

    async fn publish(&mut self, data: &str, reference: u64) {
        let data = raw(data.to_owned());
        let draft = Draft::new("message".into(), &data);
        self.ask(|driver, out| driver.publish(&draft, reference, Mono::now(), out)).await;
    }

    fn charged(&self, direction: Direction, category: Category) -> u64 {
        self.ledgers.values().map(|ledger| ledger.get(direction, category)).sum()
    }

    fn deliveries(&self) -> Vec<u64> {
        let offset = |event: &Event| if let Event::Delivery(delivery) = event { Some(delivery.offset) } else { None };
        self.events.iter().filter_map(offset).collect()
    }
}

async fn converse(lane_text: &str, connections: usize) -> Client {
    let mut client = Client::start(lane_text, server().await).await;
    client.until("what is held", |client| client.deliveries().len() as u64 == HELD).await;
    client.publish("\"seven bytes more\"", 7).await;
    client.publish("\"\"", 8).await;
    let answered = |client: &Client| client.events.iter().filter(|event| is_answer(event)).count() == 2;
    client.until("two answers", answered).await;
    client.until("the last publication", |client| client.deliveries().len() as u64 == HELD + 1).await;
    let pinged = |client: &Client| client.charged(Direction::Up, Category::Heartbeat) > 0;
    client.until("a ping", pinged).await;
    client.ask(|driver, out| driver.stop(Mono::now(), out)).await;
    client.until("the end", |client| client.writers.is_empty()).await;

    assert_eq!(client.ledgers.len(), connections);
    for (connection, counted) in &client.counted {
        let totals = [Direction::Down, Direction::Up].map(|direction| client.ledgers[connection].total(direction));
        assert_eq!(totals, *counted, "{lane_text}, connection {connection}");
    }
    client
}

fn is_answer(event: &Event) -> bool {
    matches!(event, Event::Acked(_) | Event::Refused(_))
}

#[tokio::test]
async fn another_server_and_the_driver_understand_each_other_on_every_carrier() {
    for (lane_text, connections) in [(BOTH, 3), (POLLING, 2), (WEBSOCKET, 1)] {
        let client = converse(lane_text, connections).await;
        assert_eq!(client.deliveries(), (42..=42 + HELD).collect::<Vec<_>>());
        let told: Vec<_> = client.events.iter().filter(|event| !matches!(event, Event::Exchange { .. })).collect();
        assert_eq!(*told[0], ready_event());
        let answers: Vec<_> = client.events.iter().filter(|event| is_answer(event)).cloned().collect();
        assert_eq!(answers, [acked(7, &format!("e.{}", 42 + HELD)), refused(8, 400, "no")]);
        assert!(!client.events.iter().any(|event| matches!(event, Event::Failed(_) | Event::Closed(_))), "{lane_text}");
        let polls = client.charged(Direction::Down, Category::HttpHead);
        assert_eq!(polls > 0, lane_text == POLLING, "only who stays with polls gets publications in them");
    }
}
