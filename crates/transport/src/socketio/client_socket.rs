//! The carrier of frames: one WebSocket, on trial or in use, and what the bytes of each packet that it writes were for.

use std::mem;

use measure::{Category, Direction};
use wire::websocket::Opcode;

use super::{
    client_polling::Purpose,
    client_requests::{Requests, WEBSOCKET},
    client_session::protocol,
};
use crate::{
    driver::{Command, ConnectionId, Event, Out},
    duplex_client::{Frame, Violation},
    exchange::UpgradeAnswer,
    websocket_client::Messages,
};

/// See the file.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) connection: ConnectionId,
    /// The answer to the upgrade, until it is there.
    answer: Option<Box<UpgradeAnswer>>,
    messages: Messages,
    /// Whether the sending direction has ended: nothing can be written any more.
    shut: bool,
}

impl Socket {
    /// Asks for the upgrade on a connection of its own.
    pub(super) fn open(requests: &mut Requests, out: &mut Out) -> Self {
        let messages = Messages::new(requests.seed());
        let connection = requests.open(out);
        let request = messages.request(&requests.target, WEBSOCKET, &requests.websocket_path()).into_bytes();
        out.charge(connection, Direction::Up, Category::Handshake, request.len());
        out.commands.push(Command::Write(connection, request));
        Self { connection, answer: Some(Box::default()), messages, shut: false }
    }

    /// Whether frames can be written.
    pub(super) fn writable(&self) -> bool {
        self.answer.is_none() && !self.shut
    }

    /// Takes what is left of the answer to the upgrade off the front of `input`. Gives whether it has just ended, and
    /// frames follow.
    ///
    /// # Errors
    ///
    /// The event that ends the subscription, when it is another answer than the one asked for.
    pub(super) fn upgrade(&mut self, input: &mut &[u8], out: &mut Out) -> Result<bool, Event> {
        let Some(answer) = &mut self.answer else { return Ok(false) };
        let accepted = match answer.next(self.connection, input, out) {
            Ok(None) => return Ok(false),
            Ok(Some(head)) => self.messages.accept(head).map_err(|reason| protocol(&reason)),
            Err(event) => Err(event),
        };
        self.answer = None;
        accepted.map(|()| true)
    }

    /// The next frame; none before the upgrade.
    pub(super) fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation> {
        if self.answer.is_some() { Ok(None) } else { self.messages.next(input) }
    }

    /// Writes one packet, while that is possible.
    pub(super) fn send(&mut self, packet: &str, purpose: Purpose, out: &mut Out) {
        if !self.writable() {
            return;
        }
        let mut bytes = Vec::new();
        self.messages.write(Opcode::Text, packet.as_bytes(), &mut bytes);
        let mut charge = |category, bytes| out.charge(self.connection, Direction::Up, category, bytes);
        match purpose {
            Purpose::Publish { json, payload } => {
                charge(Category::Payload, payload);
                charge(Category::Envelope, json - payload);
                charge(Category::Framing, bytes.len() - json);
            }
            Purpose::All(category) => charge(category, bytes.len()),
        }
        out.commands.push(Command::Write(self.connection, bytes));
    }

    /// Writes a control frame that answers one, while that is possible.
    pub(super) fn reply(&self, frame: Vec<u8>, category: Category, out: &mut Out) {
        if self.writable() {
            out.charge(self.connection, Direction::Up, category, frame.len());
            out.commands.push(Command::Write(self.connection, frame));
        }
    }

    /// Says goodbye as browsers do, without a code, and ends the sending direction.
    pub(super) fn leave(&mut self, category: Category, out: &mut Out) {
        let mut frame = Vec::new();
        self.messages.write(Opcode::Close, b"", &mut frame);
        self.reply(frame, category, out);
        self.shut(out);
    }

    /// Ends the sending direction.
    pub(super) fn shut(&mut self, out: &mut Out) {
        if !mem::replace(&mut self.shut, true) {
            out.commands.push(Command::Shut(self.connection));
        }
    }

    /// The connection is gone.
    pub(super) fn ended(&mut self) {
        self.shut = true;
    }

    /// Bytes taken that are not charged yet.
    pub(super) fn pending(&self) -> usize {
        self.answer.as_ref().map_or(0, |answer| answer.pending()) + self.messages.pending()
    }
}
