//! One run of one seed: three windows of traffic in bad weather, the server going down in between; after each all becomes calm,
//! everybody catches up, and what the rooms hold is asked for.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    net::SocketAddr,
};

use conformance::client::PATIENCE;
use fault::Proxy;
use rand_chacha::ChaCha8Rng;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use transport::{Lane, lane};
use wire::{Epoch, Item, Position, RoomName, SessionId, poll};

use super::{
    model::{Audience, Log, Model, Sent, Told},
    place::{Place, RING_ITEMS, storms},
    plan::{self, Act, PROXIES, ROOMS, Seat},
    subscriber::{Answer, Order, Outcome, Tally, random},
};

/// How often who asks by the clock does so: more often than anybody would, so that a run is short.
const INTERVAL: &str = "250ms";

/// Orders and answers that may wait: more than a window has.
pub(super) const WAITING: usize = 4096;

/// A named session.
pub(super) struct Session {
    pub(super) name: String,
    pub(super) id: SessionId,
    pub(super) cookie: String,
}

/// A subscriber at work.
pub(super) struct Member {
    pub(super) who: String,
    pub(super) room: usize,
    pub(super) session: Option<usize>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) progress: watch::Receiver<Option<Position>>,
    pub(super) task: JoinHandle<(Log, Tally, Vec<String>)>,
}

/// What a run counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) taken: u64,
    pub(super) unknown: u64,
    pub(super) standing: usize,
    pub(super) deliveries: usize,
    pub(super) sessions_ended: usize,
    pub(super) tally: Tally,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, taken, unknown, standing, deliveries, sessions_ended, tally } = self;
        let Tally { connections, trimmed, slow, epochs, drains, revoked } = tally;
        write!(f, "{sent} publishes ({taken} taken, {unknown} without an answer), {standing} publications, ")?;
        write!(f, "{deliveries} deliveries over {connections} connections, ")?;
        write!(f, "gaps: {trimmed} trimmed, {slow} slow, {epochs} epoch; {drains} ends for a drain, ")?;
        write!(f, "{sessions_ended} sessions ended and {revoked} subscribers told so")
    }
}

/// See the file.
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) random: ChaCha8Rng,
    pub(super) place: Place,
    pub(super) proxies: Vec<SocketAddr>,
    pub(super) lanes: Vec<Lane>,
    pub(super) sessions: Vec<Session>,
    pub(super) seats: Vec<Seat>,
    /// Subscribers that were ever begun: the number of the newest.
    pub(super) begun: usize,
    pub(super) members: BTreeMap<usize, Member>,
    /// Whose sessions were ended.
    pub(super) leaving: Vec<Member>,
    pub(super) calm: watch::Sender<bool>,
    pub(super) answers_in: mpsc::Sender<Answer>,
    pub(super) answers: mpsc::Receiver<Answer>,
    pub(super) pending: usize,
    pub(super) model: Model,
    /// Whose view of which room is asked for at the end of the window.
    pub(super) views: HashSet<(Option<usize>, usize)>,
    /// The last word of each room.
    pub(super) fences: [Option<Position>; ROOMS.len()],
    pub(super) logs: Vec<Log>,
    pub(super) counts: Counts,
    pub(super) complaints: Vec<String>,
}

/// Runs a seed; what was counted, and what was wrong.
pub(super) async fn run(seed: u64) -> (Counts, Vec<String>) {
    let place = Place::open();
    let proxies: Vec<_> = (0..PROXIES).map(|_| Proxy::start(place.origin.address).unwrap()).collect();
    let (calm, _) = watch::channel(false);
    let mut weather = JoinSet::new();
    for (index, proxy) in proxies.iter().enumerate() {
        let random = random(seed, u64::MAX - index as u64);
        weather.spawn(storms(proxy.control(), random, calm.subscribe()));
    }
    let (answers_in, answers) = mpsc::channel(WAITING);
    let mut run = Run {
        seed,
        random: random(seed, 0),
        place,
        proxies: proxies.iter().map(Proxy::address).collect(),
        lanes: lane::standard(transport::ALL).into_iter().map(hurried).collect(),
        sessions: Vec::new(),
        seats: Vec::new(),
        begun: 0,
        members: BTreeMap::new(),
        leaving: Vec::new(),
        calm,
        answers_in,
        answers,
        pending: 0,
        model: Model::default(),
        views: HashSet::new(),
        fences: Default::default(),
        logs: Vec::new(),
        counts: Counts::default(),
        complaints: Vec::new(),
    };
    run.begin().await;
    for window in 0..3 {
        run.window(window).await;
    }
    run.end().await
}

impl Run {
    async fn window(&mut self, window: usize) {
        self.calm.send_replace(false);
        let agenda = plan::agenda(&mut self.random, &self.seats, window);
        let start = Instant::now();
        for (at, act) in agenda {
            sleep_until(start + at).await;
            match act {
                Act::Publish(publish) => self.publish(publish).await,
                Act::Revoke(guest) => self.revoke(guest).await,
                Act::Drain => self.place.drain().await,
                Act::Kill => self.place.kill(),
            }
        }
        self.settle().await;
        self.calm.send_replace(true);
        self.catch_up().await;
        self.look().await;
        if !self.place.has_drained() {
            self.complaints.push("the server that was told to end did not end well".to_owned());
        }
    }

    /// Waits until it is known of every publish what became of it.
    async fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.pending > 0 {
            let Ok(Some(Answer { n, outcome })) = timeout_at(deadline, self.answers.recv()).await else {
                let pending = std::mem::take(&mut self.pending);
                self.complaints.push(format!("{pending} publishes neither fail nor succeed"));
                return;
            };
            self.pending -= 1;
            match outcome {
                Outcome::Taken(places) => {
                    self.counts.taken += 1;
                    self.stands(n, places);
                }
                Outcome::Unknown => self.counts.unknown += 1,
                Outcome::Refused(why) => self.complaints.push(format!("{n} was refused: {why}")),
            }
        }
    }

    fn stands(&mut self, n: u64, places: Vec<(Option<String>, Position)>) {
        for (name, position) in places {
            let sent = &self.model.sent[&n];
            let named = name.map(|name| RoomName::new(&sent.namespace, &name).unwrap());
            let room = named.or_else(|| sent.room.clone()).unwrap();
            let wrong = self.model.acknowledged(&room, &position, n).err();
            self.complaints.extend(wrong);
        }
    }

    /// Publishes a last word in every room and waits until all have it, and all are gone who were sent away.
    async fn catch_up(&mut self) {
        for (index, (namespace, _)) in ROOMS.iter().enumerate() {
            let (room, namespace) = (Some(room(index)), (*namespace).to_owned());
            let (event, audience) = ("fence".to_owned(), Audience::Everybody);
            let sent = Sent { room, namespace, from: None, to: None, event, audience };
            let post = self.post(sent, true, true);
            let outcome = self.http(None).publish(&format!("/v1/{}/messages", self::room(index)), &post).await;
            let Outcome::Taken(places) = &outcome else { panic!("a calm server refuses a publish: {outcome:?}") };
            self.fences[index] = Some(places[0].1.clone());
            self.answers_in.send(Answer { n: post.n, outcome }).await.unwrap();
        }
        self.settle().await;
        let deadline = Instant::now() + PATIENCE;
        for member in self.members.values_mut() {
            let fence = self.fences[member.room].as_ref().unwrap();
            let has_all = |at: &Option<Position>| {
                at.as_ref().is_some_and(|at| at.epoch == fence.epoch && at.offset >= fence.offset)
            };
            let reached = timeout_at(deadline, member.progress.wait_for(has_all)).await.is_ok_and(|it| it.is_ok());
            if !reached {
                let at = member.progress.borrow().as_ref().map(ToString::to_string);
                self.complaints.push(format!("{} stands at {at:?} and not at {fence}", member.who));
            }
        }
        for member in std::mem::take(&mut self.leaving) {
            let who = member.who.clone();
            match timeout_at(deadline, member.task).await {
                Ok(ended) => self.take(ended.unwrap()),
                Err(_late) => self.complaints.push(format!("{who} is still there, and its session is not")),
            }
        }
    }

    /// Asks what the rooms hold, as everybody who may see more than others there.
    async fn look(&mut self) {
        let everywhere = (0..ROOMS.len()).map(|room| (None, room));
        let mut views: Vec<_> = self.views.drain().chain(everywhere).collect();
        // In the same order for the same seed.
        views.sort_unstable();
        views.dedup();
        for (viewer, index) in views {
            let (session, room) = (viewer.map(|index| &self.sessions[index]), room(index));
            let path = format!("/v1/{room}/short-polling?after=earliest");
            let answer =
                self.http(session.map(|session| session.cookie.clone())).request("GET", &path, None, "").await.unwrap();
            let batch = poll::Batch::decode(&answer.body).unwrap();
            let epoch = batch.position.epoch.clone();
            let start = Position { epoch: epoch.clone(), offset: batch.position.offset.saturating_sub(RING_ITEMS) };
            let mut told = vec![Told::Ready { asked: None, position: start }];
            for item in batch.items {
                let Item::Publication(publication) = Item::decode(item.get()).unwrap() else {
                    panic!("{}", item.get())
                };
                let position = Position { epoch: epoch.clone(), offset: publication.offset };
                told.push(Told::Delivery { position, json: item.get().into() });
            }
            let who = format!("a look at {room} by {}", session.map_or("nobody", |session| &session.name));
            self.logs.push(Log {
                who,
                viewer: session.map(|session| session.id),
                room,
                told,
                until: Some(batch.position),
            });
        }
    }

    fn take(&mut self, (log, tally, complaints): (Log, Tally, Vec<String>)) {
        self.counts.tally.add(tally);
        self.complaints.extend(complaints);
        self.logs.push(log);
    }

    /// Stops everybody and holds what they were told against the model.
    async fn end(mut self) -> (Counts, Vec<String>) {
        for (number, member) in std::mem::take(&mut self.members) {
            member.orders.send(Order::Stop).await.unwrap();
            let (mut log, tally, complaints) = timeout(PATIENCE, member.task).await.unwrap().unwrap();
            log.until.clone_from(&self.fences[member.room]);
            if number <= ROOMS.len() {
                self.model.epochs.insert(log.room.clone(), epochs(&log));
            }
            self.take((log, tally, complaints));
        }
        let Self { mut model, logs, mut counts, mut complaints, .. } = self;
        for log in &logs {
            for told in &log.told {
                if let Told::Delivery { position, json } = told {
                    counts.deliveries += 1;
                    let wrong = model.seen(&log.room, position, json).err();
                    complaints.extend(wrong.map(|wrong| format!("{}: {wrong}", log.who)));
                }
            }
        }
        complaints.extend(model.complaints());
        complaints.extend(logs.iter().flat_map(|log| model.check(log)));
        counts.standing = model.standing();
        (counts, complaints)
    }
}

/// The epochs that a witness went through.
fn epochs(log: &Log) -> Vec<Epoch> {
    let of = |told: &Told| match told {
        Told::Ready { position, .. } | Told::Delivery { position, .. } => position.epoch.clone(),
        Told::Gap(gap) => gap.position.epoch.clone(),
    };
    let mut epochs: Vec<_> = log.told.iter().map(of).collect();
    epochs.dedup();
    epochs
}

/// The lane, with a short interval where it has one.
fn hurried(lane: Lane) -> Lane {
    match lane.build().interval() {
        Some(_interval) => Lane::parse(&format!("{lane}+interval={INTERVAL}"), transport::ALL).unwrap(),
        None => lane,
    }
}

pub(super) fn room(index: usize) -> RoomName {
    let (namespace, name) = ROOMS[index];
    RoomName::new(namespace, name).unwrap()
}
