//! Deterministic tests: time is paused wherever something waits.

mod audience;
mod closing;
mod hub;
mod keys;
mod model;
mod presence;
mod publish_all;
mod room;
mod sessions;
mod subscription;
mod sweep;

use serde_json::value::RawValue;
use tokio::time::{Duration, timeout};
use wire::{Draft, Position, RoomName, SessionId};

use crate::{Batch, Caller, Hub, Limits, PublishError, ReadLimit, Subscription};

/// More than any test publishes.
const ALL: ReadLimit = ReadLimit { items: 100_000, bytes: usize::MAX };

/// Somebody without a name.
fn anyone() -> Caller {
    Caller::anonymous(None)
}

/// An hour, for which tokens are good here.
const HOUR: Duration = Duration::from_hours(1);

/// A new session of this name.
fn begin(hub: &Hub, name: &str) -> Caller {
    hub.sessions().resume(SessionId(rand::random()), name, HOUR)
}

fn name(text: &str) -> RoomName {
    text.parse().expect("a room's name")
}

fn general() -> RoomName {
    name("chat/general")
}

/// A hub whose rooms hold this many publications.
fn hub_holding(ring_items: usize) -> Hub {
    Hub::new(Limits { ring_items, ..Limits::default() })
}

fn try_publish(hub: &Hub, room: &RoomName, event: &str, data: &str) -> Result<Position, PublishError> {
    let data = RawValue::from_string(data.to_owned()).expect("JSON");
    hub.publish(room, &Draft::new(event.into(), &data), &begin(hub, "ana"), 7)
}

fn publish(hub: &Hub, room: &RoomName, data: &str) -> Position {
    try_publish(hub, room, "message", data).expect("published")
}

/// Publishes `count` small ones.
fn publish_many(hub: &Hub, room: &RoomName, count: usize) {
    for _ in 0..count {
        publish(hub, room, "1");
    }
}

/// A draft of a number: for everybody, and without a key.
fn draft() -> Draft<'static> {
    Draft::new("message".into(), serde_json::from_str("1").expect("JSON"))
}

fn try_send(hub: &Hub, caller: &Caller, draft: &Draft<'_>) -> Result<Position, PublishError> {
    hub.publish(&general(), draft, caller, 7)
}

fn send(hub: &Hub, caller: &Caller, draft: &Draft<'_>) -> Position {
    try_send(hub, caller, draft).expect("published")
}

fn offsets(batch: &Batch) -> Vec<u64> {
    batch.items.iter().map(|stored| stored.offset).collect()
}

/// What there is for the subscription without waiting.
async fn ready(subscription: &mut Subscription, limit: ReadLimit) -> Option<Batch> {
    timeout(Duration::ZERO, subscription.next(limit)).await.ok()
}
