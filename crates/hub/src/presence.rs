//! Who of the named sessions is in a room, and by which transport.
//!
//! A stream is there until its [`Attendance`](crate::Attendance) is dropped. One that asks again and again is there while a
//! request of it is open, and until it has been away for [`GRACE`] times as long as between the two requests before. The first to
//! come and the last to go are announced by the room.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;
use wire::SessionId;

/// How many of its own intervals an asker may be away before it is gone: one late answer and one lost connection.
pub const GRACE: f64 = 2.5;

/// The interval of an asker that has asked once: 10 s, longer than most people choose.
const FIRST_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest interval that is believed: two requests at once are no rhythm.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// A named session in a room, by one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    present: BTreeMap<SessionId, Member>,
}

#[derive(Debug)]
struct Member {
    name: Box<str>,
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
    /// How long it was away between two requests.
    interval: Duration,
}

impl Seat {
    fn is_taken(&self, now: Instant) -> bool {
        self.open > 0 || self.asker.is_some_and(|asker| asker.away + asker.interval.mul_f64(GRACE) > now)
    }
}

impl Presence {
    /// Takes a seat; whether the session was not there before.
    pub(crate) fn enter(
        &mut self,
        (session, name): (SessionId, &str),
        transport: &'static str,
        manner: Manner,
        (now, now_us): (Instant, u64),
    ) -> bool {
        let is_new = !self.present.contains_key(&session);
        let member =
            self.present.entry(session).or_insert_with(|| Member { name: name.into(), seats: BTreeMap::new() });
        let seat = member.seats.entry(transport).or_insert(Seat { since_us: now_us, open: 0, asker: None });
        match (&mut seat.asker, manner) {
            (None, Manner::Requests) => seat.asker = Some(Asker { away: now, interval: FIRST_INTERVAL }),
            // Of two requests at a time the second says nothing of a rhythm.
            (Some(asker), Manner::Requests) if seat.open == 0 => {
                asker.interval = now.saturating_duration_since(asker.away).max(SHORTEST_INTERVAL);
            }
            _ => {}
        }
        seat.open += 1;
        is_new
    }

    /// Gives a seat back; the name of the session when that was its last.
    pub(crate) fn leave(&mut self, session: SessionId, transport: &'static str, now: Instant) -> Option<Box<str>> {
        if let Some(seat) = self.present.get_mut(&session).and_then(|member| member.seats.get_mut(transport)) {
            seat.open = seat.open.saturating_sub(1);
            if let Some(asker) = &mut seat.asker {
                asker.away = now;
            }
        }
        self.tidy(session, now)
    }

    /// The sessions whose last seat has lapsed.
    pub(crate) fn lapse(&mut self, now: Instant) -> Vec<(SessionId, Box<str>)> {
        let sessions: Vec<SessionId> = self.present.keys().copied().collect();
        sessions.into_iter().filter_map(|session| Some((session, self.tidy(session, now)?))).collect()
    }

    /// Whether somebody is there who may lapse.
    pub(crate) fn has_askers(&self) -> bool {
        self.present.values().flat_map(|member| member.seats.values()).any(|seat| seat.asker.is_some())
    }

    /// Streams and requests of named sessions that are open now.
    pub(crate) fn open(&self) -> usize {
        self.present.values().flat_map(|member| member.seats.values()).map(|seat| seat.open).sum()
    }

    /// Everybody, by session and transport.
    pub(crate) fn list(&self, now: Instant) -> Vec<Present> {
        let rows = self.present.iter().flat_map(|(session, member)| {
            let taken = member.seats.iter().filter(|(_, seat)| seat.is_taken(now));
            taken.map(|(transport, seat)| Present {
                name: member.name.to_string(),
                session: *session,
                transport,
                since_us: seat.since_us,
            })
        });
        rows.collect()
    }

    fn tidy(&mut self, session: SessionId, now: Instant) -> Option<Box<str>> {
        let member = self.present.get_mut(&session)?;
        member.seats.retain(|_, seat| seat.is_taken(now));
        if member.seats.is_empty() { self.present.remove(&session).map(|member| member.name) } else { None }
    }
}
