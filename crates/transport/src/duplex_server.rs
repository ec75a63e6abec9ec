//! The server half of two-way streams of items, whatever their frames: one task a connection.

use std::{
    future, io,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use hub::{Caller, Connected, Hub, Stored, Subscription};
use tokio::time::{Instant, sleep};
use wire::{
    Ack, Close, Control, Hello, Position, Refusal, RoomName,
    uplink::{self, Uplink},
};

use crate::answer::Refused;

/// How long a peer has to answer a goodbye before its connection is cut: as long as a retransmission takes.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A connection after its upgrade, with frames of some kind.
pub(crate) trait Carrier: Send {
    /// How a peer can break the frames' rules.
    type Fault: Send;

    /// The next thing that comes in.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read in part is read on by the next call, and nothing is written.
    fn receive(&mut self) -> impl Future<Output = Incoming<Self::Fault>> + Send;

    /// Writes control items and publications, in this order, and flushes.
    fn send(&mut self, control: Option<&Control>, items: &[Stored]) -> impl Future<Output = io::Result<()>> + Send;

    /// Asks the peer to show that it lives.
    fn heartbeat(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Says goodbye and waits for the peer's end, for [`GOODBYE`] at most.
    fn close(self, close: Close) -> impl Future<Output = ()> + Send;

    /// Tells the peer which rule it broke and waits for its end, for [`GOODBYE`] at most.
    fn refuse(self, fault: Self::Fault) -> impl Future<Output = ()> + Send;
}

/// What came in.
pub(crate) enum Incoming<F> {
    /// An item.
    Item(Bytes),
    /// Something that shows that the peer lives.
    Alive,
    /// Something that breaks a rule; nothing after it can be understood.
    Fault(F),
    /// Nothing more will come.
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
    /// Who is at the other end.
    pub(crate) caller: Caller,
    /// Counted for as long as the stream is carried.
    pub(crate) connected: Connected,
}

impl Stream {
    /// Carries items both ways until one end ends it.
    ///
    /// A block and not an `async fn`, which would keep its arguments twice for as long as it runs; and the last words boxed, which
    /// would keep their room all the while.
    #[expect(clippy::manual_async_fn, reason = "see above")]
    pub(crate) fn run<C: Carrier>(mut self, mut carrier: C) -> impl Future<Output = ()> + Send {
        async move {
            let ended = {
                let (outlived, closing) = (outlived(&self.caller), pin!(self.hub.closing(&self.caller)));
                let carry = pin!(self.carry(&mut carrier, closing));
                match outlived {
                    None => carry.await,
                    Some(outlived) => tokio::select! {
                        ended = carry => ended,
                        () = outlived => Ended::Gone,
                    },
                }
            };
            match ended {
                Ended::Closing(close) => Box::pin(carrier.close(close)).await,
                Ended::Fault(fault) => Box::pin(carrier.refuse(fault)).await,
                Ended::Gone => {}
            }
        }
    }

    async fn carry<C: Carrier>(
        &mut self,
        carrier: &mut C,
        mut closing: Pin<&mut impl Future<Output = Close>>,
    ) -> Ended<C::Fault> {
        let Self { hub, room, position, subscription, caller, connected: _connected } = self;
        let limits = hub.limits();
        let heartbeat_ms = u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let hello =
            Control::Hello(Hello { position: position.clone(), session: caller.id().to_string(), heartbeat_ms });
        if carrier.send(Some(&hello), &[]).await.is_err() {
            return Ended::Gone;
        }
        let mut heartbeat = pin!(sleep(limits.heartbeat));
        let mut unanswered = false;
        loop {
            let next = async {
                match subscription {
                    Some(subscription) => subscription.next(limits.piece()).await,
                    None => future::pending().await,
                }
            };
            // A write is never given up halfway: what follows it could not be understood.
            let written = tokio::select! {
                close = &mut closing => return Ended::Closing(close),
                batch = next => {
                    let gap = batch.gap.map(Control::Gap);
                    carrier.send(gap.as_ref(), &batch.items).await.is_ok()
                }
                incoming = carrier.receive() => {
                    unanswered = false;
                    heartbeat.as_mut().reset(Instant::now() + limits.heartbeat);
                    match incoming {
                        Incoming::End => return Ended::Gone,
                        Incoming::Fault(fault) => return Ended::Fault(fault),
                        Incoming::Alive => true,
                        Incoming::Item(item) => {
                            let answer = answer(hub, room, caller, &item);
                            carrier.send(Some(&answer), &[]).await.is_ok()
                        }
                    }
                }
                () = &mut heartbeat => {
                    if unanswered {
                        return Ended::Gone;
                    }
                    unanswered = true;
                    heartbeat.as_mut().reset(Instant::now() + limits.answer_within);
                    carrier.heartbeat().await.is_ok()
                }
            };
            if !written {
                return Ended::Gone;
            }
        }
    }
}

/// Resolves when a connection of a session that was ended has had time to hear of it, and is to be cut: a peer that does not
/// read keeps a write waiting for longer. None for a caller without a name. Boxed: the many who have none do not pay for it.
pub(crate) fn outlived(caller: &Caller) -> Option<Pin<Box<impl Future<Output = ()> + Send + use<>>>> {
    let ended = caller.ended()?;
    Some(Box::pin(async move {
        ended.await;
        sleep(GOODBYE).await;
    }))
}

/// How a stream ended on this side.
enum Ended<F> {
    /// The server says so.
    Closing(Close),
    /// The peer broke a rule.
    Fault(F),
    /// The peer does not answer, does not read, or is gone.
    Gone,
}

/// Takes one uplink item and says what became of it.
pub(crate) fn answer(hub: &Hub, room: &RoomName, caller: &Caller, item: &[u8]) -> Control {
    let text = str::from_utf8(item);
    let parsed = text
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str::<Uplink<'_>>(text).map_err(|error| error.to_string()));
    let (reference, published) = match &parsed {
        Ok(uplink) => {
            let published = hub.publish(room, &uplink.publish, caller, measure::unix_time_us());
            (uplink.reference, published.map_err(Refused::from))
        }
        Err(error) => {
            let detail = format!(r#"{error}; send {{"publish":{{"event":"message","data":..}},"ref":1}}"#);
            (text.ok().and_then(uplink::reference_of), Err(Refused::bad_request("bad-item", detail)))
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
