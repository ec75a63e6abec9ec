//! Cutting and half-closing: what both ends see, and what goes on.

use std::io::ErrorKind;

use tokio::io::AsyncWriteExt as _;

use super::{MIB, Net, eventually, expect, is_over, numbered};
use crate::Way;

#[tokio::test]
async fn a_cut_ends_both_sides_and_refuses_until_healed() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    client.write_all(b"x").await.unwrap();
    expect(&mut server, b"x").await;
    net.control.cut();
    assert!(is_over(&mut client).await);
    assert!(is_over(&mut server).await);
    for _ in 0..3 {
        if let Ok(mut refused) = net.connect().await {
            assert!(is_over(&mut refused).await);
        }
    }
    eventually(|| net.control.accepted() == 4 && net.control.connections() == 0).await;
    net.control.heal();
    let (mut client, mut server) = net.pair().await;
    client.write_all(b"back").await.unwrap();
    expect(&mut server, b"back").await;
    assert_eq!(net.control.accepted(), 5);
}

#[tokio::test]
async fn a_cut_resets_rather_than_ends_in_order() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    client.write_all(b"x").await.unwrap();
    expect(&mut server, b"x").await;
    net.control.cut();
    for stream in [client, server] {
        stream.readable().await.unwrap();
        let error = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_cut_that_is_healed_at_once_is_not_missed() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    net.control.stall(Way::Up);
    net.control.cut();
    net.control.heal();
    assert!(is_over(&mut client).await);
    assert!(is_over(&mut server).await);
}

#[tokio::test]
async fn a_half_close_ends_one_direction_and_the_other_goes_on() {
    let net = Net::new().await;
    for way in [Way::Up, Way::Down] {
        let (client, server) = net.pair().await;
        let (mut sender, mut receiver) = if way == Way::Up { (client, server) } else { (server, client) };
        net.control.half_close(way);
        assert!(is_over(&mut receiver).await);
        let before = net.control.bytes(way);
        sender.write_all(&numbered(32 * MIB)).await.unwrap();
        assert_eq!(net.control.bytes(way), before, "what is thrown away is not forwarded");
        receiver.write_all(b"the other way").await.unwrap();
        expect(&mut sender, b"the other way").await;
        receiver.shutdown().await.unwrap();
        assert!(is_over(&mut sender).await);
        drop(sender);
        eventually(|| net.control.connections() == 0).await;
    }
}

#[tokio::test]
async fn a_half_close_acts_on_a_stalled_direction_and_not_on_later_connections() {
    let net = Net::new().await;
    let (mut client, _server) = net.pair().await;
    net.control.stall(Way::Down);
    net.control.half_close(Way::Down);
    assert!(is_over(&mut client).await);
    net.control.heal();
    let (mut client, mut server) = net.pair().await;
    server.write_all(b"plain").await.unwrap();
    expect(&mut client, b"plain").await;
}
