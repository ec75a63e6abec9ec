//! The end of a server that is told to go down.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use wire::{After, Close, control::codes};

use crate::{
    client::ClientError,
    outcome::{Checked, Otherwise},
    trial::Trial,
};

/// Subscribers on every lane.
const SUBSCRIBERS: usize = 3;

/// What the contract allows from the signal to the end.
const DRAIN: Duration = Duration::from_secs(5);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(2);

/// A lane that asks less often than this may find nobody left to tell it.
const ASKS_IN_TIME: Duration = Duration::from_secs(2);

pub(crate) async fn server_drain_is_announced(trial: Trial) -> Checked<Vec<Checked>> {
    let Some(stop) = &trial.suite.stop else {
        let why = "only whoever can stop the server sees its end: needs --pid, and ends that process";
        return Err(Otherwise::NotApplicable(why.to_owned()));
    };
    let lanes: Vec<Trial> = (0..trial.suite.lanes.len()).map(|lane| trial.on(lane)).collect();
    let mut crowd = Vec::new();
    for lane in &lanes {
        for _ in 0..SUBSCRIBERS {
            let mut reader = lane.subscribe(After::Head);
            reader.ready().await?;
            crowd.push(reader);
        }
    }
    stop()?;
    let since = Instant::now();
    let ends = crowd.iter_mut().map(async |reader| reader.end_within(DRAIN + SLACK).await);
    let ends: Vec<Option<ClientError>> = join_all(ends).await;
    let told = since.elapsed();
    let refused = refused(&trial, since).await;
    let lanes = lanes.iter().zip(ends.chunks(SUBSCRIBERS));
    Ok(lanes.map(|(lane, ends)| judge(lane, ends, told).and_then(|told| refused.clone().map(|()| told))).collect())
}

fn judge(lane: &Trial, ends: &[Option<ClientError>], took: Duration) -> Checked {
    if lane.transport().interval().is_some_and(|interval| interval > ASKS_IN_TIME) {
        let why = "asks so seldom that the server may be gone before it could be told";
        return Err(Otherwise::NotApplicable(why.to_owned()));
    }
    for end in ends {
        match end {
            Some(ClientError::Closed(Close { code, reconnect, retry_after_ms, .. })) => {
                if !codes::comes_back(*code) || !reconnect || *retry_after_ms == 0 {
                    return Err(format!(
                        "told code {code}, reconnect {reconnect}, after {retry_after_ms} ms: nobody would come back"
                    )
                    .into());
                }
            }
            Some(other) => return Err(format!("not told: {other}").into()),
            None => return Err(format!("nothing for {} s after the signal", (DRAIN + SLACK).as_secs()).into()),
        }
    }
    Ok(format!("{} told, everybody within {:.1} s", ends.len(), took.as_secs_f64()))
}

/// Waits until nobody accepts connections any more.
async fn refused(trial: &Trial, since: Instant) -> Checked<()> {
    while TcpStream::connect(trial.suite.origin.address).await.is_ok() {
        if since.elapsed() > DRAIN + SLACK {
            return Err(format!("connections are still taken {} s after the signal", (DRAIN + SLACK).as_secs()).into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
