//! One reader that stalls, and all others.

use std::time::Duration;

use fault::Way;
use tokio::time::Instant;
use wire::After;

use crate::{
    compare::{self, Sent},
    outcome::Checked,
    publisher::Publisher,
    subscriber::Subscriber,
    trial::{Trial, last},
};

/// Readers that never stall.
const OTHERS: usize = 2;

/// The size of a publication, and how many make a round: far below what any room holds, so that who reads on misses none.
const LARGE_BYTES: usize = 16 * 1024;
const ROUND: u32 = 16;

/// How many rounds: 6 MiB, which no buffer on the way to a reader takes in. To one who asks nothing is pushed beyond one
/// answer, so that more would only take long.
const ROUNDS: u32 = 24;
const ROUNDS_ASKED: u32 = 2;

/// How much longer it may take beside a stalled reader. A server that waits for it takes for ever.
const RATIO: u32 = 20;

/// What is too short to be compared.
const SHORTEST: Duration = Duration::from_millis(500);

pub(crate) async fn slow_reader_does_not_slow_others(trial: Trial) -> Checked {
    let mut others = Vec::new();
    let mut start = 0;
    for _ in 0..OTHERS {
        let mut reader = trial.subscribe(After::Head);
        start = reader.ready().await?.offset;
        others.push(reader);
    }
    let mut publisher = trial.publisher();
    let mut sent = Sent::new();
    let alone = read_all(&trial, &mut publisher, &mut others, &mut sent).await?;
    let proxy = trial.proxy()?;
    let mut slow = trial.subscribe_through(&proxy, After::Head);
    slow.ready().await?;
    proxy.control().stall(Way::Down);
    let beside = read_all(&trial, &mut publisher, &mut others, &mut sent).await;
    let beside = beside.map_err(|otherwise| otherwise.at("beside a reader that has stalled"))?;
    for reader in &others {
        compare::exactly(reader.told(), start, &sent)?;
    }
    let ratio = beside.as_secs_f64() / alone.max(SHORTEST).as_secs_f64();
    if ratio > f64::from(RATIO) {
        let (alone, beside) = (alone.as_secs_f64(), beside.as_secs_f64());
        return Err(format!("it takes {beside:.1} s beside a reader that has stalled, and {alone:.1} s without").into());
    }
    Ok(format!("{OTHERS} readers got all {} publications, half of them beside one that had stalled", sent.len()))
}

/// Publishes round after round, each read by everybody before the next; gives how long that took.
async fn read_all(
    trial: &Trial,
    publisher: &mut Publisher,
    readers: &mut [Subscriber],
    sent: &mut Sent,
) -> Checked<Duration> {
    let since = Instant::now();
    let data = format!("\"{}\"", "x".repeat(LARGE_BYTES));
    for _ in 0..if trial.asks() { ROUNDS_ASKED } else { ROUNDS } {
        for _ in 0..ROUND {
            sent.insert(publisher.publish(&data).await?.offset, data.clone());
        }
        for reader in &mut *readers {
            reader.read_to(last(sent)).await?;
        }
    }
    Ok(since.elapsed())
}
