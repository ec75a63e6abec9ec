//! Bytes both ways: all of them, in order, and as many as the kernel counts.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use measure::{Category, Direction, Mono};
use serde_json::value::RawValue;
use transport::Command;
use wire::Draft;

use crate::reactor::{Task, What};

use super::{super::pattern, super::peer, CONNECTION, Rig, assert_equal_to_the_kernel, write};

const MIB: usize = 1024 * 1024;

/// Reads to the end, then sends the same back and ends.
fn echo(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
    bytes
}

#[test]
fn bytes_in_any_pieces_arrive_in_order() {
    let sizes = [1, 2, 3, 5, 1000, 1, 40_000, 7, 65_536, 65_537, 200_000, 13];
    let total = sizes.iter().sum();
    let (address, server) = peer(move |mut stream| {
        stream.set_nodelay(true).unwrap();
        let bytes = pattern(total);
        let mut rest = &bytes[..];
        for size in sizes {
            let (piece, after) = rest.split_at(size);
            stream.write_all(piece).unwrap();
            rest = after;
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut greeting = Vec::new();
        stream.read_to_end(&mut greeting).unwrap();
        greeting
    });
    let mut rig = Rig::connected(address, b"hello");
    let ended = rig.ended();
    assert!(rig.seen(0).received == pattern(total), "bytes are missing or misplaced");
    assert_equal_to_the_kernel(&ended[0], total, 5);
    assert!(rig.log.told.is_sorted_by_key(|(_, at)| *at), "stamps go backwards");
    assert!(!rig.reactor.lag.is_empty());
    drop(rig);
    assert_eq!(server.join().unwrap(), b"hello");
}

#[test]
fn a_write_larger_than_every_buffer_is_completed_before_the_end_that_follows_it() {
    let (go, gone) = mpsc::channel();
    let (address, server) = peer(move |stream| {
        gone.recv().unwrap();
        echo(stream)
    });
    let mut rig = Rig::connected(address, b"");
    let bytes = pattern(16 * MIB);
    rig.ask(0, |_, out| {
        write(&bytes, out);
        out.commands.push(Command::Shut(CONNECTION));
    });
    // Until now nobody reads, so the buffers fill up.
    (0..4).for_each(|_| rig.turn());
    go.send(()).unwrap();
    let ended = rig.ended();
    assert!(server.join().unwrap() == bytes, "bytes are missing or misplaced");
    assert!(rig.seen(0).received == bytes, "bytes are missing or misplaced");
    assert_equal_to_the_kernel(&ended[0], bytes.len(), bytes.len());
}

#[test]
fn the_ledger_equals_the_kernel_to_the_byte() {
    for length in [0, 1, 1447, 1448, 1449, 65_535, 65_536, MIB - 1, MIB, MIB + 1] {
        let (address, server) = peer(echo);
        let mut rig = Rig::connected(address, &pattern(length));
        rig.stop(0);
        let ended = rig.ended();
        assert_eq!(ended.len(), 1);
        assert_equal_to_the_kernel(&ended[0], length, length);
        server.join().unwrap();
    }
}

#[test]
fn many_writes_in_many_turns_add_up() {
    let (address, server) = peer(echo);
    let mut rig = Rig::connected(address, b"");
    for _ in 0..50 {
        rig.ask(0, |_, out| write(&pattern(3000), out));
        rig.turn();
    }
    rig.stop(0);
    let ended = rig.ended();
    assert!(server.join().unwrap() == pattern(3000).repeat(50), "bytes are missing or misplaced");
    assert_equal_to_the_kernel(&ended[0], 150_000, 150_000);
}

#[test]
fn connections_do_not_mix() {
    const CLIENTS: usize = 40;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let accepted = (0..CLIENTS).map(|_| listener.accept().unwrap().0);
        let threads: Vec<_> = accepted.map(|stream| thread::spawn(move || echo(stream))).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let mut rig = Rig::new(address);
    let words: Vec<_> = (0..CLIENTS).map(|client| format!("client {client} ").repeat(100 * client + 1)).collect();
    for word in &words {
        rig.add(Some(word.as_bytes()));
    }
    assert_eq!((rig.reactor.opened(), rig.reactor.open_connections()), (CLIENTS, CLIENTS));
    (0..CLIENTS).for_each(|client| rig.stop(client));
    let mut ended = rig.ended();
    ended.sort_by_key(|ended| ended.client);
    for (client, word) in words.iter().enumerate() {
        assert!(rig.seen(client).received == word.as_bytes(), "client {client} got something else");
        assert_equal_to_the_kernel(&ended[client], word.len(), word.len());
    }
    assert_eq!((rig.reactor.opened(), rig.reactor.open_connections()), (CLIENTS, 0));
    server.join().unwrap();
}

#[test]
fn what_is_encoded_ahead_is_charged_and_written_when_it_is_due() {
    let (address, server) = peer(echo);
    let mut rig = Rig::connected(address, b"hello ");
    let data = RawValue::from_string(r#"{"n":1}"#.to_owned()).unwrap();
    let draft = Draft::new("message".into(), &data);
    let bytes = rig.reactor.encode(0, |driver, out| driver.publish(&draft, 1, Mono::now(), out));
    assert_eq!(bytes, br#"{"n":1}"#);
    rig.reactor.schedule(vec![Task { at: Mono::now(), client: 0, what: What::Write { n: 0, bytes } }]);
    rig.until(|rig| rig.log.sent.len() == 1);
    rig.stop(0);
    let ended = rig.ended();
    assert_eq!(server.join().unwrap(), br#"hello {"n":1}"#);
    assert_equal_to_the_kernel(&ended[0], 13, 13);
    assert_eq!(ended[0].ledger.get(Direction::Up, Category::Payload), 13);
}

#[test]
fn segments_are_those_of_the_clients_asked_for_ended_ones_included() {
    let (address, server) = peer(echo);
    let mut rig = Rig::connected(address, b"hello");
    rig.until(|rig| rig.reactor.segments(0).is_some_and(|(into, out)| into >= 1 && out >= 2));
    assert_eq!(rig.reactor.segments(1), Some((0, 0)));
    rig.stop(0);
    rig.until(|rig| rig.reactor.open_connections() == 0);
    let (into, out) = rig.reactor.segments(0).unwrap();
    // Handshake, data and end, each way.
    assert!(into >= 3 && out >= 3, "{into} in, {out} out");
    server.join().unwrap();
}
