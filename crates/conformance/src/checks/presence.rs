//! Who is in a room, as its list says and as it is announced. About time, and so for a machine that does nothing else.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};
use wire::{
    After, Publication, SessionId,
    name::{JOIN, LEAVE},
};

use crate::{compare, http::Http, outcome::Checked, subscriber::Subscriber, suite::IDLE, trial::Trial};

/// How many of its own intervals an asker may be silent before it is gone.
const GRACE: f64 = 2.5;

/// How often the list is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What `GET .../presence` answers.
#[derive(Debug, Deserialize)]
struct Present {
    members: Vec<Member>,
    anonymous: u64,
}

#[derive(Debug, Deserialize)]
struct Member {
    name: String,
    session: SessionId,
    transport: String,
}

/// The name of who comes and goes.
const NAME: &str = "ana";

pub(crate) async fn presence_sees_every_lane(trial: Trial) -> Checked {
    let named = trial.named(NAME).await?;
    let Some(session) = named.visitor.as_ref().map(|visitor| visitor.session) else {
        return Err("no session was begun".to_owned().into());
    };
    // A stranger, who is counted where the server holds something for it, and never announced.
    let mut watcher = trial.subscribe(After::Head);
    watcher.ready().await?;
    let counted = if trial.transport().interval().is_none() {
        until(&trial, "one subscriber without a name", |present| present.anonymous >= 1).await?;
        "one without a name counted"
    } else {
        "nothing is held for one without a name"
    };
    let transport = trial.suite.lanes[trial.lane].spec().id;
    let is_it = |member: &&Member| member.session == session && member.name == NAME && member.transport == transport;
    let proxy = trial.proxy()?;
    let mut first = named.subscribe_through(&proxy, After::Head);
    let mut second = named.subscribe_through(&proxy, After::Head);
    for reader in [&mut first, &mut second] {
        reader.ready().await?;
    }
    let listed = format!("{NAME} on {transport}");
    until(&trial, &listed, |present| present.members.iter().filter(is_it).count() == 1).await?;
    // Read, so that one who asks has asked again and the server knows how often.
    for _ in 0..2 {
        let offset = trial.publisher().publish("0").await?.offset;
        for reader in [&mut first, &mut second] {
            reader.read_to(offset).await?;
        }
    }
    let asked = Instant::now();
    drop(first);
    second.read_to(trial.publisher().publish("1").await?.offset).await?;
    let still = present(&trial).await?;
    if still.members.iter().filter(is_it).count() != 1 {
        return Err(format!("after one of two connections has gone, {listed} is not listed: {still:?}").into());
    }
    let interval = trial.transport().interval().unwrap_or_default().max(Duration::from_secs(1)).max(asked.elapsed());
    proxy.control().cut();
    let since = Instant::now();
    let limit = if trial.asks() { IDLE + interval.mul_f64(GRACE) } else { IDLE };
    until_announced(&mut watcher, session, limit).await?;
    let took = since.elapsed();
    until(&trial, "nobody with a name", |present| present.members.is_empty()).await?;
    let last = trial.publisher().publish(r#""last""#).await?.offset;
    watcher.read_to(last).await?;
    for (event, what) in [(JOIN, "coming"), (LEAVE, "going")] {
        let all = announced(&watcher, event);
        if all != [session] {
            return Err(format!("one session's {what} is announced {} times", all.len()).into());
        }
    }
    Ok(format!(
        "{counted}; joined and left once, listed in between; cut off, it left after {:.1} s",
        took.as_secs_f64()
    ))
}

/// The sessions that were announced under this event.
fn announced(watcher: &Subscriber, event: &str) -> Vec<SessionId> {
    #[derive(Deserialize)]
    struct Who {
        session: SessionId,
    }
    let of_event = |json: &str| {
        let publication = Publication::decode(json).ok().filter(|publication| publication.event == event)?;
        Some(serde_json::from_str::<Who>(publication.data.get()).ok()?.session)
    };
    compare::deliveries(watcher.told()).filter_map(|delivery| of_event(&delivery.json)).collect()
}

/// Waits until the watcher is told that the session has gone.
async fn until_announced(watcher: &mut Subscriber, session: SessionId, within: Duration) -> Checked<()> {
    let deadline = Instant::now() + within;
    while !announced(watcher, LEAVE).contains(&session) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !watcher.read_on(left).await? {
            return Err(format!("its going is not announced in {:.1} s", within.as_secs_f64()).into());
        }
    }
    Ok(())
}

async fn present(trial: &Trial) -> Checked<Present> {
    let path = format!("/v1/{}/presence", trial.room);
    let answer = Http::new(trial.suite.origin.clone()).request("GET", &path, "").await?;
    let wrong = |error| format!("GET {path} is answered {} without a list of who is there: {error}", answer.status);
    Ok(serde_json::from_str(&answer.body).map_err(wrong)?)
}

/// Waits until the list is as wanted.
async fn until(trial: &Trial, wanted: &str, is: impl Fn(&Present) -> bool) -> Checked<()> {
    let deadline = Instant::now() + IDLE;
    loop {
        let present = present(trial).await?;
        if is(&present) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(format!("{wanted}: not listed in {} s, but {present:?}", IDLE.as_secs()).into());
        }
        sleep(LOOK).await;
    }
}
