//! What carries a session's packets: requests that are held until there is something, or a WebSocket.

use std::{collections::VecDeque, future, io, time::Duration};

use axum::extract::ws::Message;
use bytes::Bytes;
use hub::Limits;
use tokio::{sync::oneshot, time::Instant};
use wire::engine_io::{Packet, SEPARATOR};

use crate::websocket_server::{Messages, Received};

/// How long a poll is held that comes while a WebSocket is tried out: the reference implementation's beat. A client that wants
/// to stop polling has to wait for one only when its last answer has crossed the WebSocket's.
const PROBE_BEAT: Duration = Duration::from_millis(100);

/// What a packet costs beside its bytes, about.
const PACKET_BYTES: usize = 64;

/// A request that waits for a payload.
pub(super) type Poll = oneshot::Sender<Result<String, BadRequest>>;

/// A request that has no place in the session as it stands.
#[derive(Debug)]
pub(super) struct BadRequest;

/// Packets that wait to be written, in order.
///
/// Bounded by whoever fills it: the application is asked for more only when it can be written, and a session that lets
/// more answers pile up than one reply holds is ended.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    packets: VecDeque<Outgoing>,
    bytes: usize,
}

#[derive(Debug)]
enum Outgoing {
    /// A packet as it stands in a text frame.
    Text(Bytes),
    /// What goes without a type into a binary frame.
    Binary(Vec<u8>),
}

impl Outbox {
    /// Adds a packet that is encoded already, type first. It is UTF-8.
    pub(super) fn encoded(&mut self, packet: impl Into<Bytes>) {
        let packet = packet.into();
        self.bytes += packet.len() + PACKET_BYTES;
        self.packets.push_back(Outgoing::Text(packet));
    }

    /// Adds a packet of text.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        let mut text = String::new();
        packet.encode(&mut text);
        self.encoded(text);
    }

    /// Adds a message of bytes.
    pub(super) fn binary(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len() + PACKET_BYTES;
        self.packets.push_back(Outgoing::Binary(bytes));
    }

    /// Takes over all of `other`.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.packets.append(&mut other.packets);
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    fn take(&mut self) -> impl Iterator<Item = Outgoing> {
        std::mem::take(self).packets.into_iter()
    }

    /// All packets as the payload of one answer.
    fn take_payload(&mut self) -> io::Result<String> {
        let mut payload = String::with_capacity(self.bytes);
        for packet in self.take() {
            if !payload.is_empty() {
                payload.push(SEPARATOR);
            }
            match packet {
                Outgoing::Text(packet) => payload.push_str(str::from_utf8(&packet).map_err(io::Error::other)?),
                Outgoing::Binary(bytes) => Packet::Binary(bytes).encode(&mut payload),
            }
        }
        Ok(payload)
    }
}

/// What a carrier brings by itself.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Something came over the WebSocket.
    Message(Received),
    /// The client gave a poll up: what was sent to it may be lost, and it knows that.
    Abandoned,
}

/// See the file.
#[derive(Debug)]
pub(super) enum Carrier {
    Polling {
        /// The request that is held.
        poll: Option<Poll>,
        /// While a WebSocket is tried out: when a poll that brings nothing is answered, so that the client can stop polling.
        noop_due: Option<Instant>,
    },
    WebSocket(Box<Messages>),
}

impl Carrier {
    pub(super) const fn polling() -> Self {
        Self::Polling { poll: None, noop_due: None }
    }

    /// How much may be asked of the application now; none when it could not be written.
    pub(super) fn batch_bytes(&self, limits: &Limits) -> Option<usize> {
        match self {
            Self::Polling { poll, .. } => poll.is_some().then_some(limits.reply_bytes),
            Self::WebSocket(_) => Some(limits.piece().bytes),
        }
    }

    pub(super) fn is_polling(&self) -> bool {
        matches!(self, Self::Polling { .. })
    }

    /// Until when a poll is held at the longest.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Polling { poll: Some(_), noop_due } => *noop_due,
            Self::Polling { poll: None, .. } | Self::WebSocket(_) => None,
        }
    }

    /// Writes what is in `outbox` where that can be done now. Not to be given up halfway.
    pub(super) async fn write(&mut self, outbox: &mut Outbox) -> io::Result<()> {
        if outbox.is_empty() {
            return Ok(());
        }
        match self {
            Self::Polling { poll, .. } => {
                if let Some(poll) = poll.take() {
                    poll.send(Ok(outbox.take_payload()?)).map_err(|_unread| io::ErrorKind::BrokenPipe)?;
                }
            }
            Self::WebSocket(messages) => {
                for packet in outbox.take() {
                    match packet {
                        Outgoing::Text(packet) => messages.feed_text(packet).await?,
                        Outgoing::Binary(bytes) => messages.feed(Message::Binary(bytes.into())).await?,
                    }
                }
                messages.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends a poll that has been held for as long as it may.
    pub(super) fn on_time(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.release(&Packet::Noop);
        }
    }

    /// The next thing that the carrier brings. Cancel safe.
    pub(super) async fn incoming(&mut self) -> Incoming {
        match self {
            Self::Polling { poll: Some(poll), .. } => {
                poll.closed().await;
                Incoming::Abandoned
            }
            Self::Polling { .. } => future::pending().await,
            Self::WebSocket(messages) => Incoming::Message(messages.receive().await),
        }
    }

    /// Holds a request until there is something. Two at a time are against the protocol.
    pub(super) fn poll(&mut self, new: Poll) -> Result<(), BadRequest> {
        match self {
            Self::Polling { poll: poll @ None, noop_due } => {
                *poll = Some(new);
                *noop_due = noop_due.map(|_| Instant::now() + PROBE_BEAT);
                Ok(())
            }
            Self::Polling { .. } | Self::WebSocket(_) => {
                refuse(new);
                Err(BadRequest)
            }
        }
    }

    /// Answers a request that is held with this packet alone.
    pub(super) fn release(&mut self, packet: &Packet<'_>) {
        if let Self::Polling { poll, .. } = self
            && let Some(poll) = poll.take()
        {
            let mut payload = String::new();
            packet.encode(&mut payload);
            // A client that is gone needs no answer.
            let _answered = poll.send(Ok(payload));
        }
    }

    /// A WebSocket wants to be tried out; whether it may.
    pub(super) fn probe(&mut self) -> bool {
        match self {
            Self::Polling { noop_due: noop_due @ None, .. } => {
                *noop_due = Some(Instant::now());
                true
            }
            Self::Polling { .. } | Self::WebSocket(_) => false,
        }
    }

    /// The WebSocket that was tried out came to nothing.
    pub(super) fn probe_failed(&mut self) {
        if let Self::Polling { noop_due, .. } = self {
            *noop_due = None;
        }
    }

    /// Goes on with `messages`. A client that says so has no poll under way, and one that has all the same is refused.
    pub(super) fn upgrade(&mut self, messages: Box<Messages>) {
        if let Self::Polling { poll: Some(poll), .. } = std::mem::replace(self, Self::WebSocket(messages)) {
            refuse(poll);
        }
    }
}

/// Refuses a request that has no place.
pub(super) fn refuse(poll: Poll) {
    // A client that is gone needs no answer.
    let _answered = poll.send(Err(BadRequest));
}
