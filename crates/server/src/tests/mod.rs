//! A watched server in this process, and subscribers whose own ledgers are put beside its own.

mod cutting;
mod keeping;
mod ledgers;
mod splits;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use conformance::client::{Client, PATIENCE};
use hub::{Hub, Limits};
use measure::{ByteLedger, Category, Direction, Mono};
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    time::{sleep, timeout},
};
use transport::{ALL, Command, ConnectionId, Driver, Event, Headers, Lane, Origin, Out, Target, lane};
use wire::{After, Draft, RoomName, SessionId};

use crate::{Config, Server, watch::Registry};

/// Every lane, and pollers by the clock often enough to be waited for.
fn lanes() -> Vec<Lane> {
    let often = |lane: Lane| match lane.build().interval() {
        Some(_) => Lane::parse(&format!("{}+interval=50ms", lane.spec().id), ALL).unwrap(),
        None => lane,
    };
    lane::standard(ALL).into_iter().map(often).collect()
}

/// A server that watches, and shows signs of life often.
struct Running {
    address: SocketAddr,
    registry: Arc<Registry>,
    hub: Hub,
}

impl Running {
    fn start() -> Self {
        let limits = Limits {
            heartbeat: Duration::from_millis(400),
            max_hold: Duration::from_millis(300),
            hold: Duration::from_millis(300),
            ..Limits::default()
        };
        let config = Config { watch_connections: true, ..Config::new(([127, 0, 0, 1], 0).into(), limits, ALL) };
        let server = Server::bind(config).unwrap();
        let (address, hub) = (server.addresses()[0], server.hub.clone());
        let registry = server.gate.registry.clone().unwrap();
        tokio::spawn(server.run(std::future::pending()));
        Self { address, registry, hub }
    }

    /// Writes requests, the last of which ends the connection, and reads the answers.
    async fn exchange(&self, requests: &str) -> String {
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = String::new();
        timeout(PATIENCE, tcp.read_to_string(&mut answers)).await.unwrap().unwrap();
        answers
    }

    /// A session, its cookie, and a room that nobody else is in.
    async fn begin(&self) -> (SessionId, String, RoomName) {
        let answer = self.exchange(&request("POST /session", "", r#"{"name":"ana"}"#)).await;
        let cookie = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let session = answer.split(r#""session":""#).nth(1).unwrap().split('"').next().unwrap();
        (session.parse().unwrap(), cookie.to_owned(), RoomName::new("demo", session).unwrap())
    }

    /// Publishes values of these sizes into a room, one right behind the other, as nobody.
    async fn publish(&self, room: &RoomName, sizes: &[usize]) {
        let one = |size: &usize| {
            let body = format!(r#"{{"event":"message","data":"{}"}}"#, "x".repeat(size - 2));
            request(&format!("POST /v1/{room}/messages"), "", &body)
        };
        let (last, rest) = sizes.split_last().unwrap();
        let kept: String = rest.iter().map(|size| one(size).replace("Connection: close\r\n", "")).collect();
        let answers = self.exchange(&(kept + &one(last))).await;
        assert_eq!(answers.matches("HTTP/1.1 201").count(), sizes.len(), "{answers}");
    }

    /// A subscriber of this session.
    fn subscribe(&self, lane: &Lane, room: &RoomName, headers: &str, cookie: &str, after: After) -> Subscriber {
        let target = Target {
            origin: Origin::parse(&format!("http://{}", self.address)).unwrap(),
            room: room.clone(),
            after,
            headers: Headers::built_in(headers).unwrap().with_cookie(cookie),
            seed: 7,
            phase: None,
            receive: true,
        };
        let seen = Arc::<Mutex<Seen>>::default();
        let driver = Noted { driver: lane.build().driver(target), seen: Arc::clone(&seen) };
        Subscriber { client: Client::start(Box::new(driver), self.address), seen }
    }
}

fn request(what: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("{what} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}")
}

/// Looks again until it holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let looked = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, looked).await.unwrap_or_else(|_late| panic!("{what}, even after {PATIENCE:?}"));
}

/// What a driver did.
#[derive(Debug, Default)]
struct Seen {
    ledgers: BTreeMap<ConnectionId, ByteLedger>,
    deliveries: u64,
    /// What went over its connections, in its order.
    streams: Vec<(ConnectionId, Direction, Vec<u8>)>,
}

impl Seen {
    /// Its connections that only publish.
    fn is_uplink(&self, connection: ConnectionId) -> bool {
        let first = self.streams.iter().find(|(of, direction, _)| *of == connection && *direction == Direction::Up);
        first.is_some_and(|(_, _, bytes)| bytes.starts_with(b"POST /v1/"))
    }

    fn total(&self, uplinks: bool) -> ByteLedger {
        let mut total = ByteLedger::default();
        let wanted = |connection: &ConnectionId| self.is_uplink(*connection) == uplinks;
        self.ledgers.iter().filter(|(connection, _)| wanted(connection)).for_each(|(_, ledger)| total.add(ledger));
        total
    }
}

/// A driver whose ledger and bytes are kept.
#[derive(Debug)]
struct Noted {
    driver: Box<dyn Driver>,
    seen: Arc<Mutex<Seen>>,
}

impl Noted {
    fn ask(&mut self, out: &mut Out, ask: impl FnOnce(&mut dyn Driver, &mut Out)) {
        ask(self.driver.as_mut(), out);
        let mut seen = self.seen.lock().unwrap();
        for charge in out.charges.drain(..) {
            seen.ledgers.entry(charge.connection).or_default().charge(charge.direction, charge.category, charge.bytes);
        }
        seen.deliveries += out.events.iter().filter(|event| matches!(event, Event::Delivery(_))).count() as u64;
        for command in &out.commands {
            if let Command::Write(connection, bytes) = command {
                seen.streams.push((*connection, Direction::Up, bytes.clone()));
            }
        }
    }
}

impl Driver for Noted {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.ask(out, |driver, out| driver.start(now, out));
    }

    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8], now: Mono, out: &mut Out) {
        self.seen.lock().unwrap().streams.push((connection, Direction::Down, bytes.to_vec()));
        self.ask(out, |driver, out| driver.on_bytes(connection, bytes, now, out));
    }

    fn on_end(&mut self, connection: ConnectionId, now: Mono, out: &mut Out) {
        self.ask(out, |driver, out| driver.on_end(connection, now, out));
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        self.ask(out, |driver, out| driver.on_timer(now, out));
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, now: Mono, out: &mut Out) {
        self.ask(out, |driver, out| driver.publish(draft, reference, now, out));
    }

    fn stop(&mut self, now: Mono, out: &mut Out) {
        self.ask(out, |driver, out| driver.stop(now, out));
    }
}

struct Subscriber {
    client: Client,
    seen: Arc<Mutex<Seen>>,
}

impl Subscriber {
    /// Publishes a value of so many bytes on the lane's uplink.
    async fn publish(&self, reference: u64, size: usize) {
        let publish = move |driver: &mut dyn Driver, now, out: &mut Out| {
            let data = RawValue::from_string(format!("\"{}\"", "y".repeat(size - 2))).unwrap();
            driver.publish(&Draft::new("message".into(), &data), reference, now, out);
        };
        self.client.ask(publish).await.unwrap();
    }

    /// Waits for so many messages, and so many acks. Others may come and go meanwhile.
    async fn got(&mut self, mut deliveries: usize, mut acks: usize) {
        while deliveries + acks > 0 {
            match self.client.event(PATIENCE).await.unwrap() {
                Event::Delivery(delivery) => deliveries -= usize::from(delivery.json.contains(r#""event":"message""#)),
                Event::Acked(_) => acks -= 1,
                event @ (Event::Refused(_) | Event::Closed(_) | Event::Failed(_)) => panic!("{event:?}"),
                Event::Ready(_) | Event::Gap(_) | Event::Exchange { .. } => {}
            }
        }
    }

    /// Waits until the driver has charged something to one of these categories: there was nothing to say.
    async fn charged(&mut self, categories: &[Category]) {
        let is_charged = |total: &ByteLedger| categories.iter().any(|one| total.get(Direction::Down, *one) > 0);
        while !is_charged(&self.seen.lock().unwrap().total(false)) {
            // Its events have to be read, and tell nothing here.
            let _event = self.client.event(Duration::from_millis(20)).await;
        }
    }

    /// Ends the subscription, and waits until both ends know.
    async fn stop(&self) {
        self.client.ask(|driver, now, out| driver.stop(now, out)).await.unwrap();
        timeout(PATIENCE, self.client.all_ended()).await.unwrap();
        // The last end is told before the driver hears of it.
        let (heard, hears) = oneshot::channel();
        let tell = move |_: &mut dyn Driver, _, _: &mut Out| heard.send(()).unwrap();
        self.client.ask(tell).await.unwrap();
        timeout(PATIENCE, hears).await.unwrap().unwrap();
    }
}
