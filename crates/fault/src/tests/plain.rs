//! Without any fault: bytes, ends, errors, counts, and the end of the proxy itself.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use super::{MIB, Net, eventually, exchange, expect, is_over};
use crate::{Proxy, Way};

#[tokio::test]
async fn bytes_pass_unchanged_both_ways_at_once_and_are_counted() {
    let net = Net::new().await;
    let pair = net.pair().await;
    assert_eq!((net.control.connections(), net.control.accepted()), (1, 1));
    exchange(pair, MIB).await;
    assert_eq!((net.control.bytes(Way::Up), net.control.bytes(Way::Down)), (MIB as u64, MIB as u64));
    eventually(|| net.control.connections() == 0).await;
    assert_eq!(net.control.accepted(), 1);
}

#[tokio::test]
async fn the_end_of_one_side_is_forwarded_and_the_other_goes_on() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    client.write_all(b"last").await.unwrap();
    client.shutdown().await.unwrap();
    expect(&mut server, b"last").await;
    assert!(is_over(&mut server).await);
    server.write_all(b"answer").await.unwrap();
    expect(&mut client, b"answer").await;
    drop(server);
    assert!(is_over(&mut client).await);
    eventually(|| net.control.connections() == 0).await;
}

#[tokio::test]
async fn a_reset_of_one_side_closes_the_other() {
    let net = Net::new().await;
    let (client, mut server) = net.pair().await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert!(is_over(&mut server).await);
    let (mut client, server) = net.pair().await;
    server.set_zero_linger().unwrap();
    drop(server);
    assert!(is_over(&mut client).await);
    eventually(|| net.control.connections() == 0).await;
}

#[tokio::test]
async fn a_client_is_reset_when_nobody_listens_upstream() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(nobody).unwrap();
    if let Ok(mut client) = TcpStream::connect(proxy.address()).await {
        assert!(is_over(&mut client).await);
    }
    eventually(|| proxy.control().accepted() == 1 && proxy.control().connections() == 0).await;
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections_and_its_listener() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    net.control.stall(Way::Up);
    net.control.delay(Way::Down, Duration::from_hours(1));
    server.write_all(b"too late").await.unwrap();
    let address = net.proxy.address();
    drop(net.proxy);
    assert!(is_over(&mut client).await);
    assert!(is_over(&mut server).await);
    eventually(|| net.control.connections() == 0).await;
    while let Ok(mut late) = TcpStream::connect(address).await {
        assert!(is_over(&mut late).await);
    }
}
