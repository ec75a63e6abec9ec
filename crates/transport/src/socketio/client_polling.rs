//! The carrier of HTTP requests: polls on one connection, posts on another, and what the bytes of each were for.

use std::{collections::VecDeque, mem};

use measure::{Category, Direction};
use serde::Deserialize;

use super::{client_requests::Requests, client_session::protocol};
use crate::{
    driver::{Command, ConnectionId, DriverError, Event, Out},
    exchange::{Answer, Answers},
};

/// The code by which a server says that it knows no session of this id.
const UNKNOWN_SESSION: u16 = 1;

/// What a post carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A publish: so much of the body is its JSON, `payload` of it the value.
    Publish { json: usize, payload: usize },
    /// Something else; all bytes of the exchange are of this category.
    All(Category),
}

/// What was in the answer to a poll, for the ledger.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Packets.
    pub(super) packets: u32,
    /// How many of them were pings.
    pub(super) pings: u32,
    /// How many of them were publications.
    pub(super) carried: u32,
    /// Bytes of publications and of pings behind the packet that made the subscription ready.
    pub(super) payload: usize,
    pub(super) envelope: usize,
    pub(super) heartbeat: usize,
    /// Bytes up to the end of that packet.
    pub(super) handshake: usize,
}

/// A poll and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) connection: ConnectionId,
    /// Bytes of the request.
    pub(super) request: usize,
    pub(super) answer: Answer,
}

/// One direction's connection.
#[derive(Debug, Default)]
struct Line {
    connection: Option<ConnectionId>,
    answers: Answers,
    shut: bool,
}

/// See the file.
#[derive(Debug, Default)]
pub(super) struct Polling {
    polls: Line,
    /// Bytes of the poll that has no answer yet.
    asked: Option<usize>,
    posts: Line,
    /// Posts without an answer, in order.
    waiting: VecDeque<Purpose>,
}

impl Line {
    fn ready(&mut self, requests: &mut Requests, out: &mut Out) -> ConnectionId {
        *self.connection.get_or_insert_with(|| requests.open(out))
    }

    fn shut(&mut self, out: &mut Out) {
        if !mem::replace(&mut self.shut, true) {
            out.commands.extend(self.connection.map(Command::Shut));
        }
    }

    /// Charges what belongs to no whole answer.
    fn drop_held(&mut self, category: Category, out: &mut Out) {
        if let Some(connection) = self.connection {
            out.charge(connection, Direction::Down, category, mem::take(&mut self.answers).outstanding());
        }
    }
}

impl Polling {
    /// Whether `connection` is the one of the polls.
    pub(super) fn polls_on(&self, connection: ConnectionId) -> bool {
        self.polls.connection == Some(connection)
    }

    /// Whether `connection` is the one of the posts.
    pub(super) fn posts_on(&self, connection: ConnectionId) -> bool {
        self.posts.connection == Some(connection)
    }

    /// Whether a poll waits for its answer.
    pub(super) fn asks(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether nothing waits for its answer.
    pub(super) fn at_rest(&self) -> bool {
        !self.asks() && self.posts_are_answered()
    }

    /// Whether every post is answered.
    pub(super) fn posts_are_answered(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes the next poll.
    pub(super) fn ask(&mut self, requests: &mut Requests, out: &mut Out) {
        let connection = self.polls.ready(requests, out);
        let head = requests.poll().into_bytes();
        self.asked = Some(head.len());
        out.commands.push(Command::Write(connection, head));
    }

    /// Writes a post at once, behind those that are not answered yet.
    pub(super) fn post(&mut self, body: &str, purpose: Purpose, requests: &mut Requests, out: &mut Out) {
        let connection = self.posts.ready(requests, out);
        let head = requests.post(body.len());
        let mut charge = |category, bytes| out.charge(connection, Direction::Up, category, bytes);
        match purpose {
            Purpose::Publish { json, payload } => {
                charge(Category::HttpHead, head.len());
                charge(Category::Payload, payload);
                charge(Category::Envelope, json - payload);
                charge(Category::Framing, body.len() - json);
            }
            Purpose::All(category) => charge(category, head.len() + body.len()),
        }
        out.commands.push(Command::Write(connection, (head + body).into_bytes()));
        self.waiting.push_back(purpose);
    }

    /// The next poll that has its whole answer.
    ///
    /// # Errors
    ///
    /// The event that ends the subscription, when an answer cannot be read or nobody asked for it.
    pub(super) fn next_poll(&mut self, input: &mut &[u8], out: &mut Out) -> Result<Option<Exchange>, Event> {
        let Some(connection) = self.polls.connection else { return Ok(None) };
        let answer = self.polls.answers.next(input).map_err(|error| protocol(&error.to_string()))?;
        let Some(answer) = answer else { return Ok(None) };
        let Some(request) = self.asked.take() else {
            out.charge(connection, Direction::Down, Category::Framing, answer.bytes());
            return Err(protocol("an answer to no poll"));
        };
        Ok(Some(Exchange { connection, request, answer }))
    }

    /// Takes the answers to posts.
    ///
    /// # Errors
    ///
    /// The event that ends the subscription, when a post is refused, an answer cannot be read or nobody asked for it.
    pub(super) fn take_posts(&mut self, input: &mut &[u8], out: &mut Out) -> Result<(), Event> {
        let Some(connection) = self.posts.connection else { return Ok(()) };
        let mut charge = |category, bytes| out.charge(connection, Direction::Down, category, bytes);
        while let Some(answer) = self.posts.answers.next(input).map_err(|error| protocol(&error.to_string()))? {
            match self.waiting.pop_front() {
                Some(Purpose::Publish { .. }) => {
                    charge(Category::HttpHead, answer.head_bytes);
                    charge(Category::Framing, answer.framing_bytes + answer.body.len());
                }
                Some(Purpose::All(category)) => charge(category, answer.bytes()),
                None => {
                    charge(Category::Framing, answer.bytes());
                    return Err(protocol("an answer to no post"));
                }
            }
            if answer.head.status() != 200 {
                return Err(refusal(&answer));
            }
        }
        Ok(())
    }

    /// The connection of the polls is gone; `category` is what a poll is for that was cut. Gives whether a poll is lost with
    /// it: what the server had put into its answer is gone, so none is written again.
    pub(super) fn polls_ended(&mut self, category: Category, out: &mut Out) -> bool {
        self.polls.drop_held(category, out);
        let (connection, asked) = (self.polls.connection.take(), self.asked.take());
        let (Some(connection), Some(bytes)) = (connection, asked) else { return false };
        out.charge(connection, Direction::Up, category, bytes);
        true
    }

    /// The connection of the posts is gone; `category` is what an answer is for that was cut. Gives whether posts are lost
    /// with it: nobody knows whether the server took them, so none is written again.
    pub(super) fn posts_ended(&mut self, category: Category, out: &mut Out) -> bool {
        self.posts.drop_held(category, out);
        self.posts.connection = None;
        let lost = !self.waiting.is_empty();
        self.waiting.clear();
        lost
    }

    /// Charges what came in and belongs to no whole answer, because nothing is read any more.
    pub(super) fn drop_held(&mut self, category: Category, out: &mut Out) {
        self.polls.drop_held(category, out);
        self.posts.drop_held(category, out);
    }

    /// Ends both connections.
    pub(super) fn shut(&mut self, out: &mut Out) {
        self.polls.shut(out);
        self.posts.shut(out);
    }
}

/// What an answer other than 200 means. A session that the server does not know any more has ended without an announcement.
pub(super) fn refusal(answer: &Answer) -> Event {
    #[derive(Deserialize)]
    struct Refused {
        code: u16,
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Refused { code: UNKNOWN_SESSION }) => Event::Failed(DriverError::Lost),
        _ => answer.refusal(),
    }
}

impl Load {
    /// Charges `exchange`. `before` says that the subscription was not ready when its answer began, `ready` that it is now.
    pub(super) fn charge(&self, exchange: &Exchange, before: bool, ready: bool, out: &mut Out) {
        let Exchange { connection, request, answer } = exchange;
        let heads = if before {
            Category::Handshake
        } else if self.carried > 0 {
            Category::HttpHead
        } else if self.packets > 0 && self.packets == self.pings {
            Category::Heartbeat
        } else {
            Category::EmptyPolls
        };
        out.charge(*connection, Direction::Up, heads, *request);
        let mut charge = |category, bytes| out.charge(*connection, Direction::Down, category, bytes);
        charge(heads, answer.head_bytes);
        if !before && self.carried == 0 {
            return charge(heads, answer.framing_bytes + answer.body.len());
        }
        let framing = if ready { Category::Framing } else { Category::Handshake };
        charge(if before { Category::Handshake } else { framing }, answer.framing_bytes);
        charge(Category::Payload, self.payload);
        charge(Category::Envelope, self.envelope);
        charge(Category::Heartbeat, self.heartbeat);
        charge(Category::Handshake, self.handshake);
        charge(framing, answer.body.len() - self.payload - self.envelope - self.heartbeat - self.handshake);
    }
}
