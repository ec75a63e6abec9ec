//! The driver: one session over either carrier, or from the one to the other, as the official client does it.
//!
//! Polls have a connection, posts have another, and a WebSocket is a third. With [`Carriers::Both`] a session begins with
//! polls; once it is open a WebSocket is tried out beside them, and carries the session from when it has proved itself.
//!
//! | file | holds |
//! |---|---|
//! | `client` | which carrier carries, when a session ends, and how long it may be silent |
//! | `client_reading` | what comes in, and what its bytes were for |
//! | `client_trial` | the move from polls to a WebSocket |
//! | `client_session` | what packets mean |
//! | `client_polling`, `client_socket` | the two carriers |
//! | `client_requests` | paths and heads |

use std::{mem, time::Duration};

use measure::{Category, Direction, Mono};
use wire::{Draft, engine_io::Handshake};

use super::{
    client_polling::{Polling, Purpose},
    client_requests::{Requests, WEBSOCKET},
    client_session::{Session, protocol},
    client_socket::Socket,
    client_trial::Trial,
};
use crate::{
    Target,
    driver::{ConnectionId, Driver, DriverError, Event, Out},
    duplex_client::{HEARTBEAT, silence},
    exchange::too_late,
};

/// The packets that have nothing to say beside their type.
const CLOSE: &str = "1";
pub(super) const PONG: &str = "3";

/// What a session may be carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carriers {
    /// First by polls, then by a WebSocket if one can be had.
    Both,
    /// By a WebSocket from the beginning.
    WebSocket,
    /// By polls to the end.
    Polling,
}

pub(super) fn driver(target: Target, carriers: Carriers) -> Box<dyn Driver> {
    let mut session = Session::new(&target);
    if carriers != Carriers::Both {
        session.settle(&mut Out::default());
    }
    Box::new(Subscription {
        requests: Requests::new(target),
        session,
        carriers,
        polling: Some(Polling::default()),
        socket: None,
        trial: None,
        given_up: None,
        broken: false,
        leaving: false,
        goodbye: Vec::new(),
        shut: false,
        last_heard: Mono::from_nanos(0),
        silence: silence(HEARTBEAT),
    })
}

/// See the file.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) requests: Requests,
    pub(super) session: Session,
    carriers: Carriers,
    /// None once the session has moved on.
    pub(super) polling: Option<Polling>,
    pub(super) socket: Option<Socket>,
    /// What `socket` is on, while polls still carry the session.
    pub(super) trial: Option<Trial>,
    /// The connection of a trial that failed.
    pub(super) given_up: Option<ConnectionId>,
    /// Nothing that comes is understood any more.
    broken: bool,
    /// The client wants to end.
    leaving: bool,
    /// What it still has to post for that, the next one last.
    goodbye: Vec<String>,
    /// Every connection has ended its sending direction.
    shut: bool,
    pub(super) last_heard: Mono,
    silence: Duration,
}

impl Subscription {
    /// What bytes are for that would be `usual` once the subscription is ready.
    pub(super) fn category(&self, usual: Category) -> Category {
        if self.session.ready() { usual } else { Category::Handshake }
    }

    /// The session is open: asks for its namespace, then for a better carrier.
    ///
    /// # Errors
    ///
    /// When the session's id cannot stand in a query.
    pub(super) fn opened(&mut self, handshake: &Handshake, now: Mono, out: &mut Out) -> Result<(), Event> {
        if !self.requests.set_sid(&handshake.sid) {
            return Err(protocol("a session id that a query would have to escape"));
        }
        let promised = handshake.ping_interval_ms.saturating_add(handshake.ping_timeout_ms);
        self.silence = Duration::from_millis(promised);
        if self.session.ending {
            return Ok(());
        }
        let connect = self.session.connect(&self.requests.target);
        self.send(&connect, Purpose::All(Category::Handshake), out);
        if self.carriers == Carriers::Both {
            if handshake.upgrades.iter().any(|carrier| carrier == WEBSOCKET) {
                self.socket = Some(Socket::open(&mut self.requests, out));
                self.trial = Some(Trial::begin(now));
            } else {
                self.session.settle(out);
            }
        }
        self.set_timer(out);
        Ok(())
    }

    /// Answers a ping: at once, or when polling pauses no more.
    pub(super) fn pong(&mut self, out: &mut Out) {
        match &mut self.trial {
            _ if self.session.ending => {}
            Some(trial) if trial.pauses() => trial.keep_ping(),
            _ => self.send(PONG, Purpose::All(self.category(Category::Heartbeat)), out),
        }
    }

    /// Writes a packet to the carrier that carries the session.
    fn send(&mut self, packet: &str, purpose: Purpose, out: &mut Out) {
        if let Some(polling) = &mut self.polling {
            polling.post(packet, purpose, &mut self.requests, out);
        } else if let Some(socket) = &mut self.socket {
            socket.send(packet, purpose, out);
        }
    }

    /// The server has ended the session, or the namespace.
    ///
    /// # Errors
    ///
    /// When it did not announce that.
    pub(super) fn ended(&mut self, out: &mut Out) -> Result<(), Event> {
        if !self.session.ending {
            return Err(Event::Failed(DriverError::Lost));
        }
        let category = self.category(Category::Framing);
        if let (Some(socket), None) = (&mut self.socket, &self.trial) {
            socket.leave(category, out);
        }
        Ok(())
    }

    fn break_off(&mut self, event: Event, out: &mut Out) {
        self.broken = true;
        self.session.finish(event, out);
        let category = self.category(Category::Framing);
        if let Some(polling) = &mut self.polling {
            polling.drop_held(category, out);
        }
        self.shut(out);
    }

    /// Ends the sending direction of every connection.
    pub(super) fn shut(&mut self, out: &mut Out) {
        self.shut = true;
        self.goodbye.clear();
        if let Some(polling) = &mut self.polling {
            polling.shut(out);
        }
        if let Some(socket) = &mut self.socket {
            socket.shut(out);
        }
    }

    /// A poll is answered: asks again at once, unless the session ends or moves.
    pub(super) fn go_on(&mut self, out: &mut Out) {
        if self.session.ending {
            // What the client's goodbye waits for ends it.
            if !self.leaving {
                self.shut(out);
            }
        } else if self.trial.as_ref().is_some_and(Trial::pauses) {
            self.move_on(out);
        } else if let Some(polling) = &mut self.polling {
            polling.ask(&mut self.requests, out);
            out.rearmed = true;
        }
    }

    /// Every post that there was may be answered now.
    pub(super) fn posts_answered(&mut self, out: &mut Out) {
        if !self.leaving {
            return self.move_on(out);
        }
        let category = self.category(Category::EmptyPolls);
        let Some(polling) = self.polling.as_mut().filter(|polling| polling.posts_are_answered()) else { return };
        // One at a time, as the official client does: its server takes two at once for a mistake.
        match self.goodbye.pop() {
            Some(packet) => polling.post(&packet, Purpose::All(category), &mut self.requests, out),
            None => self.shut(out),
        }
    }

    fn set_timer(&self, out: &mut Out) {
        let until = self.trial.as_ref().map(Trial::until);
        out.timer = until.into_iter().chain([self.last_heard + self.silence]).min();
    }

    /// Whether `connection` is the WebSocket's.
    pub(super) fn is_on(&self, connection: ConnectionId) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.connection == connection)
    }

    fn socket_ended(&mut self, out: &mut Out) {
        let Some(mut socket) = self.socket.take() else { return };
        socket.ended();
        if self.trial.is_some() {
            self.socket = Some(socket);
            return self.give_up(out);
        }
        out.charge(socket.connection, Direction::Down, self.category(Category::Framing), socket.pending());
        self.break_off(Event::Failed(DriverError::Lost), out);
    }
}

impl Driver for Subscription {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.last_heard = now;
        if self.carriers == Carriers::WebSocket {
            self.polling = None;
            self.socket = Some(Socket::open(&mut self.requests, out));
        } else if let Some(polling) = &mut self.polling {
            polling.ask(&mut self.requests, out);
        }
        self.set_timer(out);
    }

    fn on_bytes(&mut self, connection: ConnectionId, mut bytes: &[u8], now: Mono, out: &mut Out) {
        if !self.broken
            && let Err(event) = self.read(connection, &mut bytes, now, out)
        {
            if self.trial.is_some() && self.is_on(connection) {
                self.give_up(out);
            } else {
                self.break_off(event, out);
            }
        }
        // What comes after a failure is not understood, but it was carried.
        let tried = self.given_up == Some(connection);
        let category = if tried { Category::Handshake } else { self.category(Category::Framing) };
        out.charge(connection, Direction::Down, category, bytes.len());
    }

    fn on_end(&mut self, connection: ConnectionId, _now: Mono, out: &mut Out) {
        if self.is_on(connection) {
            return self.socket_ended(out);
        }
        let (empty, framing) = (self.category(Category::EmptyPolls), self.category(Category::Framing));
        let Some(polling) = &mut self.polling else { return };
        let lost = if polling.polls_on(connection) {
            // The goodbye goes over the other connection.
            polling.polls_ended(empty, out) && !self.leaving
        } else {
            polling.posts_on(connection) && polling.posts_ended(framing, out)
        };
        if lost {
            self.break_off(Event::Failed(DriverError::Lost), out);
        } else {
            self.posts_answered(out);
        }
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        if self.shut {
            return;
        }
        if now >= self.last_heard + self.silence {
            return self.break_off(Event::Failed(DriverError::Silent), out);
        }
        if self.trial.as_ref().is_some_and(|trial| now >= trial.until()) {
            self.give_up(out);
        }
        self.set_timer(out);
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, _now: Mono, out: &mut Out) {
        let writable = self.polling.is_some() || self.socket.as_ref().is_some_and(Socket::writable);
        if !self.session.ready() || self.leaving || self.shut || !writable {
            return out.events.push(too_late(reference));
        }
        let (packet, json) = self.session.publish(draft, reference);
        self.send(&packet, Purpose::Publish { json, payload: draft.data.get().len() }, out);
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        self.session.ending = true;
        if self.shut || mem::replace(&mut self.leaving, true) {
            return;
        }
        self.give_up(out);
        let disconnect = Some(self.session.disconnect()).filter(|_| self.session.connected());
        let framing = self.category(Category::Framing);
        if let Some(socket) = &mut self.socket {
            if let Some(packet) = disconnect {
                socket.send(&packet, Purpose::All(framing), out);
            }
            socket.leave(framing, out);
        } else if self.requests.has_sid() {
            self.goodbye = [Some(CLOSE.to_owned()), disconnect].into_iter().flatten().collect();
            self.posts_answered(out);
        } else {
            self.shut(out);
        }
    }
}
