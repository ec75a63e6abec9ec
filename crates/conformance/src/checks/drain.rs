//! The end of a server that is told to go down.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};
use wire::{After, Close, control::codes};

use crate::{
    client::ClientError,
    outcome::{Checked, Otherwise},
    subscriber::Subscriber,
    trial::Trial,
};

/// Subscribers on every lane.
const SUBSCRIBERS: usize = 3;

/// What the contract allows from the signal to the end.
const DRAIN: Duration = Duration::from_secs(5);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_millis(500);

/// A lane that asks less often than this may find nobody left to tell it.
const ASKS_IN_TIME: Duration = Duration::from_secs(2);

/// How often it is tried whether connections are still taken.
const TRY: Duration = Duration::from_millis(20);

pub(crate) async fn server_drain_is_announced(trial: Trial) -> Checked<Vec<Checked>> {
    let Some(stop) = &trial.suite.stop else {
        let why = "only whoever can stop the server sees its end: needs --pid, and ends that process";
        return Err(Otherwise::NotApplicable(why.to_owned()));
    };
    let lanes: Vec<Trial> = (0..trial.suite.lanes.len()).map(|lane| trial.on(lane)).collect();
    let crowds = join_all(lanes.iter().map(crowd)).await;
    stop()?;
    let since = Instant::now();
    let ends = lanes.iter().zip(crowds).map(async |(lane, crowd)| drained(lane, crowd?, since).await);
    let (refused, told) = tokio::join!(refused(&trial, since), join_all(ends));
    Ok(told.into_iter().map(|told| told.and_then(|told| refused.clone().map(|()| told))).collect())
}

/// The subscribers of one lane, all accepted.
async fn crowd(lane: &Trial) -> Checked<Vec<Subscriber>> {
    let mut crowd = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut reader = lane.subscribe(After::Head);
        reader.ready().await?;
        crowd.push(reader);
    }
    Ok(crowd)
}

/// What the subscribers of one lane see from the signal on.
async fn drained(lane: &Trial, mut crowd: Vec<Subscriber>, since: Instant) -> Checked {
    if lane.transport().interval().is_some_and(|interval| interval > ASKS_IN_TIME) {
        let why = "asks so seldom that the server may be gone before it could be told";
        return Err(Otherwise::NotApplicable(why.to_owned()));
    }
    let told = join_all(crowd.iter_mut().map(|reader| told(lane, reader, since))).await;
    let took = since.elapsed();
    told.into_iter().collect::<Checked<Vec<()>>>()?;
    Ok(format!("{SUBSCRIBERS} told, everybody within {:.1} s", took.as_secs_f64()))
}

/// One subscriber is told to come back, nobody is accepted in its place, and then its connection ends.
async fn told(lane: &Trial, reader: &mut Subscriber, since: Instant) -> Checked<()> {
    let deadline = since + DRAIN + SLACK;
    let seconds = (DRAIN + SLACK).as_secs_f64();
    match reader.end_within(deadline.saturating_duration_since(Instant::now())).await {
        Some(ClientError::Closed(Close { code, reconnect, retry_after_ms, .. })) => {
            if !codes::comes_back(code) || !reconnect || retry_after_ms == 0 {
                let told = format!("told code {code}, reconnect {reconnect}, after {retry_after_ms} ms");
                return Err(format!("{told}: nobody would come back").into());
            }
        }
        Some(other) => return Err(format!("not told: {other}").into()),
        None => return Err(format!("nothing for {seconds} s after the signal").into()),
    }
    if let Ok(Ok(position)) = timeout_at(deadline, lane.subscribe(After::Head).ready()).await {
        return Err(format!("a new subscription was accepted at {position} after the end was announced").into());
    }
    // Who asks has no connection that belongs to the subscription.
    if !lane.asks() && timeout_at(deadline, reader.all_ended()).await.is_err() {
        return Err(format!("told, but the connection still stands {seconds} s after the signal").into());
    }
    Ok(())
}

/// Waits until nobody accepts connections any more.
async fn refused(trial: &Trial, since: Instant) -> Checked<()> {
    let deadline = since + DRAIN + SLACK;
    loop {
        match timeout_at(deadline, TcpStream::connect(trial.suite.origin.address)).await {
            Ok(Err(_refused)) => return Ok(()),
            Ok(Ok(_taken)) if Instant::now() + TRY < deadline => sleep(TRY).await,
            _ => {
                let seconds = (DRAIN + SLACK).as_secs_f64();
                return Err(format!("connections are still taken {seconds} s after the signal").into());
            }
        }
    }
}
