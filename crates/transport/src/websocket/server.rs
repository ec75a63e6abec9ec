//! The server half: items as text messages, and the echo that outside suites need.

use std::io;

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
    routing::any,
};
use bytes::Bytes;
use hub::{Hub, Stored};
use tokio::time::timeout;
use wire::{Close, Control};

use super::SPEC;
use crate::{
    answer::Refused,
    duplex_server::{Carrier, GOODBYE, Incoming, Stream},
    request::Feed,
    websocket_server::{Fault, Messages, Received, upgradable},
};

/// The largest message of the suites that check a WebSocket from outside: 16 MiB.
const SUITE_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn routes(hub: Hub) -> Router {
    // `any`, because over HTTP/2 the handshake is a CONNECT (RFC 8441).
    Router::new().route("/", any(subscribe)).with_state(hub)
}

/// Sends every message back: no feed, the same connection.
pub(super) fn echo(hub: Hub) -> Router {
    Router::new().route("/echo", any(echoed)).with_state(hub)
}

async fn subscribe(
    State(hub): State<Hub>,
    feed: Feed,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let upgrade = upgradable(upgrade)?;
    if let Some(close) = hub.is_closing(&feed.caller) {
        return Err(Refused::closing(close));
    }
    let Feed { room, after, caller } = feed;
    let connected = caller.connect(hub.limits())?;
    let subscription = hub.subscribe(&room, after, &caller, SPEC.id)?;
    let position = subscription.position().clone();
    let limits = hub.limits().clone();
    let stream = Stream { hub, room, position, subscription: Some(subscription), caller, connected };
    Ok(Messages::upgrade(upgrade, &limits, limits.item_bytes(), |messages| stream.run(messages)))
}

async fn echoed(
    State(hub): State<Hub>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let run = |mut messages: Messages| async move {
        loop {
            let message = match messages.receive().await {
                Received::Text(text) => Message::Text(text),
                Received::Binary(bytes) => Message::Binary(bytes),
                Received::Alive => continue,
                Received::Fault((code, reason)) => return messages.part(code, reason.into()).await,
                Received::End => return,
            };
            if messages.feed(message).await.is_err() || messages.flush().await.is_err() {
                return;
            }
        }
    };
    Ok(Messages::upgrade(upgradable(upgrade)?, hub.limits(), SUITE_MESSAGE_BYTES, run))
}

impl Carrier for Messages {
    type Fault = Fault;

    async fn receive(&mut self) -> Incoming<Fault> {
        match self.receive().await {
            Received::Text(text) => Incoming::Item(text.into()),
            Received::Binary(_) => Incoming::Fault((
                axum::extract::ws::close_code::UNSUPPORTED,
                "binary messages are not carried; send text",
            )),
            Received::Alive => Incoming::Alive,
            Received::Fault(fault) => Incoming::Fault(fault),
            Received::End => Incoming::End,
        }
    }

    async fn send(&mut self, control: Option<&Control>, items: &[Stored]) -> io::Result<()> {
        if let Some(control) = control {
            self.feed_text(control.encode()).await?;
        }
        for item in items {
            self.feed_text(item.json.clone()).await?;
        }
        self.flush().await
    }

    async fn heartbeat(&mut self) -> io::Result<()> {
        self.feed(Message::Ping(Bytes::new())).await?;
        self.flush().await
    }

    async fn close(mut self, close: Close) {
        let (code, reason) = (close.code, close.reason.clone().into());
        if matches!(timeout(GOODBYE, self.send(Some(&Control::Close(close)), &[])).await, Ok(Ok(()))) {
            self.part(code, reason).await;
        }
    }

    async fn refuse(self, (code, reason): Fault) {
        self.part(code, reason.into()).await;
    }
}
