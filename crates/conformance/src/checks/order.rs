//! Order and completeness, and the moment between the first position and the first publication.

use wire::After;

use crate::{
    compare,
    outcome::Checked,
    subscriber::Subscriber,
    trial::{Trial, last},
};

/// How many are published over HTTP, and as many over the lane's uplink at the same time.
const EACH_WAY: u32 = 100;

/// How many subscriptions are made while somebody publishes.
const FRESH: u32 = 25;

/// What was published, read twice: as it came, and afterwards in batches from the start.
struct Readings {
    live: Subscriber,
    late: Subscriber,
    sent: compare::Sent,
}

async fn read_twice(trial: &Trial) -> Checked<Readings> {
    let mut live = trial.subscribe(After::Head);
    let start = live.ready().await?;
    let sent = trial.publish_both_ways(EACH_WAY).await?;
    live.read_to(last(&sent)).await?;
    let mut late = trial.subscribe(After::Position(start));
    late.read_to(last(&sent)).await?;
    Ok(Readings { live, late, sent })
}

pub(crate) async fn delivers_in_order(trial: Trial) -> Checked {
    let Readings { live, late, sent } = read_twice(&trial).await?;
    compare::in_order(live.told())?;
    compare::in_order(late.told()).map_err(|why| format!("in batches: {why}"))?;
    Ok(format!("{} publications as they came, and again in batches", sent.len()))
}

pub(crate) async fn delivers_each_once(trial: Trial) -> Checked {
    let Readings { live, late, sent } = read_twice(&trial).await?;
    compare::each_once(live.told(), &sent)?;
    compare::each_once(late.told(), &sent).map_err(|why| format!("in batches: {why}"))?;
    Ok(format!("{} publications as they came, and again in batches", sent.len()))
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
