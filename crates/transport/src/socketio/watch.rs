//! What the bytes were for: packets in payloads and in frames. A session spans connections, so what they have to know of one
//! another is kept here, by the session's id.
//!
//! Whether a session that polls will move to a WebSocket is known only when it does: then all that its polls and posts carried was
//! the handshake's, as for its driver, which tells of nothing before it has its carrier.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use measure::{Category, Direction};
use wire::{engine_io, http1::RequestHead};

use super::watch_packets::{Down, Up};
use crate::{
    watch::{Exchange, Row, Watch, plain},
    watch_duplex::{Duplex, Speech},
    watch_whole::{Judge, Message, Whole},
    websocket_watch::Messages,
};

/// Sessions that are known by their id. Beyond it the oldest is forgotten, which has long had its hello.
const MAX_SESSIONS: usize = 10_000;

/// See the file.
#[derive(Debug, Default)]
pub(super) struct Sessions(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<Box<str>, Arc<Session>>,
    /// Oldest first.
    order: VecDeque<Box<str>>,
}

#[derive(Debug, Default)]
struct Session {
    /// Whether a room's hello has gone.
    greeted: AtomicBool,
    /// Whether the session has moved from polls to a WebSocket.
    moved: Arc<AtomicBool>,
}

impl Session {
    fn category(&self, usual: Category) -> Category {
        if self.greeted.load(Ordering::Relaxed) { usual } else { Category::Handshake }
    }
}

impl Known {
    fn open(&mut self, id: &str) -> Arc<Session> {
        if self.order.len() == MAX_SESSIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        let session = Arc::<Session>::default();
        if self.by_id.insert(id.into(), Arc::clone(&session)).is_none() {
            self.order.push_back(id.into());
        }
        session
    }

    fn find(&self, id: &str) -> Arc<Session> {
        let forgotten = || Arc::new(Session { greeted: AtomicBool::new(true), moved: Arc::default() });
        self.by_id.get(id).map_or_else(forgotten, Arc::clone)
    }
}

impl Watch for Sessions {
    fn exchange(&self, request: &RequestHead) -> Box<dyn Exchange> {
        let query = request.target().split_once('?').map_or("", |(_path, query)| query);
        let member = |name: &str| query.split('&').find_map(|member| member.strip_prefix(name)?.strip_prefix('='));
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = member("sid").map(|id| known().find(id));
        match (member("transport"), request.method()) {
            (Some("websocket"), "GET") => {
                let on_trial = session.is_some();
                Duplex::of(Messages::new, Carried { session: session.unwrap_or_default(), on_trial })
            }
            (Some("polling"), "GET") => Whole::of(Poll { sessions: Arc::clone(&self.0), session }),
            (Some("polling"), "POST") => Whole::of(Post { session: session.unwrap_or_default(), others: None }),
            // The client's files.
            _ => plain(),
        }
    }
}

/// A poll.
#[derive(Debug)]
struct Poll {
    sessions: Arc<Mutex<Known>>,
    /// None before the answer that opens it.
    session: Option<Arc<Session>>,
}

/// What was in the answer to a poll.
#[derive(Debug, Default)]
struct Load {
    packets: u32,
    pings: u32,
    carried: u64,
    payload: usize,
    envelope: usize,
    heartbeat: usize,
    /// Bytes up to the end of the packet that made the subscription ready.
    handshake: usize,
}

impl Poll {
    /// Reads a payload, and what it says about its session.
    fn load(&mut self, payload: &str) -> Load {
        let mut load = Load::default();
        let mut end = 0;
        for packet in engine_io::packets(payload) {
            let ready = self.is_ready();
            load.packets += 1;
            end += packet.len();
            if !ready {
                load.handshake = end;
            }
            end += engine_io::SEPARATOR.len_utf8();
            match (Down::read(packet), &self.session) {
                (Down::Open(handshake), None) => {
                    let mut known = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
                    self.session = Some(known.open(&handshake.sid));
                }
                (Down::Hello, Some(session)) => session.greeted.store(true, Ordering::Relaxed),
                (Down::Ping, _) => {
                    load.pings += 1;
                    load.heartbeat += if ready { packet.len() } else { 0 };
                }
                (Down::Publication(data, rest), _) => {
                    load.carried += 1;
                    if ready {
                        load.payload += data;
                        load.envelope += rest;
                    }
                }
                _ => {}
            }
        }
        load
    }

    fn is_ready(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.greeted.load(Ordering::Relaxed))
    }
}

impl Judge for Poll {
    fn asked(&mut self, _request: &Message, _row: &mut Row) -> bool {
        false
    }

    fn answered(&mut self, request: Option<&Message>, answer: &Message, row: &mut Row) {
        let before = !self.is_ready();
        let payload = str::from_utf8(&answer.body).ok().filter(|_| answer.status == 200);
        let load = payload.map(|payload| self.load(payload)).unwrap_or_default();
        row.deliveries += load.carried;
        let heads = if before {
            Category::Handshake
        } else if load.carried > 0 {
            Category::HttpHead
        } else if load.packets > 0 && load.packets == load.pings {
            Category::Heartbeat
        } else {
            Category::EmptyPolls
        };
        let framing = if self.is_ready() { Category::Framing } else { Category::Handshake };
        let moved = self.session.as_ref().map(|session| Arc::clone(&session.moved)).unwrap_or_default();
        let mut charge = |direction, category, bytes| row.charge_unless(&moved, direction, category, bytes);
        charge(Direction::Up, heads, request.map_or(0, Message::bytes));
        let mut charge = |category, bytes| charge(Direction::Down, category, bytes);
        if !before && load.carried == 0 {
            return charge(heads, answer.bytes());
        }
        let Load { payload, envelope, heartbeat, handshake, .. } = load;
        charge(heads, answer.head_bytes);
        charge(if before { Category::Handshake } else { framing }, answer.framing_bytes);
        charge(Category::Payload, payload);
        charge(Category::Envelope, envelope);
        charge(Category::Heartbeat, heartbeat);
        charge(Category::Handshake, handshake);
        charge(framing, answer.body.len() - payload - envelope - heartbeat - handshake);
    }

    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row) {
        let Some(session) = &self.session else { return row.charge(direction, Category::Handshake, bytes) };
        row.charge_unless(&session.moved, direction, session.category(Category::EmptyPolls), bytes);
    }
}

/// A request that carries packets up.
#[derive(Debug)]
struct Post {
    session: Arc<Session>,
    /// What the whole exchange is for when it carries no publish.
    others: Option<Category>,
}

impl Judge for Post {
    fn asked(&mut self, request: &Message, row: &mut Row) -> bool {
        let (mut payload, mut envelope, mut publishes, mut connects, mut only_pongs) = (0, 0, false, false, true);
        for packet in engine_io::packets(str::from_utf8(&request.body).unwrap_or_default()) {
            let said = Up::read(packet);
            only_pongs &= matches!(said, Up::Pong);
            connects |= matches!(said, Up::Connect);
            if let Up::Publish(data, rest) = said {
                publishes = true;
                payload += data;
                envelope += rest;
            }
        }
        let mut charge = |category, bytes| row.charge_unless(&self.session.moved, Direction::Up, category, bytes);
        if publishes {
            charge(Category::HttpHead, request.head_bytes);
            charge(Category::Payload, payload);
            charge(Category::Envelope, envelope);
            charge(Category::Framing, request.bytes() - request.head_bytes - payload - envelope);
            return true;
        }
        let category = if connects {
            Category::Handshake
        } else {
            self.session.category(if only_pongs { Category::Heartbeat } else { Category::EmptyPolls })
        };
        charge(category, request.bytes());
        self.others = Some(category);
        true
    }

    fn answered(&mut self, _request: Option<&Message>, answer: &Message, row: &mut Row) {
        let mut charge = |category, bytes| row.charge_unless(&self.session.moved, Direction::Down, category, bytes);
        if let Some(category) = self.others {
            return charge(category, answer.bytes());
        }
        charge(Category::HttpHead, answer.head_bytes);
        charge(Category::Framing, answer.bytes() - answer.head_bytes);
    }

    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row) {
        row.charge_unless(&self.session.moved, direction, self.session.category(Category::Framing), bytes);
    }
}

/// A WebSocket that carries a session, or is on trial for one that polls carry.
#[derive(Debug)]
struct Carried {
    session: Arc<Session>,
    on_trial: bool,
}

impl Speech for Carried {
    fn category(&self, usual: Category) -> Category {
        if self.on_trial { Category::Handshake } else { self.session.category(usual) }
    }

    fn item(&mut self, direction: Direction, text: &str, bytes: usize, row: &mut Row) {
        let before = self.category(Category::Framing);
        let mut charge = |category, bytes| row.charge(direction, category, bytes);
        match direction {
            Direction::Down => match Down::read(text) {
                Down::Publication(payload, envelope) => {
                    if before == Category::Framing {
                        charge(Category::Payload, payload);
                        charge(Category::Envelope, envelope);
                        charge(Category::Framing, bytes - payload - envelope);
                    } else {
                        charge(before, bytes);
                    }
                    row.deliveries += 1;
                }
                Down::Ping => charge(self.category(Category::Heartbeat), bytes),
                Down::Hello => {
                    charge(before, bytes);
                    self.session.greeted.store(true, Ordering::Relaxed);
                }
                Down::Open(_) | Down::Other => charge(before, bytes),
            },
            Direction::Up => match Up::read(text) {
                Up::Publish(payload, envelope) if !self.on_trial => {
                    charge(Category::Payload, payload);
                    charge(Category::Envelope, envelope);
                    charge(Category::Framing, bytes - payload - envelope);
                }
                Up::Upgrade if self.on_trial => {
                    charge(before, bytes);
                    self.on_trial = false;
                    self.session.moved.store(true, Ordering::Relaxed);
                }
                Up::Connect => charge(Category::Handshake, bytes),
                Up::Pong => charge(self.category(Category::Heartbeat), bytes),
                Up::Publish(..) | Up::Upgrade | Up::Other => charge(before, bytes),
            },
        }
    }
}
