//! Tests of every part without a server under test; where sockets are needed, the other end is a thread here.

mod environment;
mod feed;
mod host;
mod plan;
mod reactor;
mod repeat;
mod scenario;
mod tally;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use measure::Mono;

use crate::Scenario;

/// The default scenario with `key=value` pairs laid over it.
fn scenario(overrides: &[&str]) -> Scenario {
    let overrides: Vec<_> = overrides.iter().map(|&pair| pair.to_owned()).collect();
    Scenario::load("feed", &overrides).unwrap()
}

/// An instant so many milliseconds after some zero.
fn at(milliseconds: u64) -> Mono {
    Mono::from_nanos((1_000_000 + milliseconds) * 1_000_000)
}

/// Listens on a free port and gives the first connection to `serve`, in a thread.
fn peer<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Two ends of one TCP connection.
fn tcp_pair() -> (TcpStream, TcpStream) {
    let (address, accepted) = peer(|stream| stream);
    let ours = TcpStream::connect(address).unwrap();
    (ours, accepted.join().unwrap())
}

/// Bytes in which every misplaced piece shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
}
