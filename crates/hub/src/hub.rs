//! All rooms: how they appear, how publications get into them, how idle ones go, and how the hub ends.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::{Future, pending},
    mem,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use wire::{
    After, Close, Draft, NameError, Position, Publication, RoomName,
    control::codes,
    name::{check_event, check_key},
    publication::{DataError, compact},
};

use crate::{
    limits::Limits,
    ring::Audience,
    room::{Common, Letter, Room},
    session::{Caller, Scope, SessionError, Sessions},
    subscription::Subscription,
};

/// Why there is no such room, or no way into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Whoever asks may not, or not now.
    #[error(transparent)]
    Session(#[from] SessionError),
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
    /// Its event name or its key.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its publisher may not, or not now.
    #[error(transparent)]
    Session(#[from] SessionError),
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
    sessions: Sessions,
    common: Arc<Common>,
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
            sessions: Sessions::new(&limits),
            limits,
            rooms: RwLock::default(),
            common: Arc::default(),
            closing: watch::Sender::new(None),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The named sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.shared.sessions
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
        let room = Arc::new(Room::new(name.clone(), self.limits(), Arc::clone(&self.shared.common)));
        let (used, idle_since) = (AtomicBool::new(true), Instant::now());
        rooms.insert(name.clone(), Entry { room: Arc::clone(&room), used, idle_since });
        Ok(room)
    }

    /// Checks a draft, gives it a place in the room and wakes all who wait there.
    ///
    /// `at_us` is the time in microseconds since 1970. When this returns, every read of the room by those for whom it is
    /// finds the publication. A draft whose key the room knows from this caller is published already: it gets the position
    /// that it had then, and takes nothing off the caller's limit. It goes on working after [`close`](Self::close), until the process ends: a
    /// publisher that is still there may finish.
    ///
    /// # Errors
    ///
    /// [`PublishError`] for a reserved or malformed event or key, a `data` that is too large or too deep, a caller that may
    /// not publish or not so fast, one room too many.
    pub fn publish(
        &self,
        room: &RoomName,
        draft: &Draft<'_>,
        caller: &Caller,
        at_us: u64,
    ) -> Result<Position, PublishError> {
        self.checked(draft, caller, at_us, |letter| {
            let known = || letter.key.and_then(|key| self.published(room, key));
            if let Some(position) = known() {
                return Ok(position);
            }
            match caller.may_publish(self.limits()) {
                Ok(()) => Ok(self.room(room)?.publish(letter, self.limits())),
                // The same key at the same moment may have taken what was left.
                Err(error) => known().ok_or_else(|| error.into()),
            }
        })
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
        caller: &Caller,
        at_us: u64,
    ) -> Result<BTreeMap<String, Position>, PublishError> {
        self.checked(draft, caller, at_us, |letter| {
            let rooms = self.subscribed(namespace);
            let is_known =
                |room: &Arc<Room>| letter.key.is_some_and(|key| room.published(key, self.limits()).is_some());
            if rooms.is_empty() || !rooms.iter().all(is_known) {
                caller.may_publish(self.limits())?;
            }
            let put = |room: Arc<Room>| (room.name().room().to_owned(), room.publish(letter.clone(), self.limits()));
            Ok(rooms.into_iter().map(put).collect())
        })
    }

    /// A subscription of `caller` to a room, which appears on its first use, over the transport of this id. A named session
    /// that is new in the room is announced there.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManyRooms`] when it would be a new one too many; [`HubError::Session`] as [`Room::attend`].
    pub fn subscribe(
        &self,
        room: &RoomName,
        after: After,
        caller: &Caller,
        transport: &'static str,
    ) -> Result<Subscription, HubError> {
        Ok(Subscription::new(self.room(room)?, after, caller, transport, self.limits())?)
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
            publications: self.shared.common.publications.load(Ordering::Relaxed),
        }
    }

    /// Drops the rooms that nobody has held, read or published to for [`Limits::idle_room`], and that know no key and nobody who
    /// asks; says how many. Keys and sessions whose time is over go too.
    ///
    /// To be called now and then, best every tenth of that time or more often: a use counts from the first sweep that sees it, so a
    /// room never goes early, and late by two intervals at most. A room that is used again starts a new epoch.
    ///
    /// A publisher or reader on its way cannot lose its room: it holds the `Arc`, and a room goes only when the hub's
    /// own is the last, which nobody can clone meanwhile.
    pub fn sweep(&self, now: Instant) -> usize {
        let (idle_room, limits) = (self.limits().idle_room, self.limits());
        self.sessions().sweep(now);
        // Looked at outside of the lock of all rooms.
        let rooms: Vec<_> = self.rooms().values().map(|entry| Arc::clone(&entry.room)).collect();
        let busy = rooms.into_iter().filter(|room| !room.sweep(limits, now)).map(|room| room.name().clone());
        let busy: HashSet<RoomName> = busy.collect();
        let is_idle = |name: &RoomName, entry: &mut Entry| entry.has_been_idle(now, idle_room) && !busy.contains(name);
        let dropped: Vec<_> = self.rooms_mut().extract_if(|name, entry| is_idle(name, entry)).collect();
        // Freed here, when the lock is open again.
        dropped.len()
    }

    /// Announces the named sessions that ask for what is new and have not asked again in time. To be called some times a
    /// second: so late an announcement is.
    pub fn lapse(&self, now: Instant) {
        // Published outside of the lock of all rooms.
        let rooms: Vec<_> =
            self.rooms().values().map(|entry| &entry.room).filter(|room| room.has_askers()).cloned().collect();
        for room in rooms {
            room.lapse(now);
        }
    }

    /// Announces the end. The first announcement counts, later ones are not heard.
    pub fn close(&self, close: Close) {
        self.shared.common.is_closing.store(true, Ordering::Relaxed);
        self.shared.closing.send_if_modified(|announced| {
            let is_first = announced.is_none();
            announced.get_or_insert_with(|| (close, Instant::now()));
            is_first
        });
    }

    /// What a caller that comes now is told in place of a feed: that its session was ended, or what was announced.
    pub fn is_closing(&self, caller: &Caller) -> Option<Close> {
        if caller.is_ended() {
            return Some(session_ended());
        }
        self.shared.closing.borrow().as_ref().map(|(close, _)| close.clone())
    }

    /// Resolves when the end of one of `caller`'s subscribers has come: when its session is ended, at once; after
    /// [`close`](Self::close), when a random share of [`Limits::drain_spread`] has passed, so that not all ends fall on one
    /// moment.
    ///
    /// The share is drawn here, once: make one for a subscriber, pin it and wait for it again and again. Without a
    /// close it never resolves.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe; a new one draws a new share of the same time, counted from the announcement.
    pub fn closing(&self, caller: &Caller) -> impl Future<Output = Close> + Send + use<> {
        let mut closing = self.shared.closing.subscribe();
        let ended = caller.ended();
        let share = self.limits().drain_spread.mul_f64(rand::random());
        async move {
            let ended = async { if let Some(ended) = ended { ended.await } else { pending().await } };
            let announced = tokio::select! {
                biased;
                () = ended => return session_ended(),
                announced = closing.wait_for(Option::is_some) => announced.ok().and_then(|it| it.clone()),
            };
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
        caller: &Caller,
        at_us: u64,
        put: impl FnOnce(Letter<'_>) -> Result<P, PublishError>,
    ) -> Result<P, PublishError> {
        check_event(&draft.event)?;
        draft.key.as_deref().map_or(Ok(()), check_key)?;
        let data = compact(draft.data.get(), self.limits().data_bytes)?;
        let (event, from, to) = (draft.event.as_ref().into(), caller.name().map(Into::into), draft.to);
        let audience = match (to, draft.echo) {
            (None, true) => Audience::Everybody,
            (None, false) => Audience::AllBut(caller.id()),
            (Some(to), true) => Audience::Between(to, caller.id()),
            // Whom it is sent to gets it, even when that is the sender.
            (Some(to), false) => Audience::Between(to, to),
        };
        let publication = Publication { offset: 0, event, from, to, at_us, data: &data };
        put(Letter { publication, audience, key: draft.key.as_deref().map(|key| (caller.scope(), key)) })
    }

    /// Where a publish of this key stands, when it was made already. No room appears.
    fn published(&self, room: &RoomName, key: (Scope, &str)) -> Option<Position> {
        let room = self.rooms().get(room).map(Entry::look_up)?;
        room.published(key, self.limits())
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

/// What the connections of a session that was ended are told.
fn session_ended() -> Close {
    Close {
        code: codes::SESSION_ENDED,
        reason: "the session was ended; begin another one to come back".to_owned(),
        reconnect: false,
        retry_after_ms: 0,
    }
}
