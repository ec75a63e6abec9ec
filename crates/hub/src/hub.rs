//! All rooms: how they appear, how publications get into them, how idle ones go, and how the hub ends.

use std::{
    collections::{BTreeMap, HashMap},
    future::{Future, pending},
    mem,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use wire::{
    After, Close, Draft, NameError, Position, Publication, RoomName,
    name::check_event,
    publication::{DataError, compact},
};

use crate::{limits::Limits, room::Room, subscription::Subscription};

/// Why there is no such room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The room does not exist yet, and no more may.
    #[error(
        "there are {limit} rooms already, the most this server allows: use one that exists, try again when an idle \
         one is gone, or raise the limit of rooms"
    )]
    TooManyRooms {
        /// [`Limits::rooms`].
        limit: usize,
    },
}

/// Why a draft is not published. Nothing was: no offset is used up and no room appeared.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Its event name.
    #[error(transparent)]
    Event(#[from] NameError),
    /// Its `data`.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Its room.
    #[error(transparent)]
    Room(#[from] HubError),
}

/// One room, as a list of rooms shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its namespace and name.
    pub room: RoomName,
    /// Subscriptions and waiting readers at this moment.
    pub subscribers: usize,
    /// How many publications its history has had, trimmed ones included.
    pub publications: u64,
    /// The position of the newest.
    pub position: Position,
}

/// What metrics show of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Rooms that exist.
    pub rooms: usize,
    /// Subscriptions and waiting readers in all of them.
    pub subscribers: usize,
    /// Publications taken since the hub began, those of rooms that are gone included; never falls.
    pub publications: u64,
}

/// All rooms of a server. A handle: clones share everything.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    rooms: RwLock<HashMap<RoomName, Entry>>,
    publications: AtomicU64,
    /// The close and when it was announced.
    closing: watch::Sender<Option<(Close, Instant)>>,
}

#[derive(Debug)]
struct Entry {
    room: Arc<Room>,
    /// Looked up since the last sweep.
    used: AtomicBool,
    /// The last sweep that found it in use.
    idle_since: Instant,
}

impl Hub {
    /// A hub without rooms.
    pub fn new(limits: Limits) -> Self {
        let shared = Shared {
            limits,
            rooms: RwLock::default(),
            publications: AtomicU64::new(0),
            closing: watch::Sender::new(None),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The room of this name, which appears on its first use. Holding the `Arc` keeps it.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManyRooms`] when it would be a new one too many.
    pub fn room(&self, name: &RoomName) -> Result<Arc<Room>, HubError> {
        if let Some(entry) = self.rooms().get(name) {
            return Ok(entry.look_up());
        }
        let mut rooms = self.rooms_mut();
        // Somebody else may have made it between the two locks.
        if let Some(entry) = rooms.get(name) {
            return Ok(entry.look_up());
        }
        let limit = self.limits().rooms;
        if rooms.len() >= limit {
            return Err(HubError::TooManyRooms { limit });
        }
        let room = Arc::new(Room::new(name.clone(), self.limits()));
        let (used, idle_since) = (AtomicBool::new(true), Instant::now());
        rooms.insert(name.clone(), Entry { room: Arc::clone(&room), used, idle_since });
        Ok(room)
    }

    /// Checks a draft, gives it a place in the room and wakes all who wait there.
    ///
    /// `from` is the publisher's name, `at_us` the time in microseconds since 1970. When this returns, every read of
    /// the room finds the publication. It goes on working after [`close`](Self::close), until the process ends: a
    /// publisher that is still there may finish.
    ///
    /// # Errors
    ///
    /// [`PublishError`] for a reserved or malformed event, a `data` that is too large or too deep, one room too many.
    pub fn publish(
        &self,
        room: &RoomName,
        draft: &Draft<'_>,
        from: Option<&str>,
        at_us: u64,
    ) -> Result<Position, PublishError> {
        self.checked(draft, from, at_us, |publication| Ok(self.put(&*self.room(room)?, publication)))
    }

    /// Publishes the same draft into every room of the namespace that has subscribers, and gives its position in each,
    /// by the room's name. No room appears; without such rooms nothing is published, and a draft that is refused is
    /// refused all the same.
    ///
    /// Whoever holds a [`Subscription`] is a subscriber, and so is a reader of [`Room::read_from`] while it waits. Who
    /// only looks in now and then is none: it finds nothing later either, for the publication is not in its room at all.
    ///
    /// The rooms get it one after the other: publications that are made meanwhile may come before it in one room and
    /// after it in another. The rest is as in [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError`] for a reserved or malformed event, a `data` that is too large or too deep. Then no room got it.
    pub fn publish_all(
        &self,
        namespace: &str,
        draft: &Draft<'_>,
        from: Option<&str>,
        at_us: u64,
    ) -> Result<BTreeMap<String, Position>, PublishError> {
        self.checked(draft, from, at_us, |publication| {
            let rooms = self.subscribed(namespace);
            let put = |room: Arc<Room>| (room.name().room().to_owned(), self.put(&room, publication.clone()));
            Ok(rooms.into_iter().map(put).collect())
        })
    }

    /// A subscription to a room, which appears on its first use.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManyRooms`] when it would be a new one too many.
    pub fn subscribe(&self, room: &RoomName, after: After) -> Result<Subscription, HubError> {
        Ok(Subscription::new(self.room(room)?, after))
    }

    /// The rooms of a namespace, by name.
    pub fn namespace(&self, namespace: &str) -> Vec<RoomInfo> {
        let mut found: Vec<_> = self
            .rooms()
            .iter()
            .filter(|(name, _)| name.namespace() == namespace)
            .map(|(name, entry)| {
                let position = entry.room.position();
                let subscribers = entry.room.subscribers();
                RoomInfo { room: name.clone(), subscribers, publications: position.offset, position }
            })
            .collect();
        found.sort_unstable_by(|left, right| left.room.cmp(&right.room));
        found
    }

    /// What metrics show. Visits every room.
    pub fn counts(&self) -> Counts {
        let rooms = self.rooms();
        Counts {
            rooms: rooms.len(),
            subscribers: rooms.values().map(|entry| entry.room.subscribers()).sum(),
            publications: self.shared.publications.load(Ordering::Relaxed),
        }
    }

    /// Drops the rooms that nobody has held, read or published to for [`Limits::idle_room`]; says how many.
    ///
    /// To be called now and then, best every tenth of that time: a use counts from the first sweep that sees it, so a
    /// room never goes early, and late by two intervals at most. A room that is used again starts a new epoch.
    ///
    /// A publisher or reader on its way cannot lose its room: it holds the `Arc`, and a room goes only when the hub's
    /// own is the last, which nobody can clone meanwhile.
    pub fn sweep(&self, now: Instant) -> usize {
        let idle_room = self.limits().idle_room;
        let dropped: Vec<_> = self.rooms_mut().extract_if(|_, entry| entry.has_been_idle(now, idle_room)).collect();
        // Freed here, when the lock is open again.
        dropped.len()
    }

    /// Announces the end. The first announcement counts, later ones are not heard.
    pub fn close(&self, close: Close) {
        self.shared.closing.send_if_modified(|announced| {
            let is_first = announced.is_none();
            announced.get_or_insert_with(|| (close, Instant::now()));
            is_first
        });
    }

    /// What was announced, as soon as it was.
    pub fn is_closing(&self) -> Option<Close> {
        self.shared.closing.borrow().as_ref().map(|(close, _)| close.clone())
    }

    /// Resolves when a subscriber's own end has come: after [`close`](Self::close) and a random share of
    /// [`Limits::drain_spread`], so that not all ends fall on one moment.
    ///
    /// The share is drawn here, once: make one for a subscriber, pin it and wait for it again and again. Without a
    /// close it never resolves.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe; a new one draws a new share of the same time, counted from the announcement.
    pub fn closing(&self) -> impl Future<Output = Close> + Send + use<> {
        let mut closing = self.shared.closing.subscribe();
        let share = self.limits().drain_spread.mul_f64(rand::random());
        async move {
            let announced = closing.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
            let Some((close, since)) = announced else {
                // The hub is gone, and nobody can close it any more.
                return pending().await;
            };
            sleep_until(since + share).await;
            close
        }
    }

    /// Checks a draft and compacts it, once for all the rooms that `put` puts it into; they set the offset.
    fn checked<P>(
        &self,
        draft: &Draft<'_>,
        from: Option<&str>,
        at_us: u64,
        put: impl FnOnce(Publication<'_>) -> Result<P, PublishError>,
    ) -> Result<P, PublishError> {
        check_event(&draft.event)?;
        let data = compact(draft.data.get(), self.limits().data_bytes)?;
        let event = draft.event.as_ref().into();
        put(Publication { offset: 0, event, from: from.map(Into::into), at_us, data: &data })
    }

    fn put(&self, room: &Room, publication: Publication<'_>) -> Position {
        let position = room.publish(publication);
        self.shared.publications.fetch_add(1, Ordering::Relaxed);
        position
    }

    /// The rooms of a namespace that have subscribers at this moment, held so that no sweep drops one.
    fn subscribed(&self, namespace: &str) -> Vec<Arc<Room>> {
        let rooms = self.rooms();
        let of_namespace = rooms.iter().filter(|(name, _)| name.namespace() == namespace);
        of_namespace.filter(|(_, entry)| entry.room.subscribers() > 0).map(|(_, entry)| entry.look_up()).collect()
    }

    fn rooms(&self) -> RwLockReadGuard<'_, HashMap<RoomName, Entry>> {
        self.shared.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms_mut(&self) -> RwLockWriteGuard<'_, HashMap<RoomName, Entry>> {
        self.shared.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn look_up(&self) -> Arc<Room> {
        // Read first: the line stays shared between cores that look up the same room.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Arc::clone(&self.room)
    }

    fn has_been_idle(&mut self, now: Instant, time: Duration) -> bool {
        let was_used = mem::take(self.used.get_mut());
        if was_used || Arc::strong_count(&self.room) > 1 {
            self.idle_since = now;
            return false;
        }
        now.saturating_duration_since(self.idle_since) >= time
    }
}
