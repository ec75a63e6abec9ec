//! The latency recorder: what a sample costs while measuring, and a quantile and a merge afterwards.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use measure::Recorder;

/// Deliveries of one lane in a quick run.
const SAMPLES: u64 = 5_400;

fn main() {
    feedbench_benches::run(|criterion| {
        record(criterion);
        read(criterion);
    });
}

/// Latencies from 20 us to 84 ms, as loopback and a poll interval give them, in no order.
fn samples() -> impl Iterator<Item = i64> {
    (0..SAMPLES.cast_signed()).map(|n| 20_000 + n * 7_919 % 4_096 * 20_507)
}

fn filled() -> Recorder {
    let mut recorder = Recorder::new();
    samples().for_each(|sample| recorder.record_ns(sample));
    recorder
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recorder");
    let samples: Vec<i64> = samples().collect();
    let mut recorder = Recorder::new();
    group.throughput(Throughput::Elements(SAMPLES));
    group.bench_function("record_ns", |bencher| {
        bencher.iter(|| samples.iter().for_each(|sample| recorder.record_ns(black_box(*sample))));
    });
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recorder");
    let recorder = filled();
    for (name, q) in [("quantile p50", 0.5), ("quantile p99", 0.99)] {
        group.bench_function(name, |bencher| bencher.iter(|| recorder.quantile_ns(black_box(q))));
    }
    let mut total = Recorder::new();
    group.bench_function("merge", |bencher| bencher.iter(|| total.merge(black_box(&recorder))));
}
