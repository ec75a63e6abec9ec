//! The client half's seam: a driver is a state machine without sockets, clocks or threads.
//!
//! Whoever owns the sockets (the load generator, the conformance suite, a test) calls a driver with what happened and
//! carries out what it finds in [`Out`]. So one receive loop serves every lane, and every lane pays the same for its client.

use std::{fmt, ops::Range};

use measure::{Category, Direction, Mono};
use wire::{Ack, Close, Draft, Gap, Position, Refusal};

/// One TCP connection of a driver, numbered by the driver from 0 in the order of opening. Never used again.
pub type ConnectionId = u32;

/// One subscriber, seen from the client. One machine is one subscription, which may span many connections.
///
/// Calls carry the instant at which the thing happened, and never block. After [`Event::Failed`] or [`Event::Closed`] a
/// driver asks for nothing more than closing its connections; start a new one from the last position to go on.
pub trait Driver: fmt::Debug + Send {
    /// Begins. Called once, first.
    fn start(&mut self, now: Mono, out: &mut Out);

    /// `bytes` came in on `connection`. Any split of the stream gives the same events.
    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8], now: Mono, out: &mut Out);

    /// The peer ended `connection`, or it could not be made. Every byte still held must be charged now.
    fn on_end(&mut self, connection: ConnectionId, now: Mono, out: &mut Out);

    /// The instant asked for by [`Out::timer`] has come.
    fn on_timer(&mut self, now: Mono, out: &mut Out);

    /// Writes `draft` to the lane's uplink; [`Event::Acked`] or [`Event::Refused`] with `reference` follows.
    ///
    /// Called after [`Event::Ready`]. What it writes depends on nothing that comes in after that, so it may be called ahead of
    /// time and the bytes kept.
    fn publish(&mut self, draft: &Draft<'_>, reference: u64, now: Mono, out: &mut Out);

    /// Ends the subscription in the lane's own way. The peer's end follows as [`Driver::on_end`].
    fn stop(&mut self, now: Mono, out: &mut Out);
}

/// What a driver wants done and has to tell. The caller empties it after every call and may reuse it.
#[derive(Debug, Default)]
pub struct Out {
    /// To be carried out in this order.
    pub commands: Vec<Command>,
    /// When set: call [`Driver::on_timer`] at this instant, in place of any asked for before.
    pub timer: Option<Mono>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// An answer that came in was followed by the next request at once: the time until that is written is the gap in which
    /// the server has nobody to push to.
    pub rearmed: bool,
    /// What bytes were for. Over a connection's life they add up to what the kernel counted.
    pub charges: Vec<Charge>,
}

impl Out {
    /// Puts `bytes` of `connection` into exactly one category of the ledger.
    pub fn charge(&mut self, connection: ConnectionId, direction: Direction, category: Category, bytes: usize) {
        if bytes > 0 {
            self.charges.push(Charge { connection, direction, category, bytes: bytes as u64 });
        }
    }

    /// Empties everything, keeping what was allocated.
    pub fn clear(&mut self) {
        self.commands.clear();
        self.timer = None;
        self.events.clear();
        self.rearmed = false;
        self.charges.clear();
    }
}

/// What the owner of the sockets must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Open a connection to the target. What is written to it before it stands is kept.
    Open(ConnectionId),
    /// Write these bytes after all before them.
    Write(ConnectionId, Vec<u8>),
    /// End the sending direction once all is written; the peer's end follows.
    Shut(ConnectionId),
}

/// Bytes of one connection that belong to one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Whose bytes.
    pub connection: ConnectionId,
    /// Which way they went.
    pub direction: Direction,
    /// What they were for.
    pub category: Category,
    /// How many.
    pub bytes: u64,
}

/// What a driver has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The server has accepted the subscription: all after this position is delivered or told as a gap.
    Ready(Position),
    /// A publication.
    Delivery(Delivery),
    /// Publications that will not come.
    Gap(Gap),
    /// A request was answered; `carried` publications were in it.
    Exchange {
        /// How many publications it carried.
        carried: u32,
    },
    /// A publish was taken.
    Acked(Ack),
    /// A publish was refused.
    Refused(Refusal),
    /// The server announced the end.
    Closed(Close),
    /// The subscription is over without an announcement.
    Failed(DriverError),
}

/// A publication as one subscriber got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the room.
    pub offset: u64,
    /// Its whole JSON text, as it came.
    pub json: Box<str>,
    /// Where in `json` the value of `data` stands.
    pub data: Range<usize>,
}

impl Delivery {
    /// The value's source text.
    pub fn data(&self) -> &str {
        &self.json[self.data.clone()]
    }
}

/// Why a subscription failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The connection ended, or could not be made, without the server's announcement.
    #[error("the connection ended without an announcement")]
    Lost,
    /// The server answered a request with this status.
    #[error("the server answered {status}: {detail}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// Bytes that the lane does not allow.
    #[error("not allowed on this lane: {0}")]
    Protocol(String),
    /// Nothing came for longer than the server's heartbeat promises.
    #[error("the server has been silent for longer than its heartbeat")]
    Silent,
}

impl DriverError {
    /// The stable name that records count by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Lost => "connection_lost",
            Self::Status { .. } => "status",
            Self::Protocol(_) => "protocol",
            Self::Silent => "silent",
        }
    }
}
