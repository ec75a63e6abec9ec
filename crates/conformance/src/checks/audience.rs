//! Whom a publication is for: not the sender's own session, one session alone, one namespace alone.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Deserialize;
use wire::{After, Position, Publication, SessionId};

use crate::{
    compare::{self, Sent},
    http::Http,
    outcome::{Checked, Otherwise},
    publisher::{EVENT, Wanted},
    subscriber::{Subscriber, Told},
    trial::Trial,
};

/// What a subscriber was told without what the server itself announces: sessions come and go.
pub(super) fn messages(told: &[Told]) -> Vec<Told> {
    let is_message = |told: &&Told| match told {
        Told::Gap(_) => true,
        Told::Delivery(delivery) => {
            Publication::decode(&delivery.json).map_or(true, |publication| publication.event == EVENT)
        }
    };
    told.iter().filter(is_message).cloned().collect()
}

/// `sent` without some offsets.
fn without(sent: &Sent, offsets: &[u64]) -> Sent {
    sent.iter().filter(|(at, _)| !offsets.contains(at)).map(|(at, data)| (*at, data.clone())).collect()
}

pub(crate) async fn echo_false_skips_the_sender(trial: Trial) -> Checked<Vec<Checked>> {
    let (sender, other) = (trial.named("the sender").await?, trial.named("somebody else").await?);
    let lanes = trial.suite.lanes.len();
    let on_every_lane =
        |trial: &Trial| -> Vec<Subscriber> { (0..lanes).map(|lane| trial.on(lane).subscribe(After::Head)).collect() };
    let (mut own, mut others) = (on_every_lane(&sender), on_every_lane(&other));
    let mut starts = Vec::new();
    for reader in own.iter_mut().chain(&mut others) {
        starts.push(reader.ready().await.map(|start| start.offset));
    }
    let mut outcomes: Vec<Checked> =
        vec![Ok(format!("one connection of the sender on each of {lanes} lanes, and one of somebody else")); lanes];
    // What was published with `echo: false`, and over which lane; the last over HTTP.
    let mut quiet: Vec<(u64, usize)> = Vec::new();
    let mut sent = Sent::new();
    for lane in 0..=lanes {
        let data = format!(r#"["not for the sender",{lane}]"#);
        let wanted = Wanted { echo: false, ..Wanted::new(&data) };
        let taken = match own.get_mut(lane).filter(|_| starts[lane].is_ok()) {
            Some(writer) => writer.put(&wanted).await,
            None if lane < lanes => continue,
            None => sender.publisher().put(&wanted).await,
        };
        match taken {
            Ok(position) => {
                quiet.push((position.offset, lane));
                sent.insert(position.offset, data);
            }
            Err(otherwise) if lane < lanes => outcomes[lane] = Err(otherwise),
            Err(otherwise) => return Err(otherwise),
        }
    }
    let last = trial.publisher().publish(r#""for everybody""#).await?.offset;
    sent.insert(last, r#""for everybody""#.to_owned());
    let read = join_all(own.iter_mut().chain(&mut others).map(|reader| reader.read_to(last))).await;
    let got = |offset: u64| {
        let has = |reader: &Subscriber| compare::deliveries(reader.told()).any(|delivery| delivery.offset == offset);
        own.iter().filter(|reader| has(reader)).count()
    };
    // What every connection of the sender got was taken without its `echo: false`, whatever lane took it.
    let (loud, quiet): (Vec<_>, Vec<_>) = quiet.into_iter().partition(|(offset, _)| got(*offset) == lanes);
    for (_, lane) in &loud {
        let complaint = |over: &str| Err(format!("a publish over {over} with echo: false came to its sender").into());
        match outcomes.get_mut(*lane) {
            Some(outcome) => *outcome = complaint("this lane"),
            None => outcomes.fill(complaint("HTTP")),
        }
    }
    let due_to_sender = without(&sent, &quiet.iter().map(|(offset, _)| *offset).collect::<Vec<_>>());
    for (index, (reader, (start, read))) in own.iter().chain(&others).zip(starts.into_iter().zip(read)).enumerate() {
        let (who, due) = if index < lanes { ("the sender", &due_to_sender) } else { ("somebody else", &sent) };
        let told = start
            .and_then(|start| read.map(|()| start))
            .and_then(|start| Ok(compare::exactly(&messages(reader.told()), start, due)?));
        if let Err(otherwise) = told {
            outcomes[index % lanes] = Err(otherwise.at(who));
        }
    }
    Ok(outcomes)
}

/// Somebody in the room, and whether what is sent directly is for them.
struct Guest {
    who: &'static str,
    trial: Trial,
    live: Subscriber,
    start: Position,
    gets: [bool; 3],
}

pub(crate) async fn direct_reaches_only_its_target(trial: Trial) -> Checked {
    let (sender, target) = (trial.named("the sender").await?, trial.named("the target").await?);
    let other = trial.named("somebody else").await?;
    let to = target.visitor.as_ref().map(|visitor| visitor.session);
    // The last is sent with `echo: false`.
    let all = [
        ("the sender", &sender, [true, true, false]),
        ("the target", &target, [true; 3]),
        ("another session", &other, [false; 3]),
        ("a stranger", &trial, [false; 3]),
    ];
    let mut guests = Vec::new();
    for (who, trial, gets) in all {
        let mut live = trial.subscribe(After::Head);
        let start = live.ready().await?;
        guests.push(Guest { who, trial: trial.clone(), live, start, gets });
    }
    let mut writer = sender.subscribe(After::Head);
    writer.ready().await?;
    let direct = |data: &str, echo| Wanted { to, echo, ..Wanted::new(data) };
    let mut sent = Sent::new();
    let mut directs = Vec::new();
    for (over_lane, data, echo) in [(true, "1", true), (false, "2", true), (false, "3", false)] {
        let wanted = direct(data, echo);
        let taken = if over_lane { writer.put(&wanted).await? } else { sender.publisher().put(&wanted).await? };
        sent.insert(taken.offset, data.to_owned());
        directs.push(taken);
    }
    let head = other.subscribe(After::Head).ready().await?;
    if head.offset < directs[2].offset {
        return Err(format!("the head is {head} after a direct publication at {}", directs[2]).into());
    }
    let last = trial.publisher().publish(r#""for everybody""#).await?.offset;
    sent.insert(last, r#""for everybody""#.to_owned());
    for Guest { who, trial, live, start, gets } in &mut guests {
        let not: Vec<u64> =
            directs.iter().zip(gets).filter(|(_, gets)| !**gets).map(|(position, _)| position.offset).collect();
        let due = without(&sent, &not);
        live.read_to(last).await.map_err(|otherwise| otherwise.at(who))?;
        compare::exactly(&messages(live.told()), start.offset, &due).map_err(|why| format!("{who}: {why}"))?;
        has_target(live, to).map_err(|why| format!("{who}: {why}"))?;
        // From before all of them, and from in between, where nothing was for most.
        for from in [start.clone(), directs[1].clone()] {
            let mut again = trial.subscribe(After::Position(from.clone()));
            again.read_to(last).await.map_err(|otherwise| otherwise.at(who))?;
            compare::exactly(&messages(again.told()), from.offset, &due)
                .map_err(|why| format!("{who}, again from {from}: {why}"))?;
        }
    }
    Ok("over the lane and over HTTP to one of four subscribers, as it came and from two positions".to_owned())
}

/// A publication that was sent directly says to whom.
fn has_target(reader: &Subscriber, to: Option<SessionId>) -> Result<(), String> {
    for delivery in compare::deliveries(reader.told()) {
        let publication = Publication::decode(&delivery.json).map_err(|error| error.to_string())?;
        let is_direct = ["1", "2", "3"].contains(&delivery.data());
        if is_direct && publication.to != to {
            return Err(format!("a direct publication that does not say to whom: {}", delivery.json));
        }
    }
    Ok(())
}

/// What a publish into all rooms of a namespace is answered.
#[derive(Deserialize)]
struct Everywhere {
    positions: BTreeMap<String, Position>,
}

pub(crate) async fn namespaces_do_not_leak(trial: Trial) -> Checked {
    let (one, other) = (trial.in_namespace("a")?, trial.in_namespace("b")?);
    let mut readers = [one.subscribe(After::Head), other.subscribe(After::Head)];
    let mut starts = Vec::new();
    for reader in &mut readers {
        starts.push(reader.ready().await?.offset);
    }
    let mut all = Vec::new();
    for (place, name) in [(&one, "one"), (&other, "the other")] {
        let mut writer = place.subscribe(After::Head);
        writer.ready().await?;
        let (over_lane, over_http) = (format!(r#"["lane",{name:?}]"#), format!(r#"["http",{name:?}]"#));
        let mut sent = Sent::from([(writer.put(&Wanted::new(&over_lane)).await?.offset, over_lane)]);
        sent.insert(place.publisher().publish(&over_http).await?.offset, over_http);
        all.push(sent);
    }
    let data = r#""for all rooms of one""#;
    let everywhere = publish_to_all(&one, data).await?;
    if let Some(room) = everywhere.keys().find(|room| *room != one.room.room()) {
        return Err(format!("a publish into one namespace went into room {room:?}, which is not there").into());
    }
    match everywhere.get(one.room.room()) {
        Some(position) => drop(all[0].insert(position.offset, data.to_owned())),
        // Who asks is a subscriber only while the server holds the request.
        None if trial.asks() => {}
        None => return Err("a publish into all rooms of a namespace left out one with a subscriber".to_owned().into()),
    }
    for ((place, reader), (sent, start)) in [&one, &other].into_iter().zip(&mut readers).zip(all.iter_mut().zip(starts))
    {
        let last = place.publisher().publish(r#""last""#).await?.offset;
        sent.insert(last, r#""last""#.to_owned());
        reader.read_to(last).await?;
        compare::exactly(reader.told(), start, sent).map_err(|why| format!("in {}: {why}", place.room))?;
    }
    Ok("two namespaces with a room of one name, and a publish into all rooms of one".to_owned())
}

async fn publish_to_all(trial: &Trial, data: &str) -> Checked<BTreeMap<String, Position>> {
    let path = format!("/v1/{}/messages", trial.room.namespace());
    let wanted = Wanted::new(data);
    let body = wanted.draft(&wanted.raw()?).encode();
    let answer = Http::new(trial.suite.origin.clone()).request("POST", &path, &body).await?;
    let refused = || Otherwise::Broken(format!("POST {path} is answered {} {}", answer.status, answer.body));
    if answer.status != 201 {
        return Err(refused());
    }
    serde_json::from_str(&answer.body).map(|Everywhere { positions }| positions).map_err(|_error| refused())
}
