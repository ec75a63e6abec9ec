//! The plain model of rooms: what was sent, where it stands, and whether a subscriber was told what it had to be. Pure.
//!
//! Nothing here knows when what happened. A publication that anybody was told, or that was acknowledged, stands at its
//! offset; whoever it is for and who was told something behind it must have been told it or a gap around it.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use wire::{
    Epoch, Gap, GapReason, Position, Publication, RoomName, SessionId,
    name::{JOIN, LEAVE},
};

/// Who subscribes: a named session, or somebody without a name.
pub(super) type Viewer = Option<SessionId>;

/// Whom a publication is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    AllBut(SessionId),
    Only([SessionId; 2]),
}

impl Audience {
    fn has(self, viewer: Viewer) -> bool {
        match (self, viewer) {
            (Self::Everybody, _) | (Self::AllBut(_), None) => true,
            (Self::AllBut(other), Some(session)) => session != other,
            (Self::Only(sessions), Some(session)) => sessions.contains(&session),
            (Self::Only(_), None) => false,
        }
    }
}

/// A publication as its publisher meant it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Where it goes; none for every room of [`namespace`](Self::namespace) that has subscribers.
    pub(super) room: Option<RoomName>,
    pub(super) namespace: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<SessionId>,
    pub(super) event: String,
    pub(super) audience: Audience,
}

/// What a subscriber was told, in order.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// A connection that starts here, and the position that it asked for, if it did.
    Ready {
        asked: Option<Position>,
        position: Position,
    },
    /// A publication, in the epoch in which the subscriber was.
    Delivery {
        position: Position,
        json: Box<str>,
    },
    Gap(Gap),
}

/// All that one subscriber was told.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) who: String,
    pub(super) viewer: Viewer,
    pub(super) room: RoomName,
    pub(super) told: Vec<Told>,
    /// Up to where it must have been told everything, where that is known to be in its last epoch.
    pub(super) until: Option<Position>,
}

/// What stands at an offset.
#[derive(Debug)]
struct Stands {
    /// None for one that was acknowledged and not seen yet.
    json: Option<Box<str>>,
    what: What,
    audience: Audience,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Said(u64),
    Came(SessionId),
    Went(SessionId),
}

/// The rooms as far as anybody knows them.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) sent: HashMap<u64, Sent>,
    histories: HashMap<(RoomName, Epoch), BTreeMap<u64, Stands>>,
    /// The epochs of each room, oldest first.
    pub(super) epochs: HashMap<RoomName, Vec<Epoch>>,
}

/// The `data` of what is sent.
#[derive(Deserialize)]
struct Numbered {
    n: u64,
}

/// The `data` of what a room announces.
#[derive(Deserialize)]
struct Announced {
    session: SessionId,
}

impl Model {
    /// The number of publications that stand anywhere, announcements included.
    pub(super) fn standing(&self) -> usize {
        self.histories.values().map(BTreeMap::len).sum()
    }

    /// A publish was answered with this position.
    pub(super) fn acknowledged(&mut self, room: &RoomName, position: &Position, n: u64) -> Result<(), String> {
        let audience = self.sent.get(&n).ok_or_else(|| format!("nobody sent {n}"))?.audience;
        let history = self.histories.entry((room.clone(), position.epoch.clone())).or_default();
        let stands = history.entry(position.offset).or_insert(Stands { json: None, what: What::Said(n), audience });
        if stands.what == What::Said(n) {
            Ok(())
        } else {
            Err(format!("{n} was acknowledged at {room} {position}, where {:?} stands", stands.what))
        }
    }

    /// Somebody was told this publication.
    pub(super) fn seen(&mut self, room: &RoomName, position: &Position, json: &str) -> Result<(), String> {
        let at = (room.clone(), position.epoch.clone());
        let known = self.histories.get(&at).and_then(|history| history.get(&position.offset));
        if let Some(known) = known.and_then(|stands| stands.json.as_deref()) {
            let same = known == json;
            return same.then_some(()).ok_or_else(|| format!("{room} {position} came as {json} and as {known}"));
        }
        let (what, audience) =
            self.read(room, position, json).map_err(|wrong| format!("{room} {position} {json}: {wrong}"))?;
        let stands = Stands { json: Some(json.into()), what, audience };
        match self.histories.entry(at).or_default().insert(position.offset, stands) {
            Some(before) if before.what != what => {
                Err(format!("{:?} was acknowledged at {room} {position}, where {json} stands", before.what))
            }
            _ => Ok(()),
        }
    }

    /// What a publication is, once it is known to be as it was sent.
    fn read(&self, room: &RoomName, position: &Position, json: &str) -> Result<(What, Audience), String> {
        let publication = Publication::decode(json).map_err(|error| error.to_string())?;
        let told = |data: &RawValue| serde_json::from_str::<Announced>(data.get()).map_err(|error| error.to_string());
        if publication.offset != position.offset {
            return Err("not of this offset".to_owned());
        }
        match &*publication.event {
            JOIN => return Ok((What::Came(told(publication.data)?.session), Audience::Everybody)),
            LEAVE => return Ok((What::Went(told(publication.data)?.session), Audience::Everybody)),
            _ => {}
        }
        let Numbered { n } = serde_json::from_str(publication.data.get()).map_err(|error| error.to_string())?;
        let sent = self.sent.get(&n).ok_or("nobody sent it")?;
        let here = sent.room.as_ref().map_or(sent.namespace == room.namespace(), |goes_to| goes_to == room);
        let as_sent = publication.event == sent.event && publication.from.as_deref() == sent.from.as_deref();
        if here && as_sent && publication.to == sent.to {
            Ok((What::Said(n), sent.audience))
        } else {
            Err(format!("it was sent as {sent:?}"))
        }
    }

    /// Publications that stand twice in one history, and comings and goings that do not take turns.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        for ((room, epoch), history) in &self.histories {
            let (mut said, mut present, mut last) = (HashMap::new(), HashMap::new(), 0);
            for (offset, stands) in history {
                if *offset != last + 1 {
                    // Nobody knows who came and went there.
                    present.clear();
                }
                last = *offset;
                let (session, comes) = match stands.what {
                    What::Said(n) => {
                        let before = said.insert(n, offset);
                        found
                            .extend(before.map(|at| format!("{n} stands at {at} and at {offset} of {room} {epoch:?}")));
                        continue;
                    }
                    What::Came(session) => (session, true),
                    What::Went(session) => (session, false),
                };
                if present.insert(session, comes) == Some(comes) {
                    found.push(format!("{session} comes or goes twice in {room} {epoch:?}, at {offset}"));
                }
            }
        }
        found
    }

    /// What is wrong with all that one subscriber was told.
    pub(super) fn check(&self, log: &Log) -> Vec<String> {
        let mut found = Vec::new();
        let mut at: Option<Position> = None;
        for told in &log.told {
            if let Err(wrong) = self.step(log, &mut at, told) {
                found.push(format!("{}: {wrong}", log.who));
            }
        }
        if let (Some(at), Some(until)) = (&at, &log.until) {
            let rest = if at.epoch == until.epoch {
                self.missing(log, at, until.offset + 1)
            } else {
                Err("stays in another epoch".to_owned())
            };
            found.extend(rest.err().map(|wrong| format!("{}: at its end {wrong}", log.who)));
        }
        found
    }

    /// Moves on over one thing that was told.
    fn step(&self, log: &Log, at: &mut Option<Position>, told: &Told) -> Result<(), String> {
        let from = at.replace(match told {
            Told::Ready { position, .. } | Told::Delivery { position, .. } => position.clone(),
            Told::Gap(gap) => gap.position.clone(),
        });
        let (from, to) = match (told, from) {
            (Told::Ready { asked, position }, _) => {
                let as_asked = asked.as_ref().is_none_or(|asked| asked == position);
                return as_asked.then_some(()).ok_or_else(|| format!("asked for {asked:?} it starts at {position}"));
            }
            (_, None) => return Err("something was told before where it starts".to_owned()),
            (told, Some(from)) => (from, told),
        };
        match to {
            Told::Delivery { position, .. } if position.offset <= from.offset => {
                Err(format!("{position} came after {from}"))
            }
            Told::Delivery { position, .. } => {
                self.missing(log, &from, position.offset)?;
                let history = self.history(&log.room, &position.epoch);
                let stands = history.and_then(|history| history.get(&position.offset)).ok_or("it stands nowhere")?;
                let is_for = stands.audience.has(log.viewer);
                is_for.then_some(()).ok_or_else(|| format!("{position} is not for it: {:?}", stands.json))
            }
            Told::Gap(gap) if gap.reason == GapReason::Epoch => {
                let known = self.epochs.get(&log.room).map_or(&[][..], Vec::as_slice);
                let turn = |epoch: &Epoch| known.iter().position(|known| known == epoch);
                let later = turn(&from.epoch) < turn(&gap.position.epoch);
                let bare = gap.from.is_none() && gap.to.is_none() && gap.missed.is_none();
                (later && bare).then_some(()).ok_or_else(|| format!("after {from}: {gap:?}"))
            }
            Told::Gap(gap) => {
                let (Some(first), Some(last)) = (gap.from, gap.to) else { return Err(format!("no range: {gap:?}")) };
                let end = Position { epoch: from.epoch.clone(), offset: last };
                let exact =
                    first > from.offset && last >= first && gap.missed == Some(last - first + 1) && gap.position == end;
                self.missing(log, &from, first)?;
                exact.then_some(()).ok_or_else(|| format!("after {from}: {gap:?}"))
            }
            Told::Ready { .. } => Ok(()),
        }
    }

    /// Nothing that is for it stands behind `from` and before `end`.
    fn missing(&self, log: &Log, from: &Position, end: u64) -> Result<(), String> {
        let Some(history) = self.history(&log.room, &from.epoch).filter(|_| from.offset + 1 < end) else {
            return Ok(());
        };
        let between = history.range(from.offset + 1..end);
        let lost: Vec<u64> = between.filter(|(_, stands)| stands.audience.has(log.viewer)).map(|(at, _)| *at).collect();
        if lost.is_empty() { Ok(()) } else { Err(format!("after {from} it was never told {lost:?}")) }
    }

    fn history(&self, room: &RoomName, epoch: &Epoch) -> Option<&BTreeMap<u64, Stands>> {
        self.histories.get(&(room.clone(), epoch.clone()))
    }
}
