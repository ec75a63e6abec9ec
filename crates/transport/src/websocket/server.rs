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
        .max_write_buffer_size(2 * (limits.reply_bytes + max_item_bytes))
        .max_message_size(max_item_bytes)
        .max_frame_size(max_item_bytes);
    let position = subscription.position().clone();
    let stream = Stream { hub, room: feed.room, position, subscription: Some(subscription) };
    Ok(upgrade.on_upgrade(|socket| stream.run(Frames { socket })))
}

/// Items as text messages.
struct Frames {
    socket: WebSocket,
}

impl Frames {
    /// Tells the peer which rule it broke.
    async fn refuse(&mut self, code: u16, reason: &'static str) -> Incoming {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // Told as far as it goes: the connection ends either way.
        let _told = timeout(GOODBYE, self.socket.send(Message::Close(Some(frame)))).await;
        Incoming::End
    }
}

impl Carrier for Frames {
    async fn receive(&mut self) -> Incoming {
        match self.socket.recv().await {
            Some(Ok(Message::Text(text))) => Incoming::Item(text.into()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Alive,
            Some(Ok(Message::Binary(_))) => {
                self.refuse(close_code::UNSUPPORTED, "binary messages are not carried; send text").await
            }
            Some(Ok(Message::Close(_))) => {
                // The library answers the close when the stream is driven on.
                let _answered = timeout(GOODBYE, self.socket.recv()).await;
                Incoming::End
            }
            None => Incoming::End,
            Some(Err(error)) => match error.into_inner().downcast_ref() {
                Some(ProtocolError::Capacity(CapacityError::MessageTooLong { .. })) => {
                    self.refuse(close_code::SIZE, "the message is too large").await
                }
                Some(ProtocolError::Utf8(_)) => self.refuse(close_code::INVALID, "the text is not UTF-8").await,
                Some(ProtocolError::Protocol(_)) => self.refuse(close_code::PROTOCOL, "a frame breaks RFC 6455").await,
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
        let frame = CloseFrame { code: close.code, reason: close.reason.clone().into() };
        let goodbye = async {
            self.send(Some(&Control::Close(close)), &[]).await?;
            self.socket.send(Message::Close(Some(frame))).await.map_err(io::Error::other)?;
            while let Some(Ok(_)) = self.socket.recv().await {}
            io::Result::Ok(())
        };
        // Whether it was heard or not, the connection is over.
        let _heard = timeout(GOODBYE, goodbye).await;
    }
}
