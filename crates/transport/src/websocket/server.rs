//! The server half: axum's upgrade, with every buffer and size set on purpose.

use std::io;

use axum::{
    Router,
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::StatusCode,
    response::Response,
    routing::any,
};
use bytes::Bytes;
use futures_util::SinkExt as _;
use hub::{Hub, Stored};
use tokio::time::timeout;
use tungstenite::error::{CapacityError, Error as ProtocolError};
use wire::{Close, Control};

use crate::{
    answer::Refused,
    duplex_server::{Carrier, GOODBYE, Incoming, Stream},
    request::Feed,
};

/// What is read at once, and what a connection holds for it. 1 KiB: a chat's messages fit, and the library's default of
/// 128 KiB is filled with zeros for every read.
const READ_BUFFER_BYTES: usize = 1024;

/// Frames are written together up to this size. A batch that is caught up on goes out in few writes; a single item goes out
/// at once, because every batch ends with a flush.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// How many times the largest item a message may be and still be read to its end, so that the refusal finds a peer that
/// is not writing any more. What is larger is refused as it begins, and the peer may see a reset before it sees why.
const READABLE: usize = 4;

/// The fault of a message over the limit.
const TOO_LARGE: Fault = (close_code::SIZE, "the message is too large");

pub(super) fn routes(hub: Hub) -> Router {
    // `any`, because over HTTP/2 the handshake is a CONNECT (RFC 8441).
    Router::new().route("/", any(subscribe)).with_state(hub)
}

async fn subscribe(
    State(hub): State<Hub>,
    feed: Feed,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let upgrade = upgrade
        .map_err(|rejection| Refused::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", rejection.to_string()))?;
    if let Some(close) = hub.is_closing() {
        return Err(Refused::closing(close));
    }
    let subscription = hub.subscribe(&feed.room, feed.after)?;
    let limits = hub.limits();
    let max_item_bytes = limits.item_bytes();
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        // A batch is flushed before the next one is read, so this is never reached by a batch and its frames.
        .max_write_buffer_size(2 * (limits.reply_bytes + max_item_bytes + WRITE_BUFFER_BYTES))
        .max_message_size(READABLE * max_item_bytes)
        .max_frame_size(READABLE * max_item_bytes);
    let position = subscription.position().clone();
    let stream = Stream { hub, room: feed.room, position, subscription: Some(subscription) };
    Ok(upgrade.on_upgrade(move |socket| stream.run(Frames { socket, max_item_bytes })))
}

/// Items as text messages.
struct Frames {
    socket: WebSocket,
    max_item_bytes: usize,
}

impl Frames {
    /// Writes a last close frame and waits for the peer's.
    async fn part(mut self, code: u16, reason: Utf8Bytes) {
        let goodbye = async {
            self.socket.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        // Whether it was heard or not, the connection is over.
        let _heard = timeout(GOODBYE, goodbye).await;
    }
}

/// A close code and the rule that was broken.
type Fault = (u16, &'static str);

impl Carrier for Frames {
    type Fault = Fault;

    async fn receive(&mut self) -> Incoming<Fault> {
        match self.socket.recv().await {
            Some(Ok(Message::Text(text))) if text.len() > self.max_item_bytes => Incoming::Fault(TOO_LARGE),
            Some(Ok(Message::Text(text))) => Incoming::Item(text.into()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Alive,
            Some(Ok(Message::Binary(_))) => {
                Incoming::Fault((close_code::UNSUPPORTED, "binary messages are not carried; send text"))
            }
            Some(Ok(Message::Close(_))) => {
                // The library answers the close when the stream is driven on.
                let _answered = timeout(GOODBYE, self.socket.recv()).await;
                Incoming::End
            }
            None => Incoming::End,
            Some(Err(error)) => match error.into_inner().downcast_ref() {
                Some(ProtocolError::Capacity(CapacityError::MessageTooLong { .. })) => Incoming::Fault(TOO_LARGE),
                Some(ProtocolError::Utf8(_)) => Incoming::Fault((close_code::INVALID, "the text is not UTF-8")),
                Some(ProtocolError::Protocol(_)) => Incoming::Fault((close_code::PROTOCOL, "a frame breaks RFC 6455")),
                _ => Incoming::End,
            },
        }
    }

    async fn send(&mut self, control: Option<&Control>, items: &[Stored]) -> io::Result<()> {
        if let Some(control) = control {
            self.socket.feed(Message::Text(control.encode().into())).await.map_err(io::Error::other)?;
        }
        for item in items {
            let text = Utf8Bytes::try_from(item.json.clone()).map_err(io::Error::other)?;
            self.socket.feed(Message::Text(text)).await.map_err(io::Error::other)?;
        }
        self.socket.flush().await.map_err(io::Error::other)
    }

    async fn heartbeat(&mut self) -> io::Result<()> {
        self.socket.send(Message::Ping(Bytes::new())).await.map_err(io::Error::other)
    }

    async fn close(mut self, close: Close) {
        let (code, reason) = (close.code, close.reason.clone().into());
        if matches!(timeout(GOODBYE, self.send(Some(&Control::Close(close)), &[])).await, Ok(Ok(()))) {
            self.part(code, reason).await;
        }
    }

    async fn refuse(self, (code, reason): Fault) {
        self.part(code, Utf8Bytes::from_static(reason)).await;
    }
}
