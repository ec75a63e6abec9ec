//! Who is dead, and how the other end knows. About time, and so for a machine that does nothing else.

use std::time::Duration;

use fault::{Proxy, Way};
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use transport::DriverError;
use wire::After;

use crate::{
    client::ClientError,
    http::Http,
    outcome::{Checked, Otherwise},
    subscriber::Subscriber,
    trial::Trial,
};

/// The longest heartbeat that is waited for without patience.
const SHORT_HEARTBEAT: Duration = Duration::from_secs(3);

/// What a busy machine may add to a time.
const SLACK: Duration = Duration::from_secs(5);

/// How long a lane that asks may take to ask again, and so to be counted.
const ASKS_WITHIN: Duration = Duration::from_secs(2);

/// How long a driver waits for an answer beyond what the server may hold it.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How often the count of subscribers is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn dead_server_is_noticed(trial: Trial) -> Checked {
    let proxy = trial.proxy()?;
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    reader.ready().await?;
    let Some(heartbeat) = reader.heartbeat() else {
        if !trial.suite.patient {
            let why = "a lane without a heartbeat waits for an answer, for longer than a check; --patient waits";
            return Err(Otherwise::NotApplicable(why.to_owned()));
        }
        let limit = trial.idle() + trial.transport().hold().unwrap_or_default() + ANSWER_WITHIN;
        let took = until_silent(&proxy, &mut reader, limit).await?;
        return Ok(format!("no heartbeat; an answer is given up after {:.1} s", took.as_secs_f64()));
    };
    too_long(&trial, heartbeat)?;
    if let Some(error) = reader.end_within(2 * heartbeat + heartbeat / 2).await {
        return Err(format!("the server lives, and its subscriber says: {error}").into());
    }
    let took = until_silent(&proxy, &mut reader, 2 * heartbeat + SLACK).await?;
    Ok(format!("heartbeat {} s, silence noticed after {:.1} s", heartbeat.as_secs_f64(), took.as_secs_f64()))
}

/// Lets nothing through any more, and waits for the client to say that the server is silent.
async fn until_silent(proxy: &Proxy, reader: &mut Subscriber, limit: Duration) -> Checked<Duration> {
    for way in [Way::Up, Way::Down] {
        proxy.control().stall(way);
    }
    let since = Instant::now();
    match reader.end_within(limit).await {
        Some(ClientError::Failed(DriverError::Silent)) => Ok(since.elapsed()),
        Some(other) => Err(format!("the end is told as: {other}").into()),
        None => Err(format!("not noticed in {} s", limit.as_secs_f64()).into()),
    }
}

fn too_long(trial: &Trial, heartbeat: Duration) -> Checked<()> {
    if heartbeat <= SHORT_HEARTBEAT || trial.suite.patient {
        return Ok(());
    }
    let why = format!("a heartbeat of {} s takes too long to see; --patient waits", heartbeat.as_secs_f64());
    Err(Otherwise::NotApplicable(why))
}

pub(crate) async fn dead_client_is_noticed(trial: Trial) -> Checked {
    let proxy = trial.proxy()?;
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    reader.ready().await?;
    if let Err(otherwise) = until_counted(&trial, 1, ASKS_WITHIN).await {
        let nothing = "the server holds nothing for a lane between its requests, so nobody can die there".to_owned();
        return Err(if trial.asks() { Otherwise::NotApplicable(nothing) } else { otherwise });
    }
    proxy.control().cut();
    until_counted(&trial, 0, SLACK).await.map_err(|otherwise| otherwise.at("cut off"))?;
    drop(reader);
    let silent = gone_without_a_word(&trial).await.map_err(|otherwise| otherwise.at("gone without a word"))?;
    Ok(format!("cut off: no longer counted; gone without a word: {silent}"))
}

/// The client's host is gone: nothing comes from it any more, no end either.
async fn gone_without_a_word(trial: &Trial) -> Checked {
    let proxy = trial.proxy()?;
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    reader.ready().await?;
    let Some(heartbeat) = reader.heartbeat() else {
        return Ok("not looked at, a held request is over by itself when its hold is".to_owned());
    };
    if let Err(Otherwise::NotApplicable(why)) = too_long(trial, heartbeat) {
        return Ok(format!("not looked at, {why}"));
    }
    let written = reader.written_bytes();
    if let Some(error) = reader.end_within(heartbeat + heartbeat / 2).await {
        return Err(format!("before it was gone: {error}").into());
    }
    if reader.written_bytes() == written {
        return Ok(
            "cannot be seen, clients never write on this lane, and the proxy acknowledges for the dead".to_owned()
        );
    }
    for way in [Way::Up, Way::Down] {
        proxy.control().stall(way);
    }
    let since = Instant::now();
    until_counted(trial, 0, 2 * heartbeat + SLACK).await?;
    Ok(format!("noticed after {:.1} s of a heartbeat of {} s", since.elapsed().as_secs_f64(), heartbeat.as_secs_f64()))
}

/// What `GET /v1/{namespace}` answers.
#[derive(Deserialize)]
struct Rooms {
    rooms: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    room: String,
    subscribers: u64,
}

/// Waits until the server counts so many subscribers in the trial's room.
async fn until_counted(trial: &Trial, wanted: u64, within: Duration) -> Checked<()> {
    let mut http = Http::new(trial.suite.origin.clone());
    let path = format!("/v1/{}", trial.room.namespace());
    let deadline = Instant::now() + within;
    loop {
        let answer = http.request("GET", &path, "").await?;
        let rooms: Rooms = serde_json::from_str(&answer.body)
            .map_err(|error| format!("GET {path} is answered {} without a list of rooms: {error}", answer.status))?;
        let found = rooms.rooms.iter().find(|count| count.room == trial.room.room());
        let counted = found.map_or(0, |count| count.subscribers);
        if counted == wanted {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let seconds = within.as_secs_f64();
            return Err(format!("the server counts {counted} subscribers after {seconds} s, not {wanted}").into());
        }
        sleep(LOOK).await;
    }
}
