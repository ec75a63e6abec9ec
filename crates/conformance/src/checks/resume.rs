//! Positions: going on after a cut, and on another lane.

use futures_util::future::join_all;
use wire::{After, Position};

use crate::{
    compare,
    outcome::{Checked, Otherwise},
    subscriber::Subscriber,
    trial::{Trial, last},
};

/// How many are published before the cut, and again while the subscriber is away.
const BEFORE: u32 = 50;

/// After so many the connection is cut, with more on their way.
const CUT_AFTER: u64 = 10;

/// How many are published before a switch, and again after it.
const BEFORE_SWITCH: u32 = 6;

pub(crate) async fn resumes_after_cut(trial: Trial) -> Checked {
    let proxy = trial.proxy()?;
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    let start = reader.ready().await?.offset;
    let (sent, read) = tokio::join!(trial.publish(BEFORE), async {
        let read = reader.read_to(start + CUT_AFTER).await;
        proxy.control().cut();
        read
    });
    let mut sent = sent?;
    read?;
    let position = seen(&reader)?;
    compare::exactly(reader.told(), start, &up_to(&sent, position.offset))?;
    drop(reader);
    sent.extend(trial.publish(BEFORE).await?);
    proxy.control().heal();
    let mut again = trial.subscribe_through(&proxy, After::Position(position.clone()));
    again.read_to(last(&sent)).await?;
    compare::exactly(again.told(), position.offset, &sent).map_err(|why| format!("resumed at {position}: {why}"))?;
    Ok(format!("cut at {}, {} more on coming back", position.offset, last(&sent) - position.offset))
}

pub(crate) async fn switches_transport_without_loss(trial: Trial) -> Checked {
    let others: Vec<usize> = (0..trial.suite.lanes.len()).filter(|lane| *lane != trial.lane).collect();
    if others.is_empty() {
        return Err(Otherwise::NotApplicable("there is no other lane to come from".to_owned()));
    }
    let switches = join_all(others.iter().map(|other| switch(&trial, *other))).await;
    let mut from = Vec::new();
    for (other, switched) in others.iter().zip(switches) {
        let name = trial.suite.lanes[*other].to_string();
        switched.map_err(|otherwise| otherwise.at(&format!("from {name}")))?;
        from.push(name);
    }
    Ok(format!("from {}", from.join(", ")))
}

/// Reads some on lane `from`, and goes on with the trial's own from where that one was.
async fn switch(trial: &Trial, from: usize) -> Checked<()> {
    let trial = trial.elsewhere(&format!("from.{from}"))?;
    let mut before = trial.on(from).subscribe(After::Head);
    let start = before.ready().await?.offset;
    let mut sent = trial.publish(BEFORE_SWITCH).await?;
    before.read_to(start + 1).await?;
    let position = seen(&before)?;
    drop(before);
    sent.extend(trial.publish(BEFORE_SWITCH).await?);
    let mut after = trial.subscribe(After::Position(position.clone()));
    after.read_to(last(&sent)).await?;
    Ok(compare::exactly(after.told(), position.offset, &sent)?)
}

fn seen(reader: &Subscriber) -> Checked<Position> {
    Ok(reader.position().ok_or_else(|| "no position yet".to_owned())?)
}

fn up_to(sent: &compare::Sent, offset: u64) -> compare::Sent {
    sent.range(..=offset).map(|(offset, data)| (*offset, data.clone())).collect()
}
