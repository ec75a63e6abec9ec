//! axum's WebSocket with every buffer and size set on purpose, for all transports that carry messages in it.

use std::io;

use axum::{
    extract::ws::{
        CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection,
    },
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use futures_util::SinkExt as _;
use hub::Limits;
use tokio::time::timeout;
use tungstenite::error::{CapacityError, Error as ProtocolError};

use crate::{answer::Refused, duplex_server::GOODBYE};

/// What is read at once, and what a connection holds for it. 1 KiB: a chat's messages fit, and the library's default of
/// 128 KiB is filled with zeros for every read.
const READ_BUFFER_BYTES: usize = 1024;

/// Frames are written together up to this size. A batch that is caught up on goes out in few writes; a single item goes out
/// at once, because every batch ends with a flush.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// How many times the largest message a message may be and still be read to its end, so that the refusal finds a peer that
/// is not writing any more. What is larger is refused as it begins, and the peer may see a reset before it sees why.
const READABLE: usize = 4;

/// A close code and the rule that was broken.
pub(crate) type Fault = (u16, &'static str);

/// The fault of a message over the limit.
const TOO_LARGE: Fault = (close_code::SIZE, "the message is too large");

/// What came in.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message of text.
    Text(Utf8Bytes),
    /// A message of bytes.
    Binary(Bytes),
    /// A ping or a pong. Pings are answered by the library.
    Alive,
    /// Something that breaks a rule; nothing after it can be understood.
    Fault(Fault),
    /// Nothing more will come.
    End,
}

/// An upgraded connection that carries messages.
#[derive(Debug)]
pub(crate) struct Messages {
    socket: WebSocket,
    max_message_bytes: usize,
}

/// A request that can become a WebSocket.
///
/// # Errors
///
/// 426 for one that cannot.
pub(crate) fn upgradable(
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, Refused> {
    upgrade.map_err(|rejection| Refused::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", rejection.to_string()))
}

impl Messages {
    /// Answers 101 and hands the connection to `run` in a task of its own. Longer messages than `max_message_bytes` are a
    /// fault.
    pub(crate) fn upgrade<R>(
        upgrade: WebSocketUpgrade,
        limits: &Limits,
        max_message_bytes: usize,
        run: impl FnOnce(Self) -> R + Send + 'static,
    ) -> Response
    where
        R: Future<Output = ()> + Send + 'static,
    {
        upgrade
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            // A batch is flushed before the next one is read, so this is never reached by a batch and its frames.
            .max_write_buffer_size(2 * (limits.reply_bytes + max_message_bytes + WRITE_BUFFER_BYTES))
            .max_message_size(READABLE * max_message_bytes)
            .max_frame_size(READABLE * max_message_bytes)
            .on_upgrade(move |socket| run(Self { socket, max_message_bytes }))
    }

    /// The next thing that comes in.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read in part is read on by the next call.
    pub(crate) async fn receive(&mut self) -> Received {
        match self.socket.recv().await {
            Some(Ok(Message::Text(text))) if text.len() > self.max_message_bytes => Received::Fault(TOO_LARGE),
            Some(Ok(Message::Binary(bytes))) if bytes.len() > self.max_message_bytes => Received::Fault(TOO_LARGE),
            Some(Ok(Message::Text(text))) => Received::Text(text),
            Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Received::Alive,
            Some(Ok(Message::Close(_))) => {
                // The library answers the close when the stream is driven on.
                let _answered = timeout(GOODBYE, self.socket.recv()).await;
                Received::End
            }
            None => Received::End,
            Some(Err(error)) => match error.into_inner().downcast_ref() {
                Some(ProtocolError::Capacity(CapacityError::MessageTooLong { .. })) => Received::Fault(TOO_LARGE),
                Some(ProtocolError::Utf8(_)) => Received::Fault((close_code::INVALID, "the text is not UTF-8")),
                Some(ProtocolError::Protocol(_)) => Received::Fault((close_code::PROTOCOL, "a frame breaks RFC 6455")),
                _ => Received::End,
            },
        }
    }

    /// Takes a message to be written with the next [`flush`](Self::flush), or before it.
    pub(crate) async fn feed(&mut self, message: Message) -> io::Result<()> {
        self.socket.feed(message).await.map_err(io::Error::other)
    }

    /// [`feed`](Self::feed) of text. Fails for bytes that are not UTF-8.
    pub(crate) async fn feed_text(&mut self, text: impl Into<Bytes>) -> io::Result<()> {
        let text = Utf8Bytes::try_from(text.into()).map_err(io::Error::other)?;
        self.feed(Message::Text(text)).await
    }

    /// Writes all that was fed.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.socket.flush().await.map_err(io::Error::other)
    }

    /// Writes a last close frame and waits for the peer's, for [`GOODBYE`] at most.
    pub(crate) async fn part(mut self, code: u16, reason: Utf8Bytes) {
        let goodbye = async {
            self.socket.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        // Whether it was heard or not, the connection is over.
        let _heard = timeout(GOODBYE, goodbye).await;
    }
}
