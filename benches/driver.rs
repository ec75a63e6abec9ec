//! One delivery in each transport's driver, to be read against the floor's: the client's share that is not sockets.
//!
//! Every driver of the list talks to a server in this process until it has got one publication. What came in for it is
//! kept, and the bench gives it to the driver again and again. A driver that asks by the clock asks before each, so its figure
//! holds a request too.

use std::{
    future::pending,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::mpsc,
    thread,
};

use criterion::{Criterion, Throughput};
use feedbench_benches::{DATA_BYTES, data};
use hub::Limits;
use measure::Mono;
use server::{Config, Server};
use tokio::runtime::Builder;
use transport::{Command, Driver, Event, Headers, Lane, Origin, Out, Spec, Target};
use wire::{After, Draft, RoomName, http1};

fn main() {
    feedbench_benches::run(deliveries);
}

fn deliveries(criterion: &mut Criterion) {
    let address = serve();
    let mut group = criterion.benchmark_group("driver");
    group.throughput(Throughput::Elements(1));
    for spec in transport::ALL {
        let mut replay = Replay::of(spec, address);
        let mut out = Out::default();
        replay.once(&mut out);
        let delivered = out.events.iter().filter(|event| matches!(event, Event::Delivery(_))).count();
        assert_eq!(delivered, 1, "{}: {:?}", spec.id, out.events);
        group.bench_function(spec.id, |bencher| bencher.iter(|| replay.once(&mut out)));
    }
}

/// Starts a server that lives as long as the process; it rests while drivers are measured.
fn serve() -> SocketAddr {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listen = (Ipv4Addr::LOCALHOST, 0).into();
            let config = Config::new(listen, Limits::default(), transport::ALL);
            let server = Server::bind(config).expect("a free port");
            tell.send(server.addresses()[0]).expect("somebody who waits");
            server.run(pending()).await
        })
    });
    told.recv().expect("a server")
}

/// A driver and what a server sent it for one publication.
struct Replay {
    driver: Box<dyn Driver>,
    /// The bytes; they came in on the connection opened last.
    bytes: Vec<u8>,
    sockets: Vec<TcpStream>,
    address: SocketAddr,
    asks: bool,
    now: Mono,
}

impl Replay {
    fn of(spec: &'static Spec, address: SocketAddr) -> Self {
        let transport = Lane::plain(spec).build();
        let room = RoomName::new("bench", spec.id).expect("a room's name");
        let target = Target {
            origin: Origin { authority: address.to_string(), address },
            room: room.clone(),
            after: After::Head,
            headers: Headers::built_in("chromium").expect("a profile"),
            seed: 1,
            phase: None,
            receive: true,
        };
        let mut replay = Self {
            driver: transport.driver(target),
            bytes: Vec::new(),
            sockets: Vec::new(),
            address,
            asks: transport.interval().is_some(),
            now: Mono::now(),
        };
        let mut out = Out::default();
        replay.driver.start(replay.now, &mut out);
        replay.carry_out(&out);
        replay.read_until(|event| matches!(event, Event::Ready(_)));
        publish(address, &room);
        if replay.asks {
            out.clear();
            replay.driver.on_timer(replay.now, &mut out);
            replay.carry_out(&out);
        }
        replay.read_until(|event| matches!(event, Event::Delivery(_)));
        replay
    }

    /// One delivery.
    fn once(&mut self, out: &mut Out) {
        out.clear();
        if self.asks {
            self.driver.on_timer(self.now, out);
        }
        self.driver.on_bytes(self.connection(), &self.bytes, self.now, out);
    }

    fn connection(&self) -> u32 {
        u32::try_from(self.sockets.len() - 1).expect("few connections")
    }

    /// Keeps what comes in until the driver tells what is `wanted`.
    fn read_until(&mut self, wanted: impl Fn(&Event) -> bool) {
        self.bytes.clear();
        let mut out = Out::default();
        while !out.events.iter().any(&wanted) {
            let mut buffer = [0; 4096];
            let length = self.sockets.last_mut().expect("a connection").read(&mut buffer).expect("bytes");
            assert!(length > 0, "the server ended the connection: {:?}", out.events);
            self.bytes.extend_from_slice(&buffer[..length]);
            out.clear();
            self.driver.on_bytes(self.connection(), &buffer[..length], self.now, &mut out);
            self.carry_out(&out);
        }
    }

    fn carry_out(&mut self, out: &Out) {
        for command in &out.commands {
            match command {
                Command::Open(_) => self.sockets.push(TcpStream::connect(self.address).expect("a connection")),
                Command::Write(connection, bytes) => {
                    self.sockets[*connection as usize].write_all(bytes).expect("written");
                }
                Command::Shut(_) => panic!("the driver gave up: {:?}", out.events),
            }
        }
    }
}

/// Publishes one message to a room, with no driver's help.
fn publish(address: SocketAddr, room: &RoomName) {
    let data = data(DATA_BYTES);
    let body = Draft::new("message".into(), &data).encode();
    let (path, host) = (format!("/v1/{room}/messages"), address.to_string());
    let headers = [("Host", host.as_str()), ("Content-Type", "application/json"), ("Connection", "close")];
    let mut request = Vec::new();
    http1::request("POST", &path, &headers, body.as_bytes(), &mut request);
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.write_all(&request).expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}
