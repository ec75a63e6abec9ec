//! Who subscribes on the lane under test, and keeps what it was told.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::time::{sleep, timeout};
use transport::{Delivery, Driver, Event};
use wire::{Gap, Position, Refusal};

use crate::{
    client::{Client, ClientError},
    outcome::Checked,
    publisher::{TOO_FAST, TRIES, Wanted},
};

/// What a subscriber is told about the feed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// A publication.
    Delivery(Delivery),
    /// Publications that will not come.
    Gap(Gap),
}

/// What became of a publish, whatever it was.
#[derive(Debug)]
pub(crate) enum Fate {
    Taken(Position),
    Refused(Refusal),
    /// The subscription ended with it.
    Ended(ClientError),
    /// There is no answer, and no end.
    Silence,
}

/// The first of the references that a subscriber chooses itself.
const OWN_REFERENCES: u64 = 1 << 20;

/// A subscription on the lane under test.
#[derive(Debug)]
pub(crate) struct Subscriber {
    client: Client,
    idle: Duration,
    ready: Option<Position>,
    told: Vec<Told>,
    answers: HashMap<u64, Result<Position, Refusal>>,
    /// A refusal that does not say of what.
    stray: Option<Refusal>,
    next_reference: u64,
    end: Option<ClientError>,
}

impl Subscriber {
    /// Starts `driver` with connections to `address`; nothing for `idle` is an error.
    pub(crate) fn start(driver: Box<dyn Driver>, address: SocketAddr, idle: Duration) -> Self {
        Self {
            client: Client::start(driver, address),
            idle,
            ready: None,
            told: Vec::new(),
            answers: HashMap::new(),
            stray: None,
            next_reference: OWN_REFERENCES,
            end: None,
        }
    }

    /// Where the subscription starts, as soon as the server has said so.
    pub(crate) async fn ready(&mut self) -> Checked<Position> {
        loop {
            if let Some(position) = &self.ready {
                return Ok(position.clone());
            }
            self.step(self.idle).await.map_err(|error| format!("before the first position: {error}"))?;
        }
    }

    /// Reads until what was told reaches `offset`.
    pub(crate) async fn read_to(&mut self, offset: u64) -> Checked<()> {
        while self.reached() < offset {
            let before = self.reached();
            self.step(self.idle)
                .await
                .map_err(|error| format!("after offset {before} of {offset} publications: {error}"))?;
        }
        Ok(())
    }

    /// Reads whatever comes next; false when nothing comes within this time.
    pub(crate) async fn read_on(&mut self, within: Duration) -> Checked<bool> {
        match self.step(within).await {
            Ok(()) => Ok(true),
            Err(ClientError::Nothing(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the end of the subscription for so long; none when it goes on.
    pub(crate) async fn end_within(&mut self, within: Duration) -> Option<ClientError> {
        let end = async {
            loop {
                let end = match self.client.event(within).await {
                    Ok(event) => ClientError::of(&event),
                    Err(ClientError::Nothing(_)) => None,
                    Err(error) => Some(error),
                };
                if let Some(end) = end {
                    return end;
                }
            }
        };
        timeout(within, end).await.ok()
    }

    /// Writes `data` to the lane's uplink. `reference` is the caller's, and new.
    pub(crate) async fn publish(&self, data: &str, reference: u64) -> Checked<()> {
        self.write(&Wanted::new(data), reference).await
    }

    async fn write(&self, wanted: &Wanted, reference: u64) -> Checked<()> {
        let (data, wanted) = (wanted.raw()?, wanted.clone());
        let publish =
            self.client.ask(move |driver, now, out| driver.publish(&wanted.draft(&data), reference, now, out));
        Ok(publish.await?)
    }

    /// Writes something to the lane's uplink, without waiting for what becomes of it.
    pub(crate) async fn begin_put(&mut self, wanted: &Wanted) -> Checked<u64> {
        self.next_reference += 1;
        self.write(wanted, self.next_reference).await?;
        Ok(self.next_reference)
    }

    /// Writes to the lane's uplink what must be taken, if not at once then a little later.
    pub(crate) async fn put(&mut self, wanted: &Wanted) -> Checked<Position> {
        for _ in 0..TRIES {
            let reference = self.begin_put(wanted).await?;
            match self.answer(reference).await? {
                Ok(position) => return Ok(position),
                Err(refusal) if refusal.status == 429 => sleep(TOO_FAST).await,
                Err(refusal) => {
                    return Err(format!("refused on the uplink: {} {}", refusal.status, refusal.detail).into());
                }
            }
        }
        Err(format!("refused on the uplink: too fast, {TRIES} times, {TOO_FAST:?} apart").into())
    }

    /// Writes something to the lane's uplink; gives what became of it.
    pub(crate) async fn attempt(&mut self, wanted: &Wanted) -> Checked<Fate> {
        let reference = self.begin_put(wanted).await?;
        loop {
            if let Some(answer) = self.answers.remove(&reference) {
                return Ok(answer.map_or_else(Fate::Refused, Fate::Taken));
            }
            if let Some(refusal) = self.stray.take() {
                return Ok(Fate::Refused(refusal));
            }
            match self.step(self.idle).await {
                Ok(()) => {}
                Err(ClientError::Nothing(_)) => return Ok(Fate::Silence),
                Err(end) => return Ok(Fate::Ended(end)),
            }
        }
    }

    /// What became of the publication that was written as `reference`.
    pub(crate) async fn answer(&mut self, reference: u64) -> Checked<Result<Position, Refusal>> {
        loop {
            if let Some(answer) = self.answers.remove(&reference) {
                return Ok(answer);
            }
            self.step(self.idle).await.map_err(|error| format!("no answer on the uplink: {error}"))?;
        }
    }

    /// What it was told so far, in order.
    pub(crate) fn told(&self) -> &[Told] {
        &self.told
    }

    /// Where it stands: the position of the last thing it was told, or of its start.
    pub(crate) fn position(&self) -> Option<Position> {
        let start = self.ready.clone()?;
        let epoch = self.told.iter().rev().find_map(|told| match told {
            Told::Gap(gap) => Some(gap.position.epoch.clone()),
            Told::Delivery(_) => None,
        });
        let offset = match self.told.last() {
            None => start.offset,
            Some(_) => self.reached(),
        };
        Some(Position { epoch: epoch.unwrap_or(start.epoch), offset })
    }

    /// How the subscription ended, once it has.
    pub(crate) fn end(&self) -> Option<&ClientError> {
        self.end.as_ref()
    }

    /// Whether what it publishes goes out on the connection of its feed: it has opened no other. Known after the first.
    pub(crate) fn publishes_on_its_stream(&self) -> bool {
        self.client.connections_opened() == 1
    }

    /// See [`Client::all_ended`].
    pub(crate) async fn all_ended(&self) {
        self.client.all_ended().await;
    }

    /// See [`Client::heartbeat`].
    pub(crate) fn heartbeat(&self) -> Option<Duration> {
        self.client.heartbeat()
    }

    /// See [`Client::written_bytes`].
    pub(crate) fn written_bytes(&self) -> u64 {
        self.client.written_bytes()
    }

    fn reached(&self) -> u64 {
        self.told.last().map_or(0, |told| match told {
            Told::Delivery(delivery) => delivery.offset,
            Told::Gap(gap) => gap.position.offset,
        })
    }

    async fn step(&mut self, within: Duration) -> Result<(), ClientError> {
        let event = self.client.event(within).await?;
        if let Some(end) = ClientError::of(&event) {
            self.end = Some(end.clone());
            return Err(end);
        }
        match event {
            Event::Ready(position) => self.ready = Some(position),
            Event::Delivery(delivery) => self.told.push(Told::Delivery(delivery)),
            Event::Gap(gap) => self.told.push(Told::Gap(gap)),
            Event::Acked(ack) => {
                self.answers.extend(ack.reference.map(|reference| (reference, Ok(ack.position))));
            }
            Event::Refused(refusal) => match refusal.reference {
                Some(reference) => drop(self.answers.insert(reference, Err(refusal))),
                None => self.stray = Some(refusal),
            },
            Event::Exchange { .. } | Event::Closed(_) | Event::Failed(_) => {}
        }
        Ok(())
    }
}
