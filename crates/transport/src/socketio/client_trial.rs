//! The move from polls to a WebSocket, as the official client makes it.
//!
//! The probe goes over the WebSocket and has to come back. Then polling pauses: no further poll, and nothing is written until
//! the last poll and every post are answered. Then one packet goes over the WebSocket, and everything after it. Whatever goes
//! wrong there before that leaves the session where it is, for good.

use std::{iter, time::Duration};

use measure::{Category, Direction, Mono};
use wire::engine_io::PROBE;

use super::{
    client::{PONG, Subscription},
    client_polling::{Polling, Purpose},
    client_session::protocol,
};
use crate::driver::{Event, Out};

/// The packet after which everything goes over the WebSocket.
const UPGRADE: &str = "5";

/// How long a WebSocket may be on trial. What the official server gives a client for the same: longer is not worth waiting
/// for, and until then nothing is told.
const TRIAL: Duration = Duration::from_secs(10);

/// A WebSocket that does not carry the session yet.
#[derive(Debug)]
pub(super) struct Trial {
    stage: Stage,
    /// When it has failed at the latest.
    until: Mono,
    /// Pings that could not be answered while polling paused.
    pings: usize,
}

/// How far a trial has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The upgrade is asked for.
    Asking,
    /// [`PROBE`] is written.
    Probing,
    /// It came back. Polling pauses.
    Pausing,
}

impl Trial {
    /// A trial whose upgrade is being asked for.
    pub(super) fn begin(now: Mono) -> Self {
        Self { stage: Stage::Asking, until: now + TRIAL, pings: 0 }
    }

    /// When it has failed at the latest.
    pub(super) fn until(&self) -> Mono {
        self.until
    }

    /// Whether polling pauses.
    pub(super) fn pauses(&self) -> bool {
        self.stage == Stage::Pausing
    }

    /// Notes a ping that can be answered only when polling pauses no more.
    pub(super) fn keep_ping(&mut self) {
        self.pings += 1;
    }
}

impl Subscription {
    /// The upgrade was answered: tries the WebSocket out.
    pub(super) fn probe(&mut self, out: &mut Out) {
        if let (Some(trial), Some(socket)) = (&mut self.trial, &mut self.socket) {
            trial.stage = Stage::Probing;
            socket.send(&format!("2{PROBE}"), Purpose::All(Category::Handshake), out);
        }
    }

    /// Takes what a WebSocket on trial says: one word is right, at one time.
    ///
    /// # Errors
    ///
    /// Everything else; the trial has failed.
    pub(super) fn tried(&mut self, is_probe: bool, out: &mut Out) -> Result<(), Event> {
        match &mut self.trial {
            Some(trial) if trial.stage == Stage::Probing && is_probe => trial.stage = Stage::Pausing,
            _ => return Err(protocol("a packet that is not the answer to the probe")),
        }
        self.move_on(out);
        Ok(())
    }

    /// Moves over to the WebSocket when polling has come to rest.
    pub(super) fn move_on(&mut self, out: &mut Out) {
        let pausing = self.trial.as_ref().is_some_and(Trial::pauses);
        let at_rest = self.polling.as_ref().is_some_and(Polling::at_rest);
        if !pausing || !at_rest || self.session.ending {
            return;
        }
        let (Some(trial), Some(socket), Some(mut polling)) = (self.trial.take(), &mut self.socket, self.polling.take())
        else {
            return;
        };
        for packet in [UPGRADE].into_iter().chain(iter::repeat_n(PONG, trial.pings)) {
            socket.send(packet, Purpose::All(Category::Handshake), out);
        }
        polling.drop_held(Category::Handshake, out);
        polling.shut(out);
        self.session.settle(out);
    }

    /// The trial has failed: polls go on carrying the session.
    pub(super) fn give_up(&mut self, out: &mut Out) {
        let Some(trial) = self.trial.take() else { return };
        let Some(mut socket) = self.socket.take() else { return };
        out.charge(socket.connection, Direction::Down, Category::Handshake, socket.pending());
        socket.shut(out);
        self.given_up = Some(socket.connection);
        if !self.session.ending
            && let Some(polling) = &mut self.polling
        {
            for _ in 0..trial.pings {
                polling.post(PONG, Purpose::All(Category::Handshake), &mut self.requests, out);
            }
            if !polling.asks() {
                polling.ask(&mut self.requests, out);
            }
        }
        self.session.settle(out);
    }
}
