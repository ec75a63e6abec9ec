//! The hub's fan-out: one publication until every subscriber of its room has read it, on one thread.
//!
//! Each subscriber is a task that waits, as in the server; waking it counts. The throughput is in deliveries.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use criterion::{BenchmarkId, Criterion, Throughput};
use feedbench_benches::{DATA_BYTES, data};
use hub::{Caller, Hub, Limits};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};
use wire::{After, Draft, RoomName};

const SUBSCRIBERS: [usize; 3] = [1, 100, 10_000];

fn main() {
    feedbench_benches::run(fan_out);
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub");
    let data = data(DATA_BYTES);
    let draft = Draft::new("message".into(), &data);
    let room: RoomName = "bench/r0".parse().expect("a room's name");
    for subscribers in SUBSCRIBERS {
        let hub = Hub::new(Limits::default());
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let readers = Arc::new(Readers { subscribers, missing: AtomicUsize::new(0), done: Notify::new() });
        readers.start(&runtime, &hub, &room);
        group.throughput(Throughput::Elements(subscribers as u64));
        group.bench_function(BenchmarkId::new("publish and read", subscribers), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    readers.missing.store(subscribers, Ordering::Relaxed);
                    hub.publish(&room, &draft, &Caller::anonymous(None), 7).expect("published");
                    readers.done.notified().await;
                });
            });
        });
    }
}

/// Everybody who reads, and how many of them have not read the newest publication.
struct Readers {
    subscribers: usize,
    missing: AtomicUsize,
    done: Notify,
}

impl Readers {
    /// Starts a task for each; they end with the runtime.
    fn start(self: &Arc<Self>, runtime: &Runtime, hub: &Hub, room: &RoomName) {
        for _ in 0..self.subscribers {
            let (readers, limit) = (Arc::clone(self), hub.limits().reply());
            let mut subscription = hub.subscribe(room, After::Head, &Caller::anonymous(None), "bench").expect("a room");
            runtime.spawn(async move {
                loop {
                    let batch = subscription.next(limit).await;
                    if readers.missing.fetch_sub(batch.items.len(), Ordering::Relaxed) == 1 {
                        readers.done.notify_one();
                    }
                }
            });
        }
    }
}
