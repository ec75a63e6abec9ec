//! The server half of the floor.

use std::io;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::{Bytes, BytesMut};
use hub::{Hub, Stored};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use wire::{Close, Control, Refusal, length_prefixed};

use super::{PROTOCOL, SPEC};
use crate::{
    answer::Refused,
    connection::Connection,
    duplex_server::{Carrier, GOODBYE, Incoming, Stream},
    request::{self, Feed},
};

pub(super) fn routes(hub: Hub) -> Router {
    Router::new().route("/", get(subscribe)).with_state(hub)
}

#[derive(Deserialize)]
struct Options {
    receive: Option<bool>,
}

async fn subscribe(State(hub): State<Hub>, feed: Feed, request: Request) -> Result<Response, Refused> {
    let (mut parts, _body) = request.into_parts();
    let asked = parts.headers.get(header::UPGRADE).is_some_and(|value| value == PROTOCOL);
    let upgrade = parts.extensions.remove().filter(|_| asked).ok_or_else(|| {
        let detail = format!("this is a stream: ask with Connection: Upgrade and Upgrade: {PROTOCOL}");
        Refused::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", detail)
    })?;
    if let Some(close) = hub.is_closing(&feed.caller) {
        return Err(Refused::closing(close));
    }
    let options = request::query::<Options>(&parts.uri)?;
    let Feed { room, after, caller } = feed;
    let connected = caller.connect(hub.limits())?;
    let (position, subscription) = if options.receive == Some(false) {
        (hub.room(&room)?.position(), None)
    } else {
        let subscription = hub.subscribe(&room, after, &caller, SPEC.id)?;
        (subscription.position().clone(), Some(subscription))
    };
    let max_item_bytes = hub.limits().item_bytes();
    let stream = Stream { hub, room, position, subscription, caller, connected };
    tokio::spawn(async move {
        // A client that is gone before its answer needs none.
        if let Ok((connection, input)) = Connection::upgraded(upgrade).await {
            stream.run(Items { connection, input, max_item_bytes }).await;
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static(PROTOCOL)),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Items behind their length on a connection.
struct Items {
    connection: Connection,
    /// Bytes of the next item that have come.
    input: BytesMut,
    max_item_bytes: usize,
}

impl Items {
    /// Splits the next item off what has come.
    fn take(&mut self) -> Result<Option<Bytes>, Oversize> {
        let Some(header) = self.input.first_chunk::<{ length_prefixed::HEADER_LEN }>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        if length > self.max_item_bytes {
            return Err(Oversize(length));
        }
        if self.input.len() < header.len() + length {
            return Ok(None);
        }
        let mut item = self.input.split_to(length_prefixed::HEADER_LEN + length);
        if self.input.is_empty() {
            // Nothing is kept for a client that says nothing.
            self.input = BytesMut::new();
        }
        Ok(Some(item.split_off(length_prefixed::HEADER_LEN).freeze()))
    }

    /// Writes a last item and waits for the peer's end. What still comes is passed over: an end with unread bytes would be
    /// a reset, and a reset takes back what the peer has not read yet.
    async fn part(mut self, last: Control) {
        let goodbye = async {
            self.send(Some(&last), &[]).await?;
            self.connection.shutdown().await?;
            let mut rest = [0; 1024];
            while self.connection.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // Whether it was heard or not, the connection is over.
        let _heard = timeout(GOODBYE, goodbye).await;
    }
}

/// An item of more bytes than are taken.
struct Oversize(usize);

impl Carrier for Items {
    type Fault = Oversize;

    async fn receive(&mut self) -> Incoming<Oversize> {
        loop {
            match self.take() {
                Ok(Some(item)) if item.is_empty() => return Incoming::Alive,
                Ok(Some(item)) => return Incoming::Item(item),
                Ok(None) => {}
                Err(oversize) => return Incoming::Fault(oversize),
            }
            // Waiting holds no buffer: most clients say nothing for most of the time.
            if self.connection.readable().await.is_err() {
                return Incoming::End;
            }
            let mut piece = [0; 2048];
            match self.connection.try_read(&mut piece) {
                Ok(0) => return Incoming::End,
                Ok(length) => self.input.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_gone) => return Incoming::End,
            }
        }
    }

    async fn send(&mut self, control: Option<&Control>, items: &[Stored]) -> io::Result<()> {
        let size = items.iter().map(|item| length_prefixed::HEADER_LEN + item.json.len()).sum();
        let mut bytes = Vec::with_capacity(size);
        if let Some(control) = control {
            length_prefixed::encode(control.encode().as_bytes(), &mut bytes);
        }
        for item in items {
            length_prefixed::encode(&item.json, &mut bytes);
        }
        self.connection.write_all(&bytes).await
    }

    async fn heartbeat(&mut self) -> io::Result<()> {
        self.connection.write_all(&[0; length_prefixed::HEADER_LEN]).await
    }

    async fn close(self, close: Close) {
        self.part(Control::Close(close)).await;
    }

    async fn refuse(self, Oversize(length): Oversize) {
        let detail = format!("an item of {length} bytes; at most {} are taken", self.max_item_bytes);
        self.part(Control::Error(Refusal { reference: None, status: 413, detail })).await;
    }
}
