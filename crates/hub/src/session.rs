//! Who subscribes and publishes: named sessions with what they may take up, and callers without a name.
//!
//! Whether somebody *is* a session is decided elsewhere, where its token is checked. Here it is one entry as long as
//! somebody uses it, and a note that it was ended for as long as its token would be good.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use wire::SessionId;

use crate::limits::Limits;

/// A session may not do this now. The text says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It has as many connections as it may.
    #[error("this session has {limit} connections, the most it may have; close one first")]
    TooManyConnections {
        /// [`Limits::session_connections`].
        limit: usize,
    },
    /// It publishes faster than it may.
    #[error("this session publishes faster than {per_second} a second; try again in {retry_after:?}")]
    TooFast {
        /// [`Limits::publish_limit`].
        per_second: u32,
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// It has no name, and the server takes publications only from those who have.
    #[error("only a named session may publish here; POST /session with a name first")]
    Nameless,
    /// It has been ended.
    #[error("this session was ended; POST /session begins another one")]
    Ended,
}

/// Somebody who subscribes or publishes. Cheap to clone; clones are the same caller.
#[derive(Debug, Clone)]
pub struct Caller {
    id: SessionId,
    who: Who,
}

#[derive(Debug, Clone)]
enum Who {
    /// From this address, where it is known.
    Anonymous(Option<IpAddr>),
    Named(Arc<Named>),
}

/// One named session for as long as somebody uses it.
#[derive(Debug)]
struct Named {
    name: Box<str>,
    connections: AtomicUsize,
    /// What it may still publish at once, and as of when.
    allowance: Mutex<(f64, Instant)>,
    ended: watch::Sender<bool>,
}

impl Named {
    /// Whether it may publish all that it may at once, so that forgetting it gives it nothing.
    fn is_rested(&self, limits: &Limits, now: Instant) -> bool {
        let (left, at) = *lock(&self.allowance);
        let regained = now.saturating_duration_since(at).as_secs_f64() * f64::from(limits.publish_limit);
        limits.publish_limit == 0 || left + regained >= f64::from(limits.publish_burst)
    }
}

/// Whom a key belongs to: the same key of another scope is another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    Session(SessionId),
    Address(Option<IpAddr>),
}

impl Caller {
    /// A session of its own that ends with its connection. Its keys are known by its address, for they must outlive that.
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self { id: SessionId(rand::random()), who: Who::Anonymous(address) }
    }

    /// By which publications, hellos and lists know it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Its name; none for one without.
    pub fn name(&self) -> Option<&str> {
        self.named().map(|named| &*named.name)
    }

    fn named(&self) -> Option<&Arc<Named>> {
        match &self.who {
            Who::Anonymous(_) => None,
            Who::Named(named) => Some(named),
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        match self.who {
            Who::Anonymous(address) => Scope::Address(address),
            Who::Named(_) => Scope::Session(self.id),
        }
    }

    /// Takes one of the connections that a named session may have, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooManyConnections`].
    pub fn connect(&self, limits: &Limits) -> Result<Connected, SessionError> {
        let Some(named) = self.named() else { return Ok(Connected(None)) };
        let limit = limits.session_connections;
        let taken = named.connections.fetch_add(1, Ordering::Relaxed);
        let connected = Connected(Some(Arc::clone(named)));
        if limit > 0 && taken >= limit { Err(SessionError::TooManyConnections { limit }) } else { Ok(connected) }
    }

    /// Takes one publication off what the caller may make now.
    pub(crate) fn may_publish(&self, limits: &Limits) -> Result<(), SessionError> {
        let Some(named) = self.named() else {
            return if limits.require_session { Err(SessionError::Nameless) } else { Ok(()) };
        };
        let (per_second, burst) = (f64::from(limits.publish_limit), f64::from(limits.publish_burst));
        if *named.ended.borrow() {
            return Err(SessionError::Ended);
        }
        if per_second == 0.0 {
            return Ok(());
        }
        let mut allowance = lock(&named.allowance);
        let now = Instant::now();
        let left = (allowance.0 + (now - allowance.1).as_secs_f64() * per_second).min(burst);
        *allowance = (left, now);
        if left < 1.0 {
            let retry_after = Duration::from_secs_f64((1.0 - left) / per_second);
            return Err(SessionError::TooFast { per_second: limits.publish_limit, retry_after });
        }
        allowance.0 = left - 1.0;
        Ok(())
    }

    /// Resolves when the session is ended; none for a caller without a name, whose session is its connection. Cancel safe.
    pub fn ended(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let mut ended = self.named()?.ended.subscribe();
        Some(Box::pin(async move {
            // The sender lives as long as the caller, and who waits here has one.
            let _gone = ended.wait_for(|ended| *ended).await;
        }))
    }

    /// Whether its session has been ended.
    pub fn is_ended(&self) -> bool {
        self.named().is_some_and(|named| *named.ended.borrow())
    }
}

/// One connection of a session, counted until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Connected(Option<Arc<Named>>);

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(named) = &self.0 {
            named.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// All named sessions that somebody uses, and those that were ended.
pub struct Sessions {
    known: Mutex<Known>,
    limits: Limits,
}

struct Known {
    named: HashMap<SessionId, Arc<Named>>,
    /// Ended, and until when their tokens would be good.
    ended: HashMap<SessionId, Instant>,
    /// The same, first the ones whose tokens run out first.
    by_end: BTreeSet<(Instant, SessionId)>,
    /// Tokens that run out by then are taken for those of ended sessions: some of them were, and are not remembered.
    forgotten: Instant,
}

impl Sessions {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (named, ended, by_end) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        let known = Mutex::new(Known { named, ended, by_end, forgotten: Instant::now() });
        Self { known, limits: limits.clone() }
    }

    /// A session whose token is good for so long, and whose name [`wire::session::check_name`] has passed. Of one that was ended,
    /// a caller that [has ended](Caller::is_ended) too: it publishes nothing, and whatever it subscribes to is closed.
    pub fn resume(&self, id: SessionId, name: &str, rest: Duration) -> Caller {
        let mut known = lock(&self.known);
        if known.ended.contains_key(&id) || Instant::now() + rest <= known.forgotten {
            let ended = self.named(name);
            ended.ended.send_replace(true);
            return Caller { id, who: Who::Named(Arc::new(ended)) };
        }
        let named = known.named.entry(id).or_insert_with(|| Arc::new(self.named(name)));
        Caller { id, who: Who::Named(Arc::clone(named)) }
    }

    /// Ends a session: all who use it hear of it, and nobody resumes it. That is remembered for `rest`, for as long as its
    /// token is good. When more than [`Limits::ended_sessions`] are to be remembered, the one whose token runs out first is
    /// not, and all whose tokens run out no later are taken for ended with it.
    pub fn end(&self, id: SessionId, rest: Duration) {
        let mut known = lock(&self.known);
        let until = Instant::now() + rest;
        if let Some(earlier) = known.ended.insert(id, until) {
            known.by_end.remove(&(earlier, id));
        }
        known.by_end.insert((until, id));
        if known.ended.len() > self.limits.ended_sessions
            && let Some((until, first)) = known.by_end.pop_first()
        {
            known.ended.remove(&first);
            known.forgotten = known.forgotten.max(until);
        }
        if let Some(named) = known.named.remove(&id) {
            named.ended.send_replace(true);
        }
    }

    /// Forgets sessions that nobody uses and that have made up for what they published, and ends whose tokens have run out.
    pub(crate) fn sweep(&self, now: Instant) {
        let mut known = lock(&self.known);
        known.named.retain(|_, named| Arc::strong_count(named) > 1 || !named.is_rested(&self.limits, now));
        while let Some((until, id)) = known.by_end.first().copied().filter(|(until, _)| *until <= now) {
            known.by_end.remove(&(until, id));
            known.ended.remove(&id);
        }
    }

    fn named(&self, name: &str) -> Named {
        Named {
            name: name.into(),
            connections: AtomicUsize::new(0),
            allowance: Mutex::new((f64::from(self.limits.publish_burst), Instant::now())),
            ended: watch::Sender::new(false),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Locks. After a panic elsewhere it goes on: every change behind these locks is whole before anything can fail.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
