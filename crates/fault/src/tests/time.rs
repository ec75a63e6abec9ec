//! Delay, stall and dribble: what is late, what waits, and that nothing is lost.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{MIB, Net, exchange, expect, is_over, numbered};
use crate::{Control, Way};

/// More than the kernel's buffers of two connections and the proxy's queue can hold.
const FAR_TOO_MUCH: usize = 64 * MIB;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Writes until nothing more is taken for a while; returns how much was.
async fn fill(to: &mut TcpStream, bytes: &[u8]) -> usize {
    let mut taken = 0;
    while taken < bytes.len() {
        let Ok(wrote) = timeout(ms(250), to.write(&bytes[taken..])).await else { break };
        taken += wrote.unwrap();
    }
    taken
}

#[tokio::test]
async fn a_delay_holds_each_byte_at_least_so_long_and_keeps_order() {
    const DELAY: Duration = Duration::from_millis(40);
    let net = Net::new().await;
    for way in [Way::Up, Way::Down] {
        net.control.heal();
        net.control.delay(way, DELAY);
        let (client, server) = net.pair().await;
        let (mut to, mut from) = if way == Way::Up { (client, server) } else { (server, client) };
        let send = async {
            let mut sent = Vec::new();
            for number in 0..20_u8 {
                sent.push(Instant::now());
                to.write_all(&[number]).await.unwrap();
                sleep(ms(3)).await;
            }
            sent
        };
        let receive = async {
            let mut came = Vec::new();
            for number in 0..20_u8 {
                assert_eq!(from.read_u8().await.unwrap(), number);
                came.push(Instant::now());
            }
            came
        };
        let (sent, came) = tokio::join!(send, receive);
        for (sent, came) in sent.into_iter().zip(came) {
            assert!(came - sent >= DELAY, "{way:?}: {:?}", came - sent);
        }
    }
}

#[tokio::test]
async fn a_delay_holds_the_end_too() {
    let net = Net::new().await;
    net.control.delay(Way::Up, ms(40));
    let (mut client, mut server) = net.pair().await;
    let start = Instant::now();
    client.shutdown().await.unwrap();
    assert!(is_over(&mut server).await);
    assert!(start.elapsed() >= ms(40));
}

#[tokio::test]
async fn a_new_delay_holds_for_bytes_that_already_wait() {
    let net = Net::new().await;
    net.control.delay(Way::Up, Duration::from_hours(1));
    let (mut client, mut server) = net.pair().await;
    client.write_all(b"waits").await.unwrap();
    net.control.delay(Way::Up, ms(1));
    expect(&mut server, b"waits").await;
}

#[tokio::test]
async fn a_dribble_forwards_pieces_with_time_between_them() {
    let net = Net::new().await;
    net.control.dribble(Way::Down, 3, ms(10));
    let (mut client, mut server) = net.pair().await;
    let start = Instant::now();
    server.write_all(b"0123456789").await.unwrap();
    expect(&mut client, b"0123456789").await;
    assert!(start.elapsed() >= ms(30), "four pieces have three pauses: {:?}", start.elapsed());
    net.control.dribble(Way::Down, 0, ms(10));
    let start = Instant::now();
    server.write_all(b"abc").await.unwrap();
    expect(&mut client, b"abc").await;
    assert!(start.elapsed() >= ms(20), "0 counts as 1: {:?}", start.elapsed());
}

#[tokio::test]
async fn what_does_not_go_on_makes_the_sender_wait_and_healing_loses_nothing() {
    let bytes = numbered(FAR_TOO_MUCH);
    let stall: fn(&Control) = |control| control.stall(Way::Up);
    let long_delay: fn(&Control) = |control| control.delay(Way::Up, Duration::from_hours(1));
    for hold in [stall, long_delay] {
        let net = Net::new().await;
        let (mut client, mut server) = net.pair().await;
        hold(&net.control);
        let taken = fill(&mut client, &bytes).await;
        assert!(taken < FAR_TOO_MUCH, "the sender never had to wait");
        assert_eq!(net.control.bytes(Way::Up), 0);
        server.write_all(b"the other way").await.unwrap();
        expect(&mut client, b"the other way").await;
        net.control.heal();
        expect(&mut server, &bytes[..taken]).await;
        client.write_all(b"goes on").await.unwrap();
        expect(&mut server, b"goes on").await;
    }
}

#[tokio::test]
async fn delays_dribbles_and_stalls_lose_nothing_of_a_mebibyte_each_way() {
    let net = Net::new().await;
    let pair = net.pair().await;
    let faults = async {
        net.control.delay(Way::Up, ms(5));
        net.control.dribble(Way::Down, 1000, ms(1));
        sleep(ms(20)).await;
        net.control.stall(Way::Up);
        net.control.delay(Way::Down, ms(7));
        sleep(ms(20)).await;
        net.control.stall(Way::Down);
        sleep(ms(20)).await;
        net.control.heal();
        net.control.dribble(Way::Up, 10_000, Duration::ZERO);
        net.control.delay(Way::Up, ms(3));
    };
    tokio::join!(exchange(pair, MIB), faults);
    assert_eq!((net.control.bytes(Way::Up), net.control.bytes(Way::Down)), (MIB as u64, MIB as u64));
}
