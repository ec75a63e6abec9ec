//! The codecs of `wire`, both ways: encoding appends to a buffer that is reused, decoding is of one whole input.

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use feedbench_benches::{DATA_BYTES, data, publication};
use wire::{
    Control, Epoch, Hello, Item, Position, Publication, http1, length_prefixed, poll,
    websocket::{self, Opcode},
};

/// Payloads of the framing codecs: either side of the length from which a WebSocket header grows.
const PAYLOADS: [(&str, usize); 2] = [("100 B", 100), ("1 KiB", 1024)];

fn main() {
    feedbench_benches::run(|criterion| {
        publications(criterion);
        items(criterion);
        batches(criterion);
        websocket_frames(criterion);
        length_prefixes(criterion);
        http(criterion);
    });
}

/// Measures `routine`, which is given an empty buffer.
fn encode(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut routine: impl FnMut(&mut Vec<u8>)) {
    let mut out = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            out.clear();
            routine(&mut out);
            black_box(&out);
        });
    });
}

/// Measures `routine`, which is given all of `input`.
fn decode(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, input: &[u8], mut routine: impl FnMut(&[u8])) {
    group.bench_function(name, |bencher| bencher.iter(|| routine(black_box(input))));
}

fn position() -> Position {
    Position { epoch: Epoch::new("k3x9a0b1").expect("an epoch"), offset: 41 }
}

fn publications(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publication");
    let data = data(DATA_BYTES);
    let draft = || Publication {
        offset: 41,
        event: "message".into(),
        from: Some("ana".into()),
        to: None,
        at_us: 7,
        data: &data,
    };
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(draft()).encode()));
    let text = publication(41);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Publication::decode(black_box(&text)).expect("a publication").offset);
    });
}

fn items(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("item");
    let hello = Control::Hello(Hello { position: position(), session: "s-1".to_owned(), heartbeat_ms: 25_000 });
    group.bench_function("encode hello", |bencher| bencher.iter(|| black_box(&hello).encode()));
    for (name, text) in [("decode hello", hello.encode()), ("decode publication", publication(41))] {
        group.bench_function(name, |bencher| bencher.iter(|| Item::decode(black_box(&text)).expect("an item")));
    }
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("poll batch");
    for count in [1, 100] {
        let items: Vec<String> = (1..=count).map(publication).collect();
        let position = position();
        let write = |out: &mut String| poll::encode(&position, items.iter().map(String::as_str), Some(1000), out);
        let mut body = String::new();
        write(&mut body);
        group.bench_function(format!("encode {count}"), |bencher| {
            let mut out = String::new();
            bencher.iter(|| {
                out.clear();
                write(&mut out);
                black_box(&out);
            });
        });
        // With its items, as every reader of one goes on.
        group.bench_function(format!("decode {count}"), |bencher| {
            bencher.iter(|| {
                let batch = poll::Batch::decode(black_box(&body)).expect("a batch");
                batch.items.iter().for_each(|item| drop(black_box(Item::decode(item.get()).expect("an item"))));
            });
        });
    }
}

/// As drivers do it: masked on the way out, not masked on the way in.
fn websocket_frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("websocket frame");
    let limits = websocket::Limits { max_frame_bytes: 65_536, max_message_bytes: 65_536 };
    for (name, size) in PAYLOADS {
        let payload = "x".repeat(size);
        encode(&mut group, &format!("encode {name}"), |out| {
            websocket::encode(Opcode::Text, black_box(payload.as_bytes()), Some([1, 2, 3, 4]), out);
        });
        let mut frame = Vec::new();
        websocket::encode(Opcode::Text, payload.as_bytes(), None, &mut frame);
        let mut reader = websocket::Reader::new(websocket::Role::Server, limits);
        decode(&mut group, &format!("decode {name}"), &frame, |mut input| {
            let event = reader.next_event(&mut input).expect("frames").expect("a frame");
            black_box(event);
        });
    }
}

fn length_prefixes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("length prefix");
    for (name, size) in PAYLOADS {
        let payload = vec![b'x'; size];
        encode(&mut group, &format!("encode {name}"), |out| length_prefixed::encode(black_box(&payload), out));
        let mut item = Vec::new();
        length_prefixed::encode(&payload, &mut item);
        let mut reader = length_prefixed::Reader::new(65_536);
        decode(&mut group, &format!("decode {name}"), &item, |mut input| {
            let event = reader.next_event(&mut input).expect("items").expect("an item");
            black_box(event);
        });
    }
}

fn http(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http1");
    let headers =
        [("Host", "127.0.0.1:8080"), ("Accept", "*/*"), ("User-Agent", "bench"), ("Cache-Control", "no-cache")];
    encode(&mut group, "encode request", |out| {
        http1::request("GET", "/v1/bench/r0/short-polling?after=k3x9a0b1.41", black_box(&headers), &[], out);
    });
    let mut body = String::new();
    poll::encode(&position(), [publication(41).as_str()], Some(1000), &mut body);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\nfeed-position: k3x9a0b1.41\r\n\
         content-length: {}\r\ndate: Thu, 20 Nov 2025 08:00:00 GMT\r\n\r\n",
        body.len()
    );
    let response = head + &body;
    let mut reader = http1::ResponseReader::default();
    decode(&mut group, "decode response", response.as_bytes(), |mut input| {
        while let Some(event) = reader.next_event(&mut input).expect("HTTP") {
            black_box(event);
        }
    });
}
