//! One promise on one lane: fresh rooms, subscribers on the lane, publishers over HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use fault::Proxy;
use measure::Mono;
use transport::{Command, Driver, Origin, Out, Target, Transport};
use wire::{After, NameError, RoomName};

use crate::{
    compare::Sent,
    outcome::Checked,
    publisher::Publisher,
    spoiler::{Spoil, Spoiler, Spoilt},
    subscriber::Subscriber,
    suite::{IDLE, Suite},
    visitor::Visitor,
};

/// One promise on one lane.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) suite: Arc<Suite>,
    /// Which of the suite's lanes.
    pub(crate) lane: usize,
    /// The room of this trial alone.
    pub(crate) room: RoomName,
    /// Whose subscribers and publishers these are; none for strangers.
    pub(crate) visitor: Option<Visitor>,
}

impl Trial {
    pub(crate) fn new(suite: &Arc<Suite>, lane: usize, promise: &str) -> Result<Self, NameError> {
        let room = RoomName::new(&suite.namespace, &format!("{promise}.{lane}"))?;
        Ok(Self { suite: Arc::clone(suite), lane, room, visitor: None })
    }

    /// The same trial in another fresh room.
    pub(crate) fn elsewhere(&self, suffix: &str) -> Checked<Self> {
        let room = RoomName::new(self.room.namespace(), &format!("{}.{suffix}", self.room.room()));
        Ok(Self { room: room.map_err(|error| error.to_string())?, ..self.clone() })
    }

    /// The room of the same name in another namespace, which no other trial has.
    pub(crate) fn in_namespace(&self, suffix: &str) -> Checked<Self> {
        let namespace = format!("{}.{}.{suffix}", self.room.namespace(), self.lane);
        let room = RoomName::new(&namespace, self.room.room());
        Ok(Self { room: room.map_err(|error| error.to_string())?, ..self.clone() })
    }

    /// The same trial with a session of its own.
    pub(crate) async fn named(&self, name: &str) -> Checked<Self> {
        Ok(Self { visitor: Some(Visitor::begin(&self.suite, name).await?), ..self.clone() })
    }

    /// The same room, seen from another lane.
    pub(crate) fn on(&self, lane: usize) -> Self {
        Self { lane, ..self.clone() }
    }

    /// What a subscription on this lane is made by.
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        self.suite.lanes[self.lane].build()
    }

    /// Whether subscribers on this lane ask for every batch: nothing is pushed to them beyond one answer.
    pub(crate) fn asks(&self) -> bool {
        let transport = self.transport();
        transport.interval().is_some() || transport.hold().is_some()
    }

    /// How long nothing may come before it counts as nothing: on top of what the lane itself waits between two requests.
    pub(crate) fn idle(&self) -> Duration {
        IDLE + 2 * self.transport().interval().unwrap_or_default()
    }

    /// A subscriber.
    pub(crate) fn subscribe(&self, after: After) -> Subscriber {
        self.subscribe_at(self.suite.origin.address, after)
    }

    /// A subscriber through a proxy.
    pub(crate) fn subscribe_through(&self, proxy: &Proxy, after: After) -> Subscriber {
        self.subscribe_at(proxy.address(), after)
    }

    fn subscribe_at(&self, address: SocketAddr, after: After) -> Subscriber {
        Subscriber::start(self.driver(after), address, self.idle())
    }

    /// A subscriber whose bytes are spoilt on their way out, and what came of that.
    pub(crate) fn subscribe_spoilt(&self, after: After, spoil: Spoil) -> (Subscriber, Arc<Spoilt>) {
        let (driver, spoilt) = Spoiler::around(self.driver(after), spoil);
        (Subscriber::start(driver, self.suite.origin.address, self.idle()), spoilt)
    }

    /// What subscribes on this lane.
    fn driver(&self, after: After) -> Box<dyn Driver> {
        let headers = self.visitor.as_ref().map_or(&self.suite.headers, |visitor| &visitor.headers);
        let target = Target {
            origin: self.suite.origin.clone(),
            room: self.room.clone(),
            after,
            headers: headers.clone(),
            seed: self.suite.next_seed(),
            phase: None,
            receive: true,
        };
        self.transport().driver(target)
    }

    /// The first request of a subscription on this lane.
    pub(crate) fn opening(&self, after: After) -> String {
        let mut out = Out::default();
        self.driver(after).start(Mono::now(), &mut out);
        let writes = out.commands.iter().find_map(|command| match command {
            Command::Write(_, bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        writes.unwrap_or_default()
    }

    /// Where the lane has its sessions of Engine.IO, if it has some.
    pub(crate) fn engine_path(&self) -> Option<String> {
        let opening = self.opening(After::Head);
        let path = opening.split(' ').nth(1)?;
        path.split_once("?EIO=").map(|(base, _)| base.to_owned())
    }

    /// Who publishes into the room over HTTP.
    pub(crate) fn publisher(&self) -> Publisher {
        self.publisher_at(self.suite.origin.clone())
    }

    /// The same through a proxy.
    pub(crate) fn publisher_through(&self, proxy: &Proxy) -> Publisher {
        self.publisher_at(Origin { address: proxy.address(), ..self.suite.origin.clone() })
    }

    fn publisher_at(&self, origin: Origin) -> Publisher {
        let cookie = self.visitor.as_ref().map(|visitor| visitor.cookie.clone());
        Publisher::new(origin, &self.room, cookie)
    }

    /// A proxy in front of the server.
    pub(crate) fn proxy(&self) -> Checked<Proxy> {
        Ok(Proxy::start(self.suite.origin.address)?)
    }

    /// Publishes numbered publications over HTTP; gives them by offset.
    pub(crate) async fn publish(&self, count: u32) -> Checked<Sent> {
        let mut publisher = self.publisher();
        let mut sent = Sent::new();
        for number in 1..=count {
            let data = format!(r#"{{"over":"http","number":{number}}}"#);
            sent.insert(publisher.publish(&data).await?.offset, data);
        }
        Ok(sent)
    }

    /// Publishes over HTTP and over the lane's uplink at the same time, `count` on each.
    pub(crate) async fn publish_both_ways(&self, count: u32) -> Checked<Sent> {
        let (over_http, over_lane) = tokio::join!(self.publish(count), self.publish_on_the_lane(count));
        let mut sent = over_http?;
        sent.extend(over_lane?);
        if sent.len() == 2 * count as usize {
            Ok(sent)
        } else {
            Err(format!("{} publications were taken, but at {} offsets", 2 * count, sent.len()).into())
        }
    }

    async fn publish_on_the_lane(&self, count: u32) -> Checked<Sent> {
        let mut writer = self.subscribe(After::Head);
        writer.ready().await?;
        let data = |number| format!(r#"{{"over":"the lane","number":{number}}}"#);
        for number in 1..=count {
            writer.publish(&data(number), number.into()).await?;
        }
        let mut sent = Sent::new();
        for number in 1..=count {
            let position = writer.answer(number.into()).await?;
            let position = position.map_err(|refusal| format!("refused on the uplink: {}", refusal.detail))?;
            sent.insert(position.offset, data(number));
        }
        Ok(sent)
    }
}

/// The last offset of what was published.
pub(crate) fn last(sent: &Sent) -> u64 {
    sent.last_key_value().map_or(0, |(offset, _)| *offset)
}
