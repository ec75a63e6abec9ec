//! What is lost is told, with exact numbers.

use fault::Way;
use tokio::time::Instant;
use transport::DriverError;
use wire::{After, Epoch, Gap, GapReason, Position};

use crate::{
    client::ClientError,
    compare,
    outcome::{Checked, Otherwise},
    subscriber::Told,
    trial::{Trial, last},
};

/// How many are published at a time until the room has forgotten some.
const CHUNK: u32 = 250;

/// A room that remembers more than this is not filled up from outside.
const MOST_HELD: u64 = 20_000;

/// The size of what a stalled reader misses: few publications then fill a room and every buffer on the way.
const LARGE_BYTES: usize = 16 * 1024;

/// How many large ones a stalled reader misses at first; twice as many each time it missed none.
const FIRST_BURST: u32 = 128;

/// The most large ones in one stall: 64 MiB. What was read before is held by nobody any more, so earlier bursts add nothing.
const LAST_BURST: u32 = 4096;

/// How many are held when a foreign position comes.
const HELD: u32 = 3;

pub(crate) async fn tells_of_gaps(trial: Trial) -> Checked {
    let trimmed = trimmed(&trial).await?;
    let slow =
        slow(&trial.elsewhere("slow")?).await.map_err(|otherwise| otherwise.at(&format!("{trimmed}, but slow")))?;
    Ok(format!("{trimmed}; {slow}"))
}

async fn trimmed(trial: &Trial) -> Checked {
    let start = trial.subscribe(After::Head).ready().await?;
    let mut head = start.offset;
    let earliest = loop {
        head = last(&trial.publish(CHUNK).await?).max(head);
        let earliest = trial.subscribe(After::Earliest).ready().await?;
        if earliest.offset > start.offset {
            break earliest;
        }
        if head - start.offset > MOST_HELD {
            let why = format!("the room still holds all of {MOST_HELD} publications, and more would be no test");
            return Err(Otherwise::NotApplicable(why));
        }
    };
    let mut reader = trial.subscribe(After::Position(start.clone()));
    reader.read_to(head).await?;
    let told = reader.told();
    compare::accounted(told, &start, head, GapReason::Trimmed)?;
    let mut gaps = compare::gaps(told);
    match (gaps.next(), gaps.next()) {
        (Some(gap), None) if gap.position == earliest => {
            Ok(format!("{} of {} trimmed", earliest.offset - start.offset, head - start.offset))
        }
        (None, _) => Err(format!("{} are trimmed, and no gap says so", earliest.offset - start.offset).into()),
        (Some(gap), None) => {
            Err(format!("the gap ends at {}, but {earliest} was the oldest held", gap.position).into())
        }
        (Some(_), Some(_)) => Err("more than one gap".to_owned().into()),
    }
}

async fn slow(trial: &Trial) -> Checked {
    if trial.asks() {
        return Ok("nothing is pushed, so nobody can be slow".to_owned());
    }
    let proxy = trial.proxy()?;
    let control = proxy.control();
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    let start = reader.ready().await?;
    let large = format!("\"{}\"", "x".repeat(LARGE_BYTES));
    let mut publisher = trial.publisher();
    let mut burst = FIRST_BURST;
    while burst <= LAST_BURST {
        let since = Instant::now();
        control.stall(Way::Down);
        for _ in 0..burst {
            publisher.publish(&large).await?;
        }
        let stalled = since.elapsed();
        control.heal();
        let head = publisher.publish("0").await?.offset;
        let read = reader.read_to(head).await;
        match reader.end() {
            Some(end) if end.is_an_end_of_the_server() => return Ok("a reader that stalled was sent away".to_owned()),
            Some(ClientError::Failed(DriverError::Silent))
                if reader.heartbeat().is_some_and(|often| stalled > often) =>
            {
                let why = "publishing took longer than a heartbeat, and so the stall looked like the server's death";
                return Err(Otherwise::NotApplicable(why.to_owned()));
            }
            _ => read?,
        }
        compare::accounted(reader.told(), &start, head, GapReason::Slow)?;
        let missed: u64 = compare::gaps(reader.told()).filter_map(|gap| gap.missed).sum();
        if missed > 0 {
            return Ok(format!("{missed} of {head} missed by slowness"));
        }
        burst *= 2;
    }
    let most = LARGE_BYTES * LAST_BURST as usize / (1024 * 1024);
    Err(Otherwise::NotApplicable(format!(
        "the server buffered all {most} MiB of the test; it may hold more than this test sends"
    )))
}

pub(crate) async fn rejects_foreign_epoch_with_gap(trial: Trial) -> Checked {
    let sent = trial.publish(HELD).await?;
    let earliest = trial.subscribe(After::Earliest).ready().await?;
    let epoch = Epoch::new("made-up").ok_or_else(|| "the suite's own epoch".to_owned())?;
    let mut reader = trial.subscribe(After::Position(Position { epoch, offset: 2 }));
    reader.read_to(last(&sent)).await?;
    // One more, so that a second gap would be seen.
    let more = trial.publish(1).await?;
    reader.read_to(last(&more)).await?;
    let told = reader.told();
    let gap = Gap { from: None, to: None, missed: None, reason: GapReason::Epoch, position: earliest.clone() };
    match told.first() {
        Some(Told::Gap(first)) if *first == gap => {}
        first => return Err(format!("the first thing told is {first:?}, not {gap:?}").into()),
    }
    compare::exactly(&told[1..], earliest.offset, &sent.into_iter().chain(more).collect())?;
    Ok(format!("one gap, then the {HELD} that were held"))
}
