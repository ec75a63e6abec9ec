//! The golden server over real sockets: what it says it does is what a client sees.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use measure::Mono;
use wire::{Control, Item, length_prefixed};

use crate::golden::{Behaviour, Faults, Golden, faults::Fate};

/// A client of one room, past its hello.
struct Client {
    tcp: TcpStream,
}

impl Client {
    fn connect(server: &Golden, query: &str) -> Self {
        let mut tcp = TcpStream::connect(server.address()).unwrap();
        let head = format!("GET /v1/bench/r0/floor{query} HTTP/1.1\r\nHost: x\r\nUpgrade: anything\r\n\r\n");
        tcp.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tcp.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("Upgrade: anything"), "{answer}");
        let mut client = Self { tcp };
        assert!(client.next().starts_with(r#"{"hello":"#));
        client
    }

    /// The text of the next item.
    fn next(&mut self) -> String {
        let mut length = [0; length_prefixed::HEADER_LEN];
        self.tcp.read_exact(&mut length).unwrap();
        let mut item = vec![0; u32::from_be_bytes(length) as usize];
        self.tcp.read_exact(&mut item).unwrap();
        String::from_utf8(item).unwrap()
    }

    fn publish(&mut self, reference: u64) {
        let item = format!(r#"{{"publish":{{"event":"message","data":{{"n":{reference}}}}},"ref":{reference}}}"#);
        let mut bytes = Vec::new();
        length_prefixed::encode(item.as_bytes(), &mut bytes);
        self.tcp.write_all(&bytes).unwrap();
    }

    /// Offsets until the one of `last` has come.
    fn offsets_until(&mut self, last: u64) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.last() != Some(&last) {
            let text = self.next();
            if text.is_empty() {
                continue;
            }
            let Ok(Item::Publication(publication)) = Item::decode(&text) else { panic!("{text}") };
            offsets.push(publication.offset);
        }
        offsets
    }
}

fn start(behaviour: Behaviour) -> Golden {
    Golden::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), behaviour).unwrap()
}

#[test]
fn what_is_published_is_acknowledged_and_delivered_to_its_room() {
    let server = start(Behaviour { touch_bytes: 4096, ..Behaviour::default() });
    let (mut subscriber, mut publisher) = (Client::connect(&server, ""), Client::connect(&server, "?receive=false"));
    for n in 1..=3 {
        publisher.publish(n);
        let ack: Control = serde_json::from_str(&publisher.next()).unwrap();
        let Control::Ack(ack) = ack else { panic!("{ack:?}") };
        assert_eq!((ack.reference, ack.position.offset), (Some(n), n));
    }
    assert_eq!(subscriber.offsets_until(3), [1, 2, 3]);
    let told = server.told();
    assert_eq!((told.publications, told.written, told.lost), (3, 3, 0));
}

#[test]
fn a_late_subscriber_is_not_delivered_what_came_before_its_hello() {
    let server = start(Behaviour { delay: Duration::from_millis(50), ..Behaviour::default() });
    let mut publisher = Client::connect(&server, "?receive=false");
    publisher.publish(1);
    publisher.next();
    let mut subscriber = Client::connect(&server, "");
    publisher.publish(2);
    assert_eq!(subscriber.offsets_until(2), [2]);
}

#[test]
fn no_delivery_comes_before_its_delay_has_passed() {
    let delay = Duration::from_millis(30);
    let server = start(Behaviour { delay, two_writes: true, ..Behaviour::default() });
    let (mut subscriber, mut publisher) = (Client::connect(&server, ""), Client::connect(&server, "?receive=false"));
    for n in 1..=3 {
        let before = Mono::now();
        publisher.publish(n);
        subscriber.offsets_until(n);
        assert!(Mono::now().saturating_since(before) >= delay);
    }
}

#[test]
fn faults_are_made_exactly_as_told() {
    let faults = Faults { seed: 7, first: 11, last: 90, lose: 2, double: 3, swap: 4 };
    let server = start(Behaviour { faults, ..Behaviour::default() });
    let mut subscribers = [Client::connect(&server, ""), Client::connect(&server, "")];
    let mut publisher = Client::connect(&server, "?receive=false");
    for n in 1..=100 {
        publisher.publish(n);
    }
    for subscriber in &mut subscribers {
        let offsets = subscriber.offsets_until(100);
        let mut times = BTreeMap::<u64, u32>::new();
        for offset in &offsets {
            *times.entry(*offset).or_default() += 1;
        }
        let newest_before = |at: usize| offsets[..at].iter().copied().max().unwrap_or(0);
        let late = (0..offsets.len()).filter(|&at| offsets[at] < newest_before(at)).count();
        assert_eq!((1..=100).filter(|offset| !times.contains_key(offset)).count(), 2, "lost");
        assert_eq!(times.values().filter(|&&count| count == 2).count(), 3, "doubled");
        assert_eq!(late, 4, "swapped");
        assert!((1..=10).chain(91..=100).all(|offset| times[&offset] == 1));
    }
    let told = server.told();
    assert_eq!((told.publications, told.lost, told.doubled, told.swapped), (100, 4, 6, 8));
    assert_eq!(told.written, 2 * (100 - 2 + 3));
}

#[test]
fn faults_are_the_same_for_the_same_seed_and_never_meet() {
    let faults = Faults { seed: 1, first: 5, last: 24, lose: 4, double: 3, swap: 3 };
    let fates = faults.of(0);
    assert_eq!(fates, faults.of(0));
    assert_ne!(fates, faults.of(1));
    let count = |fate| fates.values().filter(|other| **other == fate).count();
    assert_eq!([Fate::Lost, Fate::Doubled, Fate::Swapped].map(count), [4, 3, 3]);
    assert!(fates.keys().all(|offset| (5..=23).contains(offset) && offset % 2 == 1));
}

#[test]
fn more_faults_than_pairs_are_refused() {
    let faults = Faults { first: 1, last: 4, lose: 3, ..Faults::default() };
    assert!(faults.check().is_err() && faults.of(0).is_empty());
    assert!(Faults { lose: 2, ..faults }.check().is_ok());
    assert!(Faults::default().check().is_ok());
}
