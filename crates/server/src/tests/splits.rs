//! The ledger does not depend on where reads and writes split a stream.

use std::{collections::BTreeMap, sync::Arc};

use measure::{ByteLedger, Category};
use transport::{
    ALL, ConnectionId,
    watch::{Watcher, Watches},
};
use wire::After;

use super::{Running, Seen, lanes};

/// A row as it can be compared.
type Told = (Option<&'static str>, ByteLedger, u64, u64);

/// What each connection carried by transport, when its bytes come in pieces of `size`.
fn watched(seen: &Seen, size: usize) -> BTreeMap<ConnectionId, Vec<Told>> {
    let watches = Arc::new(Watches::new(ALL));
    let mut watchers = BTreeMap::new();
    for (connection, direction, bytes) in &seen.streams {
        let watcher = watchers.entry(*connection).or_insert_with(|| Watcher::new(Arc::clone(&watches)));
        bytes.chunks(size).for_each(|piece| watcher.on_bytes(*direction, piece));
    }
    watchers.values_mut().for_each(Watcher::on_end);
    let rows = |watcher: Watcher| {
        let row = |(id, row): &(_, transport::watch::Row)| (*id, row.ledger(), row.requests, row.deliveries);
        watcher.rows().iter().map(row).collect()
    };
    watchers.into_iter().map(|(connection, watcher)| (connection, rows(watcher))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_split_of_a_lanes_streams_gives_the_ledger_of_its_driver() {
    let server = Running::start();
    for lane in lanes() {
        let (_, cookie, room) = server.begin().await;
        let mut subscriber = server.subscribe(&lane, &room, "chromium", &cookie, After::Head);
        subscriber.client.ready().await.unwrap();
        server.publish(&room, &[2, 20 * 1024]).await;
        subscriber.got(2, 0).await;
        subscriber.publish(1, 100).await;
        subscriber.got(1, 1).await;
        let idles_with = [Category::EmptyPolls, Category::Heartbeat];
        subscriber.charged(&idles_with).await;
        subscriber.stop().await;
        let seen = subscriber.seen.lock().unwrap();
        for size in [usize::MAX, 1, 2, 3, 5, 7, 61, 509, 4093] {
            for (connection, rows) in watched(&seen, size) {
                let mut total = ByteLedger::default();
                for (_, ledger, ..) in &rows {
                    total.add(ledger);
                }
                assert_eq!(total, seen.ledgers[&connection], "{lane}, connection {connection} in pieces of {size}");
            }
            assert_eq!(watched(&seen, size), watched(&seen, usize::MAX), "{lane} in pieces of {size}");
        }
    }
}
