//! What a publish is answered, and what becomes of it when that answer is lost.

use std::time::Duration;

use fault::Way;
use tokio::time::{Instant, sleep};
use wire::{After, Position};

use crate::{
    compare::{self, Sent},
    outcome::{Checked, Otherwise},
    publisher::Wanted,
    subscriber::Told,
    suite::IDLE,
    trial::Trial,
};

/// How many are published on each uplink. Few: a position is right or wrong the first time.
const EACH_WAY: u32 = 3;

/// How often it is looked whether a publish has been taken whose answer is on its way.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn acks_carry_positions(trial: Trial) -> Checked {
    let mut reader = trial.subscribe(After::Head);
    let start = reader.ready().await?;
    let (mut writer, mut publisher) = (trial.subscribe(After::Head), trial.publisher());
    writer.ready().await?;
    let mut acked: Vec<(Position, String)> = Vec::new();
    for number in 1..=EACH_WAY {
        let (over_lane, over_http) = (format!(r#"["the lane",{number}]"#), format!(r#"["http",{number}]"#));
        acked.push((writer.put(&Wanted::new(&over_lane)).await?, over_lane));
        acked.push((publisher.publish(&over_http).await?, over_http));
    }
    let epoch = &start.epoch;
    if let Some((position, _)) = acked.iter().find(|(position, _)| position.epoch != *epoch) {
        return Err(format!("an ack says {position}, but the feed started at {start}").into());
    }
    if let Some(pair) = acked.windows(2).find(|pair| pair[1].0.offset <= pair[0].0.offset) {
        return Err(format!("a publish is acked as {}, and one after it as {}", pair[0].0, pair[1].0).into());
    }
    let sent: Sent = acked.iter().map(|(position, data)| (position.offset, data.clone())).collect();
    let last = acked.last().map_or(0, |(position, _)| position.offset);
    reader.read_to(last).await?;
    compare::exactly(reader.told(), start.offset, &sent).map_err(|why| format!("as the acks have it: {why}"))?;
    // An ack's position is one to start from.
    let from = acked[2].0.clone();
    let mut behind = trial.subscribe(After::Position(from.clone()));
    behind.read_to(last).await?;
    compare::exactly(behind.told(), from.offset, &sent).map_err(|why| format!("from an ack's position: {why}"))?;
    Ok(format!("{EACH_WAY} acks on the lane and {EACH_WAY} over HTTP, each where its publication came"))
}

pub(crate) async fn retries_do_not_double(trial: Trial) -> Checked {
    let again = twice(&trial).await.map_err(|otherwise| otherwise.at("the same key twice"))?;
    cut(&trial.elsewhere("lane")?, true).await.map_err(|otherwise| otherwise.at("an ack of the lane cut off"))?;
    cut(&trial.elsewhere("http")?, false).await.map_err(|otherwise| otherwise.at("an answer to a POST cut off"))?;
    Ok(format!("{again}; a publish sent again after its ack was cut off, on the lane and over HTTP"))
}

fn keyed(data: &str, key: &str) -> Wanted {
    Wanted { key: Some(key.to_owned()), ..Wanted::new(data) }
}

/// The same key on every uplink, then another one, and the same of somebody else where there are sessions.
async fn twice(trial: &Trial) -> Checked<&'static str> {
    let mut reader = trial.subscribe(After::Head);
    let start = reader.ready().await?.offset;
    let (mut writer, mut publisher) = (trial.subscribe(After::Head), trial.publisher());
    writer.ready().await?;
    let first = writer.put(&keyed("1", "a key")).await?;
    for (again, place) in
        [(writer.put(&keyed("1", "a key")).await?, "the lane"), (publisher.put(&keyed("1", "a key")).await?, "HTTP")]
    {
        if again != first {
            return Err(format!("taken as {first}, and again over {place} as {again}").into());
        }
    }
    let mut sent = Sent::from([(first.offset, "1".to_owned())]);
    for (wanted, data) in [(keyed("2", "another key"), "2"), (Wanted::new("3"), "3")] {
        sent.insert(publisher.put(&wanted).await?.offset, data.to_owned());
    }
    let others = match trial.named("somebody else").await {
        Ok(other) => {
            sent.insert(other.publisher().put(&keyed("4", "a key")).await?.offset, "4".to_owned());
            "the same key on the lane and over HTTP, and of a session of its own"
        }
        Err(Otherwise::NotApplicable(_)) => "the same key on the lane and over HTTP",
        Err(otherwise) => return Err(otherwise),
    };
    let last = trial.publisher().publish("5").await?;
    sent.insert(last.offset, "5".to_owned());
    reader.read_to(last.offset).await?;
    compare::exactly(reader.told(), start, &sent)?;
    Ok(others)
}

/// The answer to a publish is cut off on its way, and the publish is sent again on a new connection.
async fn cut(trial: &Trial, on_the_lane: bool) -> Checked<()> {
    let mut reader = trial.subscribe(After::Head);
    let start = reader.ready().await?;
    let proxy = trial.proxy()?;
    let wanted = keyed(r#""once""#, "a key whose answer is lost");
    let position = if on_the_lane {
        let mut writer = trial.subscribe_through(&proxy, After::Head);
        writer.ready().await?;
        proxy.control().stall(Way::Down);
        writer.begin_put(&wanted).await?;
        until_taken(trial, start.offset).await?;
        proxy.control().cut();
        drop(writer);
        proxy.control().heal();
        let mut again = trial.subscribe_through(&proxy, After::Head);
        again.ready().await?;
        again.put(&wanted).await?
    } else {
        proxy.control().stall(Way::Down);
        let mut publisher = trial.publisher_through(&proxy);
        let lost = async {
            until_taken(trial, start.offset).await?;
            proxy.control().cut();
            Checked::Ok(())
        };
        let (answer, lost) = tokio::join!(publisher.attempt(&wanted), lost);
        lost?;
        if let Ok(answer) = answer {
            return Err(format!("an answer came through a cut: {}", answer.status).into());
        }
        proxy.control().heal();
        publisher.put(&wanted).await?
    };
    let last = trial.publisher().publish(r#""last""#).await?.offset;
    reader.read_to(last).await?;
    let sent = Sent::from([(start.offset + 1, r#""once""#.to_owned()), (last, r#""last""#.to_owned())]);
    let copies = compare::deliveries(reader.told()).filter(|delivery| delivery.data() == r#""once""#).count();
    if copies != 1 {
        return Err(format!("published {copies} times").into());
    }
    compare::exactly(reader.told(), start.offset, &sent)?;
    match reader.told().first() {
        Some(Told::Delivery(first)) if first.offset == position.offset => Ok(()),
        first => Err(format!("sent again, it is acked as {position}, but the first told is {first:?}").into()),
    }
}

/// Waits until something has been published after `offset`, seen on a connection of its own.
async fn until_taken(trial: &Trial, offset: u64) -> Checked<()> {
    let deadline = Instant::now() + IDLE;
    while trial.subscribe(After::Head).ready().await?.offset == offset {
        if Instant::now() > deadline {
            return Err(format!("not taken in {} s", IDLE.as_secs()).into());
        }
        sleep(LOOK).await;
    }
    Ok(())
}
