//! A subscriber as a real client is one: it comes back with its last position, on whichever lane, and tries again to publish
//! what it has no answer for.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use conformance::client::{Client, ClientError};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::value::RawValue;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use transport::{DriverError, Event, Headers, Lane, Origin, Target};
use wire::{After, Draft, GapReason, Position, SessionId, control::codes};

use super::model::{Log, Told};

/// How long nothing may happen to a subscriber. Who waits for it gives up long before.
const FOREVER: Duration = Duration::from_hours(1);

/// How long a refused publish waits until it is tried again, and a lost subscriber until it connects again, at most.
const PAUSE_MS: u64 = 250;

/// One publication to make.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) n: u64,
    pub(super) event: String,
    pub(super) data: Box<RawValue>,
    pub(super) to: Option<SessionId>,
    pub(super) echo: bool,
    /// One without is never tried again.
    pub(super) key: Option<String>,
}

impl Post {
    pub(super) fn draft(&self) -> Draft<'_> {
        let Self { event, data, to, echo, key, .. } = self;
        Draft { event: event.into(), data, to: *to, echo: *echo, key: key.as_deref().map(Into::into) }
    }
}

/// What became of a publication.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was taken, in these rooms; none names the publisher's own.
    Taken(Vec<(Option<String>, Position)>),
    /// Nobody knows.
    Unknown,
    Refused(String),
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) n: u64,
    pub(super) outcome: Outcome,
}

/// What a subscriber is told to do.
#[derive(Debug)]
pub(super) enum Order {
    Publish(Post),
    /// Its session is about to be ended: it makes no connection any more, and says when it has heard.
    Leave(oneshot::Sender<()>),
    Stop,
}

/// How its life was.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) connections: u32,
    pub(super) trimmed: u32,
    pub(super) slow: u32,
    pub(super) epochs: u32,
    pub(super) drains: u32,
    pub(super) revoked: u32,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        let Self { connections, trimmed, slow, epochs, drains, revoked } = other;
        self.connections += connections;
        self.trimmed += trimmed;
        self.slow += slow;
        self.epochs += epochs;
        self.drains += drains;
        self.revoked += revoked;
    }
}

/// What a subscriber is made of.
pub(super) struct Subscriber {
    pub(super) log: Log,
    pub(super) origin: Origin,
    /// Where its connections go.
    pub(super) address: SocketAddr,
    pub(super) headers: Headers,
    pub(super) lanes: Vec<Lane>,
    pub(super) start: After,
    /// Changes lanes and goes away for so long at most, now and then; none for one that only comes back.
    pub(super) restless: Option<Duration>,
    pub(super) random: ChaCha8Rng,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) answers: mpsc::Sender<Answer>,
    pub(super) progress: watch::Sender<Option<Position>>,
    pub(super) calm: watch::Receiver<bool>,
}

/// A subscriber at work.
pub(super) struct Life {
    its: Subscriber,
    lane: usize,
    cursor: Option<Position>,
    queue: VecDeque<Post>,
    /// Before this nothing of the queue is written.
    not_before: Instant,
    unanswered: BTreeMap<u64, Post>,
    leaving: bool,
    over: bool,
    tally: Tally,
    complaints: Vec<String>,
}

impl Life {
    pub(super) fn new(its: Subscriber) -> Self {
        Self {
            its,
            lane: 0,
            cursor: None,
            queue: VecDeque::new(),
            not_before: Instant::now(),
            unanswered: BTreeMap::new(),
            leaving: false,
            over: false,
            tally: Tally::default(),
            complaints: Vec::new(),
        }
    }

    /// Until it is told to stop or sent away; gives what it was told, how its life was and what it found wrong.
    pub(super) async fn run(mut self) -> (Log, Tally, Vec<String>) {
        while !self.over {
            let pause = self.connection().await;
            for post in std::mem::take(&mut self.unanswered).into_values() {
                self.again(post).await;
            }
            self.over |= self.leaving;
            self.rest(pause).await;
        }
        for post in std::mem::take(&mut self.queue) {
            self.answer(post.n, Outcome::Unknown).await;
        }
        (self.its.log, self.tally, self.complaints)
    }

    /// One connection, to its end or until it goes away; gives how long it stays away.
    async fn connection(&mut self) -> Duration {
        if !self.is_calm() && self.its.restless.is_some() && self.its.random.random_bool(0.3) {
            self.lane = self.its.random.random_range(0..self.its.lanes.len());
        }
        self.tally.connections += 1;
        let asked = self.cursor.clone();
        let target = Target {
            origin: self.its.origin.clone(),
            room: self.its.log.room.clone(),
            after: asked.clone().map_or_else(|| self.its.start.clone(), After::Position),
            headers: self.its.headers.clone(),
            seed: self.its.random.random(),
            phase: None,
            receive: true,
        };
        let driver = self.its.lanes[self.lane].build().driver(target);
        let mut client = Client::start(driver, self.its.address);
        let away = self.its.restless.filter(|_| self.its.random.random_bool(0.25));
        let leaves_at = Instant::now() + Duration::from_millis(self.its.random.random_range(50..800));
        let mut ready = false;
        loop {
            let is_waiting = ready && !self.queue.is_empty();
            tokio::select! {
                event = client.event(FOREVER) => match event {
                    Ok(event) => if let Some(pause) = self.on_event(event, &mut ready, asked.as_ref()).await { return pause },
                    Err(_gone) => return Duration::ZERO,
                },
                Some(order) = self.its.orders.recv() => self.take(order),
                () = sleep_until(self.not_before), if is_waiting => {}
                () = sleep_until(leaves_at), if away.is_some() && ready && !self.is_calm() && !self.leaving => {
                    return away.unwrap_or_default().mul_f64(self.its.random.random());
                }
            }
            // A connection that is not there yet might be made by nobody.
            if self.over || (self.leaving && !ready) {
                return Duration::ZERO;
            }
            while ready
                && self.not_before <= Instant::now()
                && let Some(post) = self.queue.pop_front()
            {
                let (written, n) = (post.clone(), post.n);
                self.unanswered.insert(n, post);
                let asked = client.ask(move |driver, now, out| driver.publish(&written.draft(), n, now, out));
                if asked.await.is_err() {
                    return Duration::ZERO;
                }
            }
        }
    }

    /// Takes what the driver tells; gives how long to stay away when that was the end.
    async fn on_event(&mut self, event: Event, ready: &mut bool, asked: Option<&Position>) -> Option<Duration> {
        if let Some(end) = ClientError::of(&event) {
            return Some(self.on_end(&end));
        }
        match event {
            Event::Delivery(_) | Event::Gap(_) if !*ready => {
                self.complaints.push(format!("{}: {event:?} before its connection was ready", self.its.log.who));
            }
            Event::Ready(position) => {
                *ready = true;
                self.tell(Told::Ready { asked: asked.cloned(), position: position.clone() }, position);
            }
            Event::Delivery(delivery) => {
                let epoch = self.cursor.as_ref().map(|cursor| cursor.epoch.clone())?;
                let position = Position { epoch, offset: delivery.offset };
                self.tell(Told::Delivery { position: position.clone(), json: delivery.json }, position);
            }
            Event::Gap(gap) => {
                match gap.reason {
                    GapReason::Trimmed => self.tally.trimmed += 1,
                    GapReason::Slow => self.tally.slow += 1,
                    GapReason::Epoch => self.tally.epochs += 1,
                }
                let position = gap.position.clone();
                self.tell(Told::Gap(gap), position);
            }
            Event::Acked(ack) => {
                if let Some(post) = ack.reference.and_then(|n| self.unanswered.remove(&n)) {
                    self.answer(post.n, Outcome::Taken(vec![(None, ack.position)])).await;
                }
            }
            Event::Refused(refusal) => {
                if let Some(post) = refusal.reference.and_then(|n| self.unanswered.remove(&n)) {
                    match refusal.status {
                        // No answer came.
                        0 => self.again(post).await,
                        status => self.answer(post.n, Outcome::Refused(format!("{status} {}", refusal.detail))).await,
                    }
                }
            }
            Event::Exchange { .. } | Event::Closed(_) | Event::Failed(_) => {}
        }
        None
    }

    fn on_end(&mut self, end: &ClientError) -> Duration {
        match end {
            ClientError::Closed(close) if close.code == codes::DRAIN => {
                self.tally.drains += 1;
                return Duration::from_millis(self.its.random.random_range(0..=close.retry_after_ms));
            }
            ClientError::Closed(close) if close.code == codes::SESSION_ENDED && self.leaving => self.tally.revoked += 1,
            ClientError::Failed(DriverError::Lost) => {}
            other => {
                let lane = &self.its.lanes[self.lane];
                self.complaints.push(format!("{} on {lane}: it ended with: {other}", self.its.log.who));
            }
        }
        Duration::from_millis(self.its.random.random_range(0..PAUSE_MS))
    }

    /// Waits, and hears meanwhile; nobody stays away once all is calm.
    async fn rest(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.over {
            let mut calm = self.its.calm.clone();
            let is_long = time > Duration::from_millis(PAUSE_MS);
            tokio::select! {
                () = sleep_until(until) => return,
                _ = calm.wait_for(|calm| *calm), if is_long => return,
                Some(order) = self.its.orders.recv() => self.take(order),
            }
            self.over |= self.leaving;
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Publish(post) => self.queue.push_back(post),
            Order::Leave(heard) => {
                self.leaving = true;
                // Nobody waits for it when the run is over.
                let _over = heard.send(());
            }
            Order::Stop => self.over = true,
        }
    }

    /// One that has no answer: with a key it is tried again.
    async fn again(&mut self, post: Post) {
        if post.key.is_none() {
            return self.answer(post.n, Outcome::Unknown).await;
        }
        self.queue.push_back(post);
        self.not_before = Instant::now() + Duration::from_millis(self.its.random.random_range(0..PAUSE_MS));
    }

    async fn answer(&self, n: u64, outcome: Outcome) {
        // Nobody waits for it when the run is over.
        let _over = self.its.answers.send(Answer { n, outcome }).await;
    }

    fn tell(&mut self, told: Told, position: Position) {
        self.its.log.told.push(told);
        self.its.progress.send_replace(Some(position.clone()));
        self.cursor = Some(position);
    }

    fn is_calm(&self) -> bool {
        *self.its.calm.borrow()
    }
}

/// A source of its own for every subscriber.
pub(super) fn random(seed: u64, who: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(who);
    random
}
