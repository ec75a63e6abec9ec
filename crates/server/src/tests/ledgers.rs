//! The server's ledger of a session is that of its drivers, to the byte.

use measure::{ByteLedger, Category};
use transport::{ALL, Event, Lane};
use wire::{After, SessionId};

use conformance::client::PATIENCE;

use super::{Running, Subscriber, lanes, until};

/// The rows of a session, once all its connections are over.
async fn rows(server: &Running, session: SessionId) -> Vec<(Option<&'static str>, ByteLedger, u64)> {
    let is_over = || server.registry.sums(session).values().all(|sums| sums.open == 0);
    until("a connection is open", is_over).await;
    let sums = server.registry.sums(session);
    sums.iter().map(|((_, transport), sums)| (*transport, sums.row.ledger(), sums.row.deliveries)).collect()
}

/// Fails unless `session` has the bytes of `subscriber` and no other.
async fn is_told_apart_alike(what: &str, lane: &Lane, server: &Running, session: SessionId, subscriber: &Subscriber) {
    let rows = rows(server, session).await;
    let seen = subscriber.seen.lock().unwrap();
    for (uplinks, transport) in [(false, Some(lane.spec().id)), (true, None)] {
        let theirs = seen.total(uplinks);
        let (ours, delivered) = rows
            .iter()
            .find(|(known, ..)| *known == transport)
            .map_or((ByteLedger::default(), 0), |(_, ledger, deliveries)| (*ledger, *deliveries));
        for (direction, category, bytes) in theirs.iter() {
            let ours = ours.get(direction, category);
            assert_eq!(ours, bytes, "{what}: {transport:?} {direction:?} {category:?}\n{rows:?}\n{theirs:?}");
        }
        assert_eq!(delivered, if uplinks { 0 } else { seen.deliveries }, "{what}: deliveries to {transport:?}");
    }
    assert!(rows.iter().all(|(transport, ..)| [Some(lane.spec().id), None].contains(transport)), "{what}: {rows:?}");
}

/// What a lane does when there is nothing to say.
fn idles_with(lane: &Lane) -> Category {
    let polls = lane.build().interval().or(lane.build().hold()).is_some();
    if polls { Category::EmptyPolls } else { Category::Heartbeat }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_and_the_driver_of_every_lane_tell_the_same_bytes_apart_alike() {
    let server = Running::start();
    for lane in lanes() {
        for headers in ["minimal", "chromium"] {
            let (session, cookie, room) = server.begin().await;
            let mut subscriber = server.subscribe(&lane, &room, headers, &cookie, After::Head);
            subscriber.client.ready().await.unwrap();
            server.publish(&room, &[2, 128, 20 * 1024]).await;
            subscriber.got(3, 0).await;
            server.publish(&room, &[64; 8]).await;
            subscriber.got(8, 0).await;
            for (reference, size) in [(1, 100), (2, 20 * 1024), (3, 2)] {
                subscriber.publish(reference, size).await;
            }
            subscriber.got(3, 3).await;
            subscriber.charged(&[idles_with(&lane)]).await;
            subscriber.stop().await;
            let what = format!("{lane} with {headers} heads");
            is_told_apart_alike(&what, &lane, &server, session, &subscriber).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announced_end_is_told_apart_alike() {
    let server = Running::start();
    for lane in lanes() {
        let (session, cookie, room) = server.begin().await;
        let mut subscriber = server.subscribe(&lane, &room, "minimal", &cookie, After::Head);
        subscriber.client.ready().await.unwrap();
        server.publish(&room, &[100]).await;
        subscriber.got(1, 0).await;
        server.hub.sessions().end(session, PATIENCE);
        let closed = subscriber.client.until(|event| matches!(event, Event::Closed(_)).then_some(())).await;
        closed.unwrap_or_else(|error| panic!("{lane}: {error}"));
        subscriber.stop().await;
        is_told_apart_alike(&format!("{lane}, ended"), &lane, &server, session, &subscriber).await;
    }
}

/// A server cannot know that who asks after a position has not asked before: the one difference on a connection that both
/// ends have read to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_begins_at_a_position_goes_on_for_the_server() {
    let server = Running::start();
    for lane in lanes().into_iter().filter(|lane| idles_with(lane) == Category::EmptyPolls) {
        let (session, cookie, room) = server.begin().await;
        // Who is there already is not told to have come.
        let other = Lane::parse("raw", ALL).unwrap();
        let mut present = server.subscribe(&other, &room, "minimal", &cookie, After::Head);
        present.client.ready().await.unwrap();
        let head = server.hub.room(&room).unwrap().position();
        let mut subscriber = server.subscribe(&lane, &room, "minimal", &cookie, After::Position(head));
        subscriber.client.ready().await.unwrap();
        subscriber.charged(&[Category::EmptyPolls]).await;
        subscriber.stop().await;
        present.stop().await;
        let rows = rows(&server, session).await;
        let theirs = subscriber.seen.lock().unwrap().total(false);
        let (_, ours, _) = rows.iter().find(|(transport, ..)| *transport == Some(lane.spec().id)).unwrap();
        for (direction, category, bytes) in theirs.iter() {
            let handshake = theirs.get(direction, Category::Handshake);
            let bytes = match category {
                Category::Handshake => 0,
                Category::EmptyPolls => bytes + handshake,
                _ => bytes,
            };
            assert!(handshake > 0, "{lane}: {theirs:?}");
            assert_eq!(ours.get(direction, category), bytes, "{lane}: {direction:?} {category:?} {ours:?} {theirs:?}");
        }
    }
}
