//! A network that carries bytes one by one, and connections of which half is gone.

use std::time::Duration;

use fault::Way;
use wire::After;

use crate::{
    compare,
    outcome::Checked,
    trial::{Trial, last},
};

/// How far one byte is from the next.
const PACE: Duration = Duration::from_millis(1);

/// How many publications go byte by byte.
const DRIBBLED: u32 = 6;

pub(crate) async fn half_open_and_dribbled_bytes(trial: Trial) -> Checked {
    dribbled(&trial).await.map_err(|otherwise| otherwise.at("byte by byte"))?;
    let half = half_open(&trial.elsewhere("half")?).await.map_err(|otherwise| otherwise.at("half open"))?;
    Ok(format!("{DRIBBLED} publications byte by byte; half a connection {half}"))
}

async fn dribbled(trial: &Trial) -> Checked<()> {
    let proxy = trial.proxy()?;
    for way in [Way::Up, Way::Down] {
        proxy.control().dribble(way, 1, PACE);
    }
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    let start = reader.ready().await?.offset;
    let sent = trial.publish(DRIBBLED).await?;
    reader.read_to(last(&sent)).await?;
    Ok(compare::exactly(reader.told(), start, &sent)?)
}

/// The client has ended its sending direction, as far as the server can see.
async fn half_open(trial: &Trial) -> Checked<&'static str> {
    let proxy = trial.proxy()?;
    let mut reader = trial.subscribe_through(&proxy, After::Head);
    let start = reader.ready().await?;
    proxy.control().half_close(Way::Up);
    let mut sent = trial.publish(1).await?;
    let read = reader.read_to(last(&sent)).await;
    match reader.end() {
        Some(end) if end.is_an_end_of_the_server() => {}
        Some(end) => return Err(format!("neither served nor ended: {end}").into()),
        None if read.is_err() => return Err("neither served nor ended".to_owned().into()),
        None => {}
    }
    let position = reader.position().unwrap_or(start);
    sent.extend(trial.publish(1).await?);
    let mut again = trial.subscribe(After::Position(position.clone()));
    again.read_to(last(&sent)).await?;
    compare::exactly(again.told(), position.offset, &sent)?;
    Ok(if read.is_ok() { "is served" } else { "is ended" })
}
