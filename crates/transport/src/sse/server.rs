//! The server half: a body of events, each its own piece, publications framed once for all subscribers.

use std::{collections::VecDeque, convert::Infallible, pin::Pin, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use hub::{Caller, Connected, Hub, Stored, Subscription};
use serde::Deserialize;
use tokio::time::{Instant, Sleep, sleep};
use tokio_stream::StreamExt as _;
use wire::{Close, Control, Epoch, Hello, Position, sse};

use super::{CLOSE, GAP, HEARTBEAT, HELLO, SPEC};
use crate::{
    answer::Refused,
    request::{self, Feed},
};

/// Which of a publication's kept forms is the event.
const FORM: usize = 0;

/// Asks proxies of one family not to hold events back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes(hub: Hub) -> Router {
    Router::new().route("/", get(subscribe)).with_state(hub)
}

#[derive(Deserialize)]
struct Resume {
    last_event_id: Option<String>,
    #[serde(rename = "lastEventId")]
    last_event_id_camel: Option<String>,
}

async fn subscribe(State(hub): State<Hub>, mut feed: Feed, request: Request) -> Result<Response, Refused> {
    if let Some(close) = hub.is_closing(&feed.caller) {
        return Err(Refused::closing(close));
    }
    let resume = request::query::<Resume>(request.uri())?;
    let header = request.headers().get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let asked = [header.as_deref(), resume.last_event_id.as_deref(), resume.last_event_id_camel.as_deref()];
    if let Some(last) = asked.into_iter().flatten().find(|last| !last.is_empty()) {
        feed.after = last.parse()?;
    }
    let Feed { room, after, caller } = feed;
    let connected = caller.connect(hub.limits())?;
    let subscription = hub.subscribe(&room, after, &caller, SPEC.id)?;
    let position = subscription.position().clone();
    let heartbeat_ms = u64::try_from(hub.limits().heartbeat.as_millis()).unwrap_or(u64::MAX);
    let hello = Control::Hello(Hello { position: position.clone(), session: caller.id().to_string(), heartbeat_ms });
    let first = control(HELLO, Some(&position), &hello);
    let events = tokio_stream::once(first)
        .chain(stream::unfold(Events::new(hub, subscription, &caller, connected), Events::next));
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store"), (ACCEL_BUFFERING, "no")];
    Ok((headers, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response())
}

/// What one subscriber gets after the hello.
struct Events {
    hub: Hub,
    subscription: Subscription,
    /// Events of the last batch that have not gone out.
    ready: VecDeque<Bytes>,
    closing: Pin<Box<dyn Future<Output = Close> + Send>>,
    heartbeat: Pin<Box<Sleep>>,
    /// When the last event went out.
    last: Instant,
    over: bool,
    _connected: Connected,
}

impl Events {
    fn new(hub: Hub, subscription: Subscription, caller: &Caller, connected: Connected) -> Self {
        Self {
            ready: VecDeque::new(),
            closing: Box::pin(hub.closing(caller)),
            heartbeat: Box::pin(sleep(hub.limits().heartbeat)),
            last: Instant::now(),
            over: false,
            _connected: connected,
            hub,
            subscription,
        }
    }

    /// The next event. Asked for only when the one before has been taken: a slow reader is waited for, and the ring goes on.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.over {
            return None;
        }
        let heartbeat = self.hub.limits().heartbeat;
        let event = loop {
            if let Some(event) = self.ready.pop_front() {
                break event;
            }
            tokio::select! {
                batch = self.subscription.next(self.hub.limits().piece()) => {
                    if let Some(gap) = batch.gap {
                        let position = gap.position.clone();
                        self.ready.push_back(control(GAP, Some(&position), &Control::Gap(gap)));
                    }
                    let events = batch.items.iter().map(|stored| publication(stored, &batch.position.epoch));
                    self.ready.extend(events);
                }
                close = &mut self.closing => {
                    self.over = true;
                    let mut last = Vec::new();
                    sse::retry(Duration::from_millis(close.retry_after_ms), &mut last);
                    last.extend_from_slice(&control(CLOSE, None, &Control::Close(close)));
                    break last.into();
                }
                () = &mut self.heartbeat => {
                    let due = self.last + heartbeat;
                    let silent = due <= Instant::now();
                    self.heartbeat.as_mut().reset(if silent { Instant::now() + heartbeat } else { due });
                    if silent {
                        break event(Some(HEARTBEAT), None, r#"{"heartbeat":{}}"#);
                    }
                }
            }
        };
        self.last = Instant::now();
        Some((event, self))
    }
}

/// The event of a publication, framed once.
fn publication(stored: &Stored, epoch: &Epoch) -> Bytes {
    let position = |stored: &Stored| Position { epoch: epoch.clone(), offset: stored.offset };
    stored.form(FORM, |stored| event(None, Some(&position(stored)), stored.text())).clone()
}

fn control(name: &str, position: Option<&Position>, control: &Control) -> Bytes {
    event(Some(name), position, &control.encode())
}

#[expect(clippy::expect_used, reason = "neither our names nor a position can hold a line break")]
fn event(name: Option<&str>, position: Option<&Position>, data: &str) -> Bytes {
    let id = position.map(Position::to_string);
    let mut event = Vec::with_capacity(data.len() + 64);
    sse::encode(name, id.as_deref(), data, &mut event).expect("names and positions fit into a line");
    event.into()
}
