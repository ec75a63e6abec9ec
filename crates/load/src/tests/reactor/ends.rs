//! Ends of connections: in good order, by reset, and before they began.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
    time::Duration,
};

use measure::Mono;
use socket2::{Domain, SockRef, Socket, Type};
use transport::Command;

use super::{super::peer, CONNECTION, Rig, assert_equal_to_the_kernel, write};

#[test]
fn an_end_by_the_peer_is_told_once_and_after_all_bytes() {
    let (address, server) = peer(|mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"goodbye").unwrap();
    });
    let mut rig = Rig::connected(address, b"hello");
    let ended = rig.ended();
    assert_equal_to_the_kernel(&ended[0], 7, 5);
    (0..3).for_each(|_| rig.turn());
    assert_eq!(rig.seen(0).ends, [CONNECTION]);
    assert_eq!(rig.seen(0).received, b"goodbye");
    assert!(rig.reactor.take_ended().is_empty());
    server.join().unwrap();
}

#[test]
fn bytes_still_come_after_this_end_has_ended_its_own_direction() {
    let (address, server) = peer(|mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        stream.write_all(b"goodbye").unwrap();
        bytes
    });
    let mut rig = Rig::connected(address, b"hello");
    rig.stop(0);
    let ended = rig.ended();
    assert_equal_to_the_kernel(&ended[0], 7, 5);
    assert_eq!(server.join().unwrap(), b"hello");
}

#[test]
fn a_peer_that_takes_its_time_to_end_wakes_nobody() {
    let (hold, held) = mpsc::channel::<()>();
    let (address, server) = peer(move |stream| {
        let _ended = held.recv();
        drop(stream);
    });
    let mut rig = Rig::connected(address, b"hello");
    rig.stop(0);
    (0..3).for_each(|_| rig.turn());
    // A turn that nothing wakes lasts until its instant.
    let until = Mono::now() + Duration::from_millis(20);
    rig.reactor.turn(until, &mut rig.log).unwrap();
    assert!(Mono::now() >= until, "something was ready all the time");
    drop(hold);
    rig.ended();
    server.join().unwrap();
}

#[test]
fn a_reset_is_told_as_an_end_and_has_no_counts() {
    let (address, server) = peer(|mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        // Dropped with this, a connection is reset.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let mut rig = Rig::connected(address, b"hello");
    let ended = rig.ended();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].kernel, None);
    (0..3).for_each(|_| rig.turn());
    assert_eq!(rig.seen(0).ends, [CONNECTION]);
    server.join().unwrap();
}

#[test]
fn commands_for_a_connection_that_is_over_are_passed_over() {
    let (address, server) = peer(drop);
    let mut rig = Rig::connected(address, b"");
    rig.ended();
    rig.ask(0, |_, out| {
        write(b"too late", out);
        out.commands.push(Command::Shut(CONNECTION));
    });
    rig.turn();
    assert_eq!(rig.seen(0).ends, [CONNECTION]);
    server.join().unwrap();
}

#[test]
fn a_refused_connection_ends_before_it_began() {
    // Bound and not listening: nobody else can have the port, and nobody answers.
    let taken = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    taken.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = taken.local_addr().unwrap().as_socket().unwrap();
    let mut rig = Rig::connected(address, b"hello");
    rig.until(|rig| !rig.seen(0).ends.is_empty());
    (0..3).for_each(|_| rig.turn());
    assert_eq!(rig.seen(0).ends, [CONNECTION]);
    assert_eq!(rig.reactor.open_connections(), 0);
    assert!(rig.reactor.take_ended().iter().all(|ended| ended.kernel.is_none()));
}

#[test]
fn a_connection_that_cannot_even_be_begun_ends_all_the_same() {
    // No stream leads to a multicast address: the kernel says so at once.
    let mut rig = Rig::connected(SocketAddr::from((Ipv4Addr::new(224, 0, 0, 1), 1)), b"hello");
    assert_eq!(rig.reactor.opened(), 0);
    rig.until(|rig| !rig.seen(0).ends.is_empty());
    (0..3).for_each(|_| rig.turn());
    assert_eq!(rig.seen(0).ends, [CONNECTION]);
}
