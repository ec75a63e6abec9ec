//! A session ends its own connections as a network would, and loses nothing by it.

use std::collections::BTreeSet;

use conformance::client::PATIENCE;
use transport::{DriverError, Event};
use wire::{After, Position};

use super::{Running, Subscriber, lanes, request, until};

/// Takes events until the subscription ends or there are `wanted` messages; gives whether it ended.
async fn take(
    subscriber: &mut Subscriber,
    position: &mut Option<Position>,
    messages: &mut BTreeSet<u64>,
    wanted: usize,
) -> bool {
    while messages.len() < wanted {
        match subscriber.client.event(PATIENCE).await.unwrap() {
            Event::Ready(ready) => *position = Some(ready),
            Event::Delivery(delivery) => {
                if let Some(position) = position {
                    position.offset = delivery.offset;
                }
                if delivery.json.contains(r#""event":"message""#) {
                    assert!(messages.insert(delivery.offset), "{} twice", delivery.offset);
                }
            }
            Event::Failed(DriverError::Lost) => return true,
            Event::Exchange { .. } => {}
            event => panic!("{event:?}"),
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_on_every_lane_is_an_end_without_a_word_after_which_nothing_is_missing() {
    let server = Running::start();
    for lane in lanes() {
        let (session, cookie, room) = server.begin().await;
        let (other, others_cookie, _) = server.begin().await;
        let mut neighbour = server.subscribe(&lane, &room, "minimal", &others_cookie, After::Head);
        neighbour.client.ready().await.unwrap();
        let mut subscriber = server.subscribe(&lane, &room, "minimal", &cookie, After::Head);
        let (mut position, mut messages) = (None, BTreeSet::new());
        position.replace(subscriber.client.ready().await.unwrap());
        server.publish(&room, &[10, 10]).await;
        assert!(!take(&mut subscriber, &mut position, &mut messages, 2).await, "{lane}");

        let port = server.address.port();
        let asked = request(&format!("DELETE /v1/connections?port={port}"), &format!("Cookie: {cookie}\r\n"), "");
        let answer = server.exchange(&asked).await;
        let cut = answer.rsplit(r#"{"cut":"#).next().unwrap().trim_end_matches('}').parse::<u64>();
        assert!(answer.starts_with("HTTP/1.1 200") && cut.unwrap() >= 1, "{lane}: {answer}");
        server.publish(&room, &[10, 10, 10]).await;
        while take(&mut subscriber, &mut position, &mut messages, 5).await {
            let after = After::Position(position.clone().unwrap());
            subscriber = server.subscribe(&lane, &room, "minimal", &cookie, after);
        }
        neighbour.got(5, 0).await;
        subscriber.stop().await;
        neighbour.stop().await;
        for session in [session, other] {
            until("a connection is open", || server.registry.sums(session).values().all(|sums| sums.open == 0)).await;
        }
    }
}

#[tokio::test]
async fn a_cut_is_of_the_asked_port_and_spares_the_connection_that_asks() {
    let server = Running::start();
    let (_, cookie, _) = server.begin().await;
    let ask = async |port: u16| {
        let what = format!("DELETE /v1/connections?port={port}");
        server.exchange(&request(&what, &format!("Cookie: {cookie}\r\n"), "")).await
    };
    for port in [server.address.port(), 1] {
        let answer = ask(port).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"cut":0}"#), "{answer}");
    }
}
