//! Who of the named sessions is in a room, and by which transport.
//!
//! A stream is there until its [`Attendance`](crate::Attendance) is dropped. One that asks again and again is there while a
//! request of it is open, and until it has been away for [`GRACE`] times as long as between the two requests before. The first to
//! come and the last to go are announced by the room.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::time::Instant;
use wire::SessionId;

use crate::session::Caller;

/// How many of its own intervals an asker may be away before it is gone: one late answer and one lost connection.
pub const GRACE: f64 = 2.5;

/// The interval of an asker that has asked once: 10 s, longer than most people choose.
const FIRST_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest interval that is believed: two requests at once are no rhythm.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The longest: who comes more seldom comes and goes.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// How fast an interval may shrink from one request to the next. Two pages of one person ask soon after one another and then
/// not for long: the long pause is the rhythm.
const SHRINK: f64 = 0.5;

/// A named session in a room, by one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Its session.
    pub session: SessionId,
    /// The id of the transport.
    pub transport: &'static str,
    /// Since when, microseconds since 1970.
    pub since_us: u64,
}

/// How somebody attends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By a stream: gone when it ends.
    Stream,
    /// By requests: gone when the next one does not come.
    Requests,
}

/// All named sessions of a room. No lock, no clock, no publishing: the room has them.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    members: BTreeMap<SessionId, Member>,
}

#[derive(Debug)]
struct Member {
    caller: Caller,
    /// Announced, and not yet as gone.
    here: bool,
    seats: BTreeMap<&'static str, Seat>,
}

#[derive(Debug)]
struct Seat {
    since_us: u64,
    /// Streams and requests that are open now.
    open: usize,
    /// Of an asker alone.
    asker: Option<Asker>,
}

#[derive(Debug, Clone, Copy)]
struct Asker {
    /// Since when no request is open.
    away: Instant,
    /// How long it is away between two requests.
    interval: Duration,
}

impl Asker {
    /// Until when it is waited for.
    fn until(self) -> Instant {
        self.away + self.interval.mul_f64(GRACE)
    }

    /// Whether it is so long gone that its rhythm says nothing any more.
    fn is_forgotten(self, now: Instant) -> bool {
        self.away + LONGEST_INTERVAL.mul_f64(GRACE) <= now
    }
}

impl Seat {
    fn is_taken(&self, now: Instant) -> bool {
        self.open > 0 || self.asker.is_some_and(|asker| asker.until() > now)
    }

    fn is_remembered(&self, now: Instant) -> bool {
        self.open > 0 || self.asker.is_some_and(|asker| !asker.is_forgotten(now))
    }
}

impl Presence {
    /// Whether a session is announced.
    pub(crate) fn has(&self, session: SessionId) -> bool {
        self.members.get(&session).is_some_and(|member| member.here)
    }

    /// Takes a seat; the session is here then.
    pub(crate) fn enter(
        &mut self,
        caller: &Caller,
        transport: &'static str,
        manner: Manner,
        (now, now_us): (Instant, u64),
    ) {
        let new = || Member { caller: caller.clone(), here: false, seats: BTreeMap::new() };
        let member = self.members.entry(caller.id()).or_insert_with(new);
        member.here = true;
        let seat = member.seats.entry(transport).or_insert(Seat { since_us: now_us, open: 0, asker: None });
        if !seat.is_taken(now) {
            seat.since_us = now_us;
        }
        match (&mut seat.asker, manner) {
            (None, Manner::Requests) => seat.asker = Some(Asker { away: now, interval: FIRST_INTERVAL }),
            // Of two requests at a time the second says nothing of a rhythm.
            (Some(asker), Manner::Requests) if seat.open == 0 => {
                let gap = now.saturating_duration_since(asker.away);
                asker.interval = gap.max(asker.interval.mul_f64(SHRINK)).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
            }
            _ => {}
        }
        seat.open += 1;
    }

    /// Gives a seat back; the session when that was its last.
    pub(crate) fn leave(&mut self, session: SessionId, transport: &'static str, now: Instant) -> Option<Caller> {
        if let Some(seat) = self.members.get_mut(&session).and_then(|member| member.seats.get_mut(transport)) {
            seat.open = seat.open.saturating_sub(1);
            if let Some(asker) = &mut seat.asker {
                asker.away = now;
            }
        }
        self.tidy(session, now)
    }

    /// The sessions whose last seat has lapsed, or that were ended while they were away.
    pub(crate) fn lapse(&mut self, now: Instant) -> Vec<Caller> {
        let sessions: Vec<SessionId> = self.members.keys().copied().collect();
        sessions.into_iter().filter_map(|session| self.tidy(session, now)).collect()
    }

    /// Whether somebody is known who asks.
    pub(crate) fn has_askers(&self) -> bool {
        self.seats().any(|seat| seat.asker.is_some())
    }

    /// Streams and requests of named sessions that are open now.
    pub(crate) fn open(&self) -> usize {
        self.seats().map(|seat| seat.open).sum()
    }

    /// Everybody, by session and transport.
    pub(crate) fn list(&self, now: Instant) -> Vec<Present> {
        let rows = self.members.iter().flat_map(|(session, member)| {
            let taken = member.seats.iter().filter(|(_, seat)| seat.is_taken(now));
            taken.map(|(transport, seat)| Present {
                name: member.caller.name().unwrap_or_default().to_owned(),
                session: *session,
                transport,
                since_us: seat.since_us,
            })
        });
        rows.collect()
    }

    fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.members.values().flat_map(|member| member.seats.values())
    }

    /// Forgets seats that nobody comes back to; the session when it has just gone.
    fn tidy(&mut self, session: SessionId, now: Instant) -> Option<Caller> {
        let member = self.members.get_mut(&session)?;
        let is_ended = member.caller.is_ended();
        member.seats.retain(|_, seat| if is_ended { seat.open > 0 } else { seat.is_remembered(now) });
        let was_here = member.here;
        member.here = member.seats.values().any(|seat| seat.is_taken(now));
        let gone = (was_here && !member.here).then(|| member.caller.clone());
        if member.seats.is_empty() {
            self.members.remove(&session);
        }
        gone
    }
}
