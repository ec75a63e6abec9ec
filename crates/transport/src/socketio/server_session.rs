//! One Engine.IO session: a task that owns what is to be sent, who is in it, and the carrier of the moment.
//!
//! The task is the only one that touches the session, so messages are taken in the order in which they came, whatever
//! carried them. It reads from the application only when there is somewhere to write: a slow reader costs a position in a
//! room. What is queued here is one batch, and over HTTP the answers that the client has not fetched; when those are more
//! than one reply, the session ends.

use std::{future, pin::pin, time::Duration};

use axum::extract::ws::{Utf8Bytes, close_code};
use bytes::Bytes;
use futures_util::FutureExt as _;
use hub::{Caller, Connected, Hub, Limits};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use wire::{
    Close,
    engine_io::{self, Handshake, Packet},
};

use super::server_carrier::{BadRequest, Carrier, Incoming, Outbox, Poll, refuse};
use crate::{
    duplex_server::{GOODBYE, outlived},
    websocket_server::{Messages, Received},
};

/// What is carried, in one direction.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Text(&'a str),
    Binary(Vec<u8>),
}

/// What stands on a session.
pub(super) trait Application: Send + 'static {
    /// Takes a message; what it answers goes into `out`.
    ///
    /// # Errors
    ///
    /// When the message cannot be understood: the session ends.
    fn receive(&mut self, message: Message<'_>, out: &mut Outbox) -> Result<(), Broken>;

    /// Waits for what is to be sent unasked: about `most_bytes` of it. Cancel safe.
    fn next(&mut self, most_bytes: usize) -> impl Future<Output = Outbox> + Send;

    /// Whether somebody is there; a session to which nobody comes is closed after some time.
    fn is_connected(&self) -> bool;

    /// Says that the session ends.
    fn close(&mut self, close: &Close, out: &mut Outbox);
}

/// A message that cannot be understood.
#[derive(Debug)]
pub(super) struct Broken;

/// What HTTP requests bring to a session.
#[derive(Debug)]
pub(super) enum Input {
    /// A request for what is there.
    Poll(Poll),
    /// A payload.
    Post(Bytes, oneshot::Sender<Result<(), BadRequest>>),
    /// A WebSocket is being tried out; whether it may be.
    Probe(oneshot::Sender<bool>),
    /// It came to nothing.
    ProbeFailed,
    /// The session goes on there.
    Upgrade(Box<Messages>),
}

/// Where requests arrive, and the seat that a session takes which may have no connection.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) requests: mpsc::Receiver<Input>,
    pub(super) _seat: OwnedSemaphorePermit,
}

/// How a session ends.
#[derive(Debug)]
enum End {
    /// The client is gone.
    Gone,
    /// The client says so.
    Left,
    /// The client does not answer, or there is nobody in it.
    Silent,
    /// The client broke a rule, which the close frame names.
    Fault(u16, &'static str),
    /// The server says so.
    Closing(Close),
}

/// The end of a session whose client sends what the protocol does not have.
const BROKEN: End = End::Fault(close_code::POLICY, "the message is not understood");

/// Who is at the other end of a session, counted among the connections of theirs for as long as it lives.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) caller: Caller,
    pub(super) _connected: Connected,
}

/// See the file.
pub(super) struct Session<A> {
    app: A,
    hub: Hub,
    guest: Guest,
    carrier: Carrier,
    /// None once requests are no longer taken.
    inputs: Option<Inputs>,
    outbox: Outbox,
    /// When the last write ended: nobody can be asked while one is under way.
    written: Instant,
    /// When the next ping is due; none while one is not answered.
    ping_due: Option<Instant>,
    /// When the answer to the last one is due.
    pong_due: Option<Instant>,
    /// Until when somebody must have come; none once somebody has.
    connect_due: Option<Instant>,
}

/// The first packet of every session.
pub(super) fn open_packet(sid: &str, upgrades: &[&str], limits: &Limits) -> String {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let handshake = Handshake {
        sid: sid.to_owned(),
        upgrades: upgrades.iter().map(|carrier| (*carrier).to_owned()).collect(),
        ping_interval_ms: millis(limits.heartbeat),
        ping_timeout_ms: millis(limits.answer_within),
        max_payload_bytes: limits.item_bytes() as u64,
    };
    let mut packet = String::new();
    Packet::Open(&handshake.encode()).encode(&mut packet);
    packet
}

impl<A: Application> Session<A> {
    /// A session over HTTP, which `inputs` bring requests to.
    pub(super) fn polling(app: A, hub: Hub, guest: Guest, inputs: Inputs) -> Self {
        Self::new(app, hub, guest, Carrier::polling(), Some(inputs))
    }

    /// A session on a WebSocket, which has been told the open packet.
    pub(super) fn websocket(app: A, hub: Hub, guest: Guest, messages: Messages) -> Self {
        Self::new(app, hub, guest, Carrier::WebSocket(Box::new(messages)), None)
    }

    fn new(app: A, hub: Hub, guest: Guest, carrier: Carrier, inputs: Option<Inputs>) -> Self {
        let now = Instant::now();
        let limits = hub.limits();
        let ping_due = Some(now + limits.heartbeat);
        let connect_due = Some(now + limits.connect_within).filter(|_| !app.is_connected());
        Self {
            app,
            guest,
            carrier,
            inputs,
            outbox: Outbox::default(),
            written: now,
            ping_due,
            pong_due: None,
            connect_due,
            hub,
        }
    }

    /// Lives until one end ends it. As [`Stream::run`](crate::duplex_server::Stream::run), so that it keeps nothing twice.
    #[expect(clippy::manual_async_fn, reason = "see there")]
    pub(super) fn run(mut self) -> impl Future<Output = ()> + Send {
        async move {
            let outlived = outlived(&self.guest.caller);
            let end = {
                let carry = pin!(self.carry());
                match outlived {
                    None => carry.await,
                    Some(outlived) => tokio::select! {
                        end = carry => end,
                        () = outlived => End::Gone,
                    },
                }
            };
            Box::pin(self.finish(end)).await;
        }
    }

    async fn carry(&mut self) -> End {
        let mut closing = pin!(self.hub.closing(&self.guest.caller));
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            if !self.outbox.is_empty() {
                // An answer that is on its way takes the end along: a client that connects anew for every poll finds nobody.
                if self.carrier.is_polling()
                    && let Some(close) = self.hub.is_closing(&self.guest.caller)
                {
                    return End::Closing(close);
                }
                // A write is never given up halfway: what follows it could not be understood.
                if self.carrier.write(&mut self.outbox).await.is_err() {
                    return End::Gone;
                }
                self.written = Instant::now();
            }
            if self.outbox.bytes() > self.hub.limits().reply_bytes {
                // It sends and does not ask for the answers.
                return End::Silent;
            }
            let due = [self.ping_due, self.pong_due, self.connect_due, self.carrier.due()].into_iter().flatten().min();
            if let Some(due) = due.filter(|due| timer.deadline() != *due) {
                timer.as_mut().reset(due);
            }
            let most_bytes = self.carrier.batch_bytes(self.hub.limits());
            let next = async {
                match most_bytes {
                    Some(most_bytes) => self.app.next(most_bytes).await,
                    None => future::pending().await,
                }
            };
            let ended = tokio::select! {
                close = &mut closing => Err(End::Closing(close)),
                Some(input) = input(&mut self.inputs) => self.on_input(input),
                incoming = self.carrier.incoming() => self.on_incoming(incoming),
                mut more = next => {
                    self.outbox.append(&mut more);
                    Ok(())
                }
                () = &mut timer => self.on_time(),
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    fn on_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let limits = self.hub.limits();
        self.carrier.on_time(now);
        if let Some(due) = self.ping_due.take_if(|due| *due <= now) {
            self.outbox.packet(&Packet::Ping(""));
            self.pong_due = Some(due.max(self.written) + limits.answer_within);
        }
        while self.is_overdue(now) {
            // What is here already was in time; it could not be read while a write was under way.
            if let Some(incoming) = self.carrier.incoming().now_or_never() {
                self.on_incoming(incoming)?;
            } else if let Some(Some(input)) = input(&mut self.inputs).now_or_never() {
                self.on_input(input)?;
            } else {
                return Err(End::Silent);
            }
        }
        Ok(())
    }

    fn is_overdue(&self, now: Instant) -> bool {
        [self.pong_due, self.connect_due].into_iter().flatten().any(|due| due <= now)
    }

    fn on_input(&mut self, input: Input) -> Result<(), End> {
        match input {
            // Requests come in order, so an answer that was in time stood before this one.
            Input::Poll(poll) if self.is_overdue(Instant::now()) => {
                refuse(poll);
                Err(End::Silent)
            }
            // Two at once: it cannot be known which of them is read.
            Input::Poll(poll) => self.carrier.poll(poll).map_err(|BadRequest| End::Silent),
            Input::Post(payload, done) => {
                let taken = self.on_payload(&payload);
                let answer = if matches!(taken, Err(End::Fault(..))) { Err(BadRequest) } else { Ok(()) };
                // Whoever waited for it is gone, and takes the session with it elsewhere.
                let _told = done.send(answer);
                taken
            }
            Input::Probe(may) => {
                let _told = may.send(self.carrier.probe());
                Ok(())
            }
            Input::ProbeFailed => {
                self.carrier.probe_failed();
                Ok(())
            }
            Input::Upgrade(messages) => {
                self.carrier.upgrade(messages);
                // Requests with this session's id are no longer answered.
                self.inputs = None;
                Ok(())
            }
        }
    }

    fn on_payload(&mut self, payload: &[u8]) -> Result<(), End> {
        let text = str::from_utf8(payload).map_err(|_error| BROKEN)?;
        engine_io::packets(text).try_for_each(|packet| self.on_packet(packet))
    }

    fn on_incoming(&mut self, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Message(Received::Text(text)) => self.on_packet(&text),
            Incoming::Message(Received::Binary(bytes)) => self.on_message(Message::Binary(bytes.into())),
            Incoming::Message(Received::Alive) => Ok(()),
            Incoming::Message(Received::Fault((code, reason))) => Err(End::Fault(code, reason)),
            Incoming::Message(Received::End) | Incoming::Abandoned => Err(End::Gone),
        }
    }

    fn on_packet(&mut self, packet: &str) -> Result<(), End> {
        match Packet::decode(packet) {
            Ok(Packet::Message(text)) => self.on_message(Message::Text(text)),
            Ok(Packet::Binary(bytes)) => self.on_message(Message::Binary(bytes)),
            Ok(Packet::Pong(_)) => {
                (self.ping_due, self.pong_due) = (Some(Instant::now() + self.hub.limits().heartbeat), None);
                Ok(())
            }
            Ok(Packet::Close) => Err(End::Left),
            Ok(Packet::Open(_) | Packet::Ping(_) | Packet::Upgrade | Packet::Noop) | Err(_) => Err(BROKEN),
        }
    }

    fn on_message(&mut self, message: Message<'_>) -> Result<(), End> {
        self.app.receive(message, &mut self.outbox).map_err(|Broken| BROKEN)?;
        self.connect_due.take_if(|_| self.app.is_connected());
        Ok(())
    }

    /// Says the last words, where there are some and somebody to hear them.
    async fn finish(mut self, end: End) {
        let (code, reason) = match end {
            End::Gone => return,
            End::Left => {
                self.carrier.release(&Packet::Noop);
                (close_code::NORMAL, Utf8Bytes::default())
            }
            End::Silent => (close_code::NORMAL, "the session is over".into()),
            End::Fault(code, reason) => (code, reason.into()),
            End::Closing(close) => {
                self.app.close(&close, &mut self.outbox);
                let last = async {
                    self.write_last().await?;
                    // In an answer of its own: official clients act on it before they hand over what stands before it.
                    self.outbox.packet(&Packet::Close);
                    self.write_last().await
                };
                // Those who wait for the next poll wait no longer than for a peer's goodbye.
                let _heard = timeout(GOODBYE, last).await;
                (close.code, close.reason.into())
            }
        };
        self.carrier.release(&Packet::Close);
        if let Carrier::WebSocket(messages) = self.carrier {
            messages.part(code, reason).await;
        }
    }

    /// Writes what is left, over HTTP with the next poll.
    async fn write_last(&mut self) -> Option<()> {
        loop {
            self.carrier.write(&mut self.outbox).await.ok()?;
            if self.outbox.is_empty() {
                return Some(());
            }
            match self.inputs.as_mut()?.requests.recv().await? {
                Input::Poll(poll) => self.carrier.poll(poll).ok()?,
                Input::Upgrade(messages) => self.carrier.upgrade(messages),
                Input::Post(..) | Input::Probe(_) | Input::ProbeFailed => {}
            }
        }
    }
}

/// The next request to the session; never one for a session that takes none.
async fn input(inputs: &mut Option<Inputs>) -> Option<Input> {
    match inputs {
        Some(inputs) => inputs.requests.recv().await,
        None => future::pending().await,
    }
}
