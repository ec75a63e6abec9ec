//! The server half of two-way streams of items, whatever their frames: one task a connection.

use std::{future, io, pin::pin, time::Duration};

use bytes::Bytes;
use hub::{Hub, Stored, Subscription};
use rand::RngExt as _;
use tokio::time::{Instant, sleep, timeout};
use wire::{
    Ack, Close, Control, Hello, Position, Refusal, RoomName,
    uplink::{self, Uplink},
};

use crate::answer::Refused;

/// How long a peer has to answer a goodbye before its connection is cut: as long as a retransmission takes.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A connection after its upgrade, with frames of some kind.
pub(crate) trait Carrier: Send {
    /// The next thing that comes in.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read in part is read on by the next call.
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Writes control items and publications, in this order, and flushes.
    fn send(&mut self, control: Option<&Control>, items: &[Stored]) -> impl Future<Output = io::Result<()>> + Send;

    /// Asks the peer to show that it lives.
    fn heartbeat(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Says goodbye and waits for the peer's, for [`GOODBYE`] at most.
    fn close(self, close: Close) -> impl Future<Output = ()> + Send;
}

/// What came in.
pub(crate) enum Incoming {
    /// An item.
    Item(Bytes),
    /// Something that shows that the peer lives.
    Alive,
    /// Nothing more will come. Where the peer broke a rule, it has been told.
    End,
}

/// One accepted connection: where it belongs, and what it gets.
pub(crate) struct Stream {
    pub(crate) hub: Hub,
    pub(crate) room: RoomName,
    /// Where the stream starts, for the hello.
    pub(crate) position: Position,
    /// None for an uplink alone.
    pub(crate) subscription: Option<Subscription>,
}

impl Stream {
    /// Carries items both ways until one end ends it.
    pub(crate) async fn run<C: Carrier>(self, mut carrier: C) {
        let closing = self.hub.closing();
        if let Err(Ended::Closing(close)) = self.carry(&mut carrier, closing).await {
            carrier.close(close).await;
        }
    }

    async fn carry<C: Carrier>(self, carrier: &mut C, closing: impl Future<Output = Close>) -> Result<(), Ended> {
        let Self { hub, room, position, mut subscription } = self;
        let limits = hub.limits();
        let heartbeat_ms = u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let session = session_id();
        let hello = Control::Hello(Hello { position, session, heartbeat_ms });
        carrier.send(Some(&hello), &[]).await?;
        let mut closing = pin!(closing);
        let mut heartbeat = pin!(sleep(limits.heartbeat));
        let mut unanswered = false;
        loop {
            let next = async {
                match &mut subscription {
                    Some(subscription) => subscription.next(limits.reply()).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                close = &mut closing => return Err(Ended::Closing(close)),
                batch = next => {
                    let gap = batch.gap.map(Control::Gap);
                    let sent = timeout(limits.slow_writer, carrier.send(gap.as_ref(), &batch.items));
                    sent.await.map_err(|_elapsed| Ended::Gone)??;
                }
                incoming = carrier.receive() => {
                    unanswered = false;
                    heartbeat.as_mut().reset(Instant::now() + limits.heartbeat);
                    match incoming {
                        Incoming::End => return Ok(()),
                        Incoming::Alive => {}
                        Incoming::Item(item) => {
                            let answer = answer(&hub, &room, &item);
                            let sent = timeout(limits.slow_writer, carrier.send(Some(&answer), &[]));
                            sent.await.map_err(|_elapsed| Ended::Gone)??;
                        }
                    }
                }
                () = &mut heartbeat => {
                    if unanswered {
                        return Err(Ended::Gone);
                    }
                    carrier.heartbeat().await?;
                    unanswered = true;
                    heartbeat.as_mut().reset(Instant::now() + limits.answer_within);
                }
            }
        }
    }
}

/// Why a stream ends from this side.
enum Ended {
    /// The server says so.
    Closing(Close),
    /// The peer does not answer, does not read, or is gone.
    Gone,
}

impl From<io::Error> for Ended {
    fn from(_gone: io::Error) -> Self {
        Self::Gone
    }
}

/// Takes one uplink item and says what became of it.
pub(crate) fn answer(hub: &Hub, room: &RoomName, item: &[u8]) -> Control {
    let text = String::from_utf8_lossy(item);
    let parsed: Result<Uplink<'_>, _> = serde_json::from_str(&text);
    let (reference, published) = match &parsed {
        Ok(uplink) => {
            let published = hub.publish(room, &uplink.publish, None, measure::unix_time_us());
            (uplink.reference, published.map_err(Refused::from))
        }
        Err(error) => {
            let detail = format!(r#"{error}; send {{"publish":{{"event":"message","data":..}},"ref":1}}"#);
            (uplink::reference_of(&text), Err(Refused::bad_request("bad-item", detail)))
        }
    };
    match published {
        Ok(position) => Control::Ack(Ack { reference, position }),
        Err(refused) => {
            let detail = refused.detail().to_owned();
            Control::Error(Refusal { reference, status: refused.status(), detail })
        }
    }
}

/// The name of an anonymous session, which lasts as long as its connection.
fn session_id() -> String {
    format!("{:016x}", rand::rng().random::<u64>())
}
