//! Many subscribers of one room.

use std::iter;

use futures_util::future::join_all;
use wire::{After, Position, poll};

use crate::{
    compare,
    http::Http,
    outcome::{Checked, Otherwise},
    subscriber::Subscriber,
    trial::{Trial, last},
};

/// Subscribers in all, dealt out to the lanes in turn.
const SUBSCRIBERS: usize = 200;

/// How many publications they read.
const PUBLICATIONS: u32 = 50;

pub(crate) async fn many_subscribers_agree(trial: Trial) -> Checked<Vec<Checked>> {
    let lanes = trial.suite.lanes.len();
    let mut crowd: Vec<Subscriber> =
        (0..SUBSCRIBERS).map(|index| trial.on(index % lanes).subscribe(After::Head)).collect();
    let ready = join_all(crowd.iter_mut().map(Subscriber::ready)).await;
    let sent = trial.publish(PUBLICATIONS).await?;
    let read = join_all(crowd.iter_mut().map(|reader| reader.read_to(last(&sent)))).await;
    let offsets: Vec<u64> = sent.keys().copied().collect();
    let is_whole = |reading: &[Box<str>]| {
        let read: Option<Vec<u64>> = reading.iter().map(|text| offset_of(text)).collect();
        read.is_some_and(|read| read == offsets)
    };
    let start = ready.iter().find_map(|ready| ready.as_ref().ok());
    let neutral = match start {
        Some(start) => batch_after(&trial, start).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let readings: Vec<Vec<Box<str>>> = crowd.iter().map(reading).collect();
    let mut outcomes: Vec<Checked> = (0..lanes).map(|lane| Ok(kept(lane, lanes))).collect();
    for (reader, why) in compare::disagreement(&readings, &neutral, is_whole) {
        outcomes[reader % lanes] = Err(Otherwise::Broken(why));
    }
    // Why somebody did not get on says more than what is missing then.
    for (reader, failed) in ready.into_iter().map(|ready| ready.map(drop)).zip(read).enumerate() {
        if let Err(otherwise) = failed.0.and(failed.1) {
            outcomes[reader % lanes] = Err(otherwise);
        }
    }
    Ok(outcomes)
}

/// The publications after `start` as the contract's batch has them, read by no driver; none when there is no such answer.
async fn batch_after(trial: &Trial, start: &Position) -> Option<Vec<Box<str>>> {
    let path = format!("/v1/{}/short-polling?after={start}", trial.room);
    let answer = Http::new(trial.suite.origin.clone()).request("GET", &path, "").await.ok()?;
    let batch = poll::Batch::decode(&answer.body).ok()?;
    Some(batch.items.iter().map(|item| item.get().into()).collect())
}

fn reading(reader: &Subscriber) -> Vec<Box<str>> {
    compare::deliveries(reader.told()).map(|delivery| delivery.json.clone()).collect()
}

fn offset_of(json: &str) -> Option<u64> {
    wire::Publication::decode(json).ok().map(|publication| publication.offset)
}

fn kept(lane: usize, lanes: usize) -> String {
    let here = iter::successors(Some(lane), |index| Some(index + lanes)).take_while(|index| *index < SUBSCRIBERS);
    format!("{} of {SUBSCRIBERS} subscribers of {PUBLICATIONS} publications", here.count())
}
