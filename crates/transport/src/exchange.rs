//! HTTP requests of drivers: one connection, answers in the order of requests, every byte handed to the ledger.

use std::collections::VecDeque;

use measure::{Category, Direction};
use serde::Deserialize;
use wire::{Ack, Close, Draft, Position, Refusal, http1, problem::Problem};

use crate::{
    driver::{Command, ConnectionId, DriverError, Event, Out},
    headers::Kind,
    target::Target,
};

/// The largest body that is read: far above what a server puts into one answer, so that an endless one is told from it.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// Not HTTP.
    #[error(transparent)]
    Http(#[from] http1::Error),
    /// More than is read.
    #[error("the body of an answer is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
}

/// Reads the answers on one connection, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    reader: http1::ResponseReader,
    answer: Answer,
}

/// One whole answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) head: http1::Head,
    pub(crate) body: Vec<u8>,
    /// Bytes of the head.
    pub(crate) head_bytes: usize,
    /// Bytes of chunk lines.
    pub(crate) framing_bytes: usize,
}

impl Answers {
    /// Takes the next whole answer off the front of `input`; none when it is not all there yet.
    ///
    /// # Errors
    ///
    /// When the bytes are not HTTP, or a body is longer than is read.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Answer>, AnswerError> {
        while let Some(event) = self.reader.next_event(input)? {
            match event {
                http1::Event::Head { head, bytes } => {
                    self.answer.head = head.clone();
                    self.answer.head_bytes = bytes;
                }
                // Bytes behind an upgrade that was not asked for are carried all the same.
                http1::Event::Body(piece) | http1::Event::Upgraded(piece) => self.answer.add(piece)?,
                http1::Event::Framing { bytes } => self.answer.framing_bytes += bytes,
                http1::Event::End => return Ok(Some(std::mem::take(&mut self.answer))),
            }
        }
        Ok(None)
    }

    /// Bytes that came in and belong to no whole answer.
    pub(crate) fn outstanding(&self) -> usize {
        self.reader.pending() + self.answer.bytes()
    }
}

impl Answer {
    fn add(&mut self, piece: &[u8]) -> Result<(), AnswerError> {
        self.body.extend_from_slice(piece);
        if self.body.len() > MAX_BODY_BYTES { Err(AnswerError::TooLong) } else { Ok(()) }
    }

    /// All bytes of the answer.
    pub(crate) fn bytes(&self) -> usize {
        self.head_bytes + self.framing_bytes + self.body.len()
    }

    /// The position that an answer without a body carries.
    pub(crate) fn feed_position(&self) -> Option<Position> {
        self.head.field("feed-position")?.parse().ok()
    }

    /// What an answer that is not the one hoped for means: an announced end, or a failure.
    pub(crate) fn refusal(&self) -> Event {
        let problem: Option<Problem> = serde_json::from_slice(&self.body).ok();
        if let Some(Problem { code: Some(code), detail, .. }) = problem {
            let seconds: u64 =
                self.head.field("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
            let reconnect = wire::control::codes::comes_back(code);
            return Event::Closed(Close {
                code,
                reason: detail,
                reconnect,
                retry_after_ms: seconds.saturating_mul(1000),
            });
        }
        Event::Failed(DriverError::Status { status: self.head.status(), detail: self.detail() })
    }

    fn detail(&self) -> String {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => problem.detail,
            Err(_) => String::from_utf8_lossy(&self.body).chars().take(200).collect(),
        }
    }
}

/// Reads the answer to a request that asks to leave HTTP.
#[derive(Debug, Default)]
pub(crate) struct UpgradeAnswer {
    reader: http1::ResponseReader,
    answer: Answer,
}

impl UpgradeAnswer {
    /// Takes the answer off the front of `input`. Gives the head of the 101 once it is all there: what is left then is not
    /// HTTP any more.
    ///
    /// # Errors
    ///
    /// What another answer means, or that it cannot be read. Nothing is held back then: all bytes taken are charged.
    pub(crate) fn next(
        &mut self,
        connection: ConnectionId,
        input: &mut &[u8],
        out: &mut Out,
    ) -> Result<Option<&http1::Head>, Event> {
        let mut charge = |bytes| out.charge(connection, Direction::Down, Category::Handshake, bytes);
        let failed = |error: AnswerError| Event::Failed(DriverError::Protocol(error.to_string()));
        loop {
            match self.reader.next_event(input) {
                Err(error) => {
                    charge(self.reader.pending());
                    return Err(failed(error.into()));
                }
                Ok(None) => return Ok(None),
                Ok(Some(http1::Event::Head { head, bytes })) => {
                    charge(bytes);
                    self.answer.head = head.clone();
                    if self.answer.head.status() == 101 {
                        return Ok(Some(&self.answer.head));
                    }
                }
                Ok(Some(http1::Event::Body(piece))) => {
                    charge(piece.len());
                    self.answer.add(piece).map_err(failed)?;
                }
                Ok(Some(http1::Event::Framing { bytes })) => charge(bytes),
                Ok(Some(http1::Event::End | http1::Event::Upgraded(_))) => return Err(self.answer.refusal()),
            }
        }
    }

    /// Bytes taken that are not charged yet.
    pub(crate) fn pending(&self) -> usize {
        self.reader.pending()
    }
}

/// The answer to a publish when nothing can be written any more.
pub(crate) fn too_late(reference: u64) -> Event {
    Event::Refused(Refusal { reference: Some(reference), status: 0, detail: "the subscription is over".to_owned() })
}

/// The uplink of transports that have none of their own: one `POST` a publish, on a connection beside the feed's.
#[derive(Debug, Default)]
pub(crate) struct PostUplink {
    answers: Answers,
    connection: Option<ConnectionId>,
    /// The references of publishes whose answers are due, in order.
    waiting: VecDeque<u64>,
}

impl PostUplink {
    /// Whether `connection` is this uplink's.
    pub(crate) fn owns(&self, connection: ConnectionId) -> bool {
        self.connection == Some(connection)
    }

    /// Writes one publish; `next` numbers the connection when there is none yet.
    pub(crate) fn publish(
        &mut self,
        target: &Target,
        draft: &Draft<'_>,
        reference: u64,
        next: &mut ConnectionId,
        out: &mut Out,
    ) {
        let body = draft.encode();
        let connection = *self.connection.get_or_insert_with(|| {
            out.commands.push(Command::Open(*next));
            *next += 1;
            *next - 1
        });
        let path = format!("/v1/{}/messages", target.room);
        let length = body.len().to_string();
        let authority = &target.origin.authority;
        let head = target.headers.head(Kind::Post, authority, &path, &[("{length}", &length)], &[]);
        let payload = draft.data.get().len();
        out.charge(connection, Direction::Up, Category::HttpHead, head.len());
        out.charge(connection, Direction::Up, Category::Payload, payload);
        out.charge(connection, Direction::Up, Category::Envelope, body.len() - payload);
        out.commands.push(Command::Write(connection, (head + &body).into_bytes()));
        self.waiting.push_back(reference);
    }

    /// Reads the answers to publishes.
    ///
    /// # Errors
    ///
    /// When an answer cannot be read; what is left in `bytes` then belongs to no answer.
    pub(crate) fn on_bytes(&mut self, bytes: &mut &[u8], out: &mut Out) -> Result<(), AnswerError> {
        #[derive(Deserialize)]
        struct Taken {
            position: Position,
        }
        let Some(connection) = self.connection else { return Ok(()) };
        while let Some(answer) = self.answers.next(bytes)? {
            out.charge(connection, Direction::Down, Category::HttpHead, answer.head_bytes);
            out.charge(connection, Direction::Down, Category::Framing, answer.framing_bytes + answer.body.len());
            let reference = self.waiting.pop_front();
            out.events.push(match serde_json::from_slice::<Taken>(&answer.body) {
                Ok(Taken { position }) if answer.head.status() == 201 => Event::Acked(Ack { reference, position }),
                _ => Event::Refused(Refusal { reference, status: answer.head.status(), detail: answer.detail() }),
            });
        }
        Ok(())
    }

    /// The connection is gone: charges what is left of it and refuses what was not answered.
    pub(crate) fn on_end(&mut self, out: &mut Out) {
        if let Some(connection) = self.connection.take() {
            out.charge(connection, Direction::Down, Category::Framing, self.answers.outstanding());
        }
        self.answers = Answers::default();
        for reference in self.waiting.drain(..) {
            let detail = "the connection ended before the answer".to_owned();
            out.events.push(Event::Refused(Refusal { reference: Some(reference), status: 0, detail }));
        }
    }

    /// Ends the connection.
    pub(crate) fn stop(&self, out: &mut Out) {
        out.commands.extend(self.connection.map(Command::Shut));
    }
}
