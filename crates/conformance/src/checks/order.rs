//! Order and completeness, and the moment between the first position and the first publication.

use wire::After;

use crate::{
    compare,
    outcome::Checked,
    subscriber::Subscriber,
    trial::{Trial, last},
};

/// How many are published at a time over HTTP, and as many over the lane's uplink at the same time. Twice this is far
/// below what any room holds, so that nobody who reads on misses some.
const EACH_WAY: u32 = 100;

/// How many times: in all there are more than two replies hold, so that reading in batches crosses from one to the next.
const ROUNDS: u32 = 4;

/// How many subscriptions are made while somebody publishes.
const FRESH: u32 = 25;

/// What was published, read twice: as it came, and afterwards in batches, as far back as the room still holds it.
struct Readings {
    live: Subscriber,
    late: Subscriber,
    sent: compare::Sent,
    held: compare::Sent,
}

impl Readings {
    fn detail(&self) -> String {
        format!("{} publications as they came, and {} again in batches", self.sent.len(), self.held.len())
    }
}

async fn read_twice(trial: &Trial) -> Checked<Readings> {
    let mut live = trial.subscribe(After::Head);
    let start = live.ready().await?;
    let mut sent = compare::Sent::new();
    for _ in 0..ROUNDS {
        sent.extend(trial.publish_both_ways(EACH_WAY).await?);
        live.read_to(last(&sent)).await?;
    }
    let earliest = trial.subscribe(After::Earliest).ready().await?;
    let from = if earliest.offset > start.offset { earliest } else { start };
    let held = sent.range(from.offset + 1..).map(|(offset, data)| (*offset, data.clone())).collect();
    let mut late = trial.subscribe(After::Position(from));
    late.read_to(last(&sent)).await?;
    Ok(Readings { live, late, sent, held })
}

pub(crate) async fn delivers_in_order(trial: Trial) -> Checked {
    let readings = read_twice(&trial).await?;
    compare::in_order(readings.live.told())?;
    compare::in_order(readings.late.told()).map_err(|why| format!("in batches: {why}"))?;
    Ok(readings.detail())
}

pub(crate) async fn delivers_each_once(trial: Trial) -> Checked {
    let readings = read_twice(&trial).await?;
    compare::each_once(readings.live.told(), &readings.sent)?;
    compare::each_once(readings.late.told(), &readings.held).map_err(|why| format!("in batches: {why}"))?;
    Ok(readings.detail())
}

pub(crate) async fn nothing_between_hello_and_first(trial: Trial) -> Checked {
    let mut publisher = trial.publisher();
    let mut sent = compare::Sent::new();
    let mut fresh = Vec::new();
    for number in 1..=FRESH {
        let mut reader = trial.subscribe(After::Head);
        let (beside, behind) = (format!("[{number},1]"), format!("[{number},2]"));
        let (published, ready) = tokio::join!(publisher.publish(&beside), reader.ready());
        sent.insert(published?.offset, beside);
        let start = ready?.offset;
        sent.insert(publisher.publish(&behind).await?.offset, behind);
        fresh.push((start, reader));
    }
    for (number, (start, reader)) in fresh.iter_mut().enumerate() {
        reader.read_to(last(&sent)).await?;
        compare::exactly(reader.told(), *start, &sent)
            .map_err(|why| format!("subscription {} began after {start}, but {why}", number + 1))?;
    }
    Ok(format!("{FRESH} subscriptions, each with a publication beside it and one right behind"))
}
