//! Faults that need more than an answer to be made: who reads, who is there, and whose turn it is.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    RequestExt as _,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use hub::{Attendance, Hub, Manner, Wait};
use tokio::sync::OwnedMutexGuard;
use transport::request::Feed;
use wire::{After, Position, RoomName, SessionId, poll};

use super::PUSHED;

/// What a fault remembers, by room.
#[derive(Debug)]
pub(super) struct ByRoom<T>(Arc<Mutex<HashMap<RoomName, T>>>);

impl<T> Default for ByRoom<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for ByRoom<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> ByRoom<T> {
    fn with<U>(&self, room: &RoomName, change: impl FnOnce(&mut T) -> U) -> U {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(room.clone()).or_default())
    }
}

async fn feed_of(request: &mut Request) -> Option<Feed> {
    request.extract_parts::<Feed>().await.ok()
}

/// A poll is answered with what is for anybody who has polled the room under a name.
pub(super) async fn everything(
    State((hub, seen)): State<(Hub, ByRoom<BTreeSet<SessionId>>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let feed = feed_of(&mut request).await;
    let answer = next.run(request).await;
    let Some(Feed { room, after, caller }) = feed else { return answer };
    let mut readers = seen.with(&room, |seen| {
        seen.extend(caller.name().map(|_name| caller.id()));
        seen.clone()
    });
    readers.insert(caller.id());
    let After::Position(from) = after else { return answer };
    everything_after(&hub, &room, &from, readers).await.unwrap_or(answer)
}

/// None when nothing is there, or a gap.
async fn everything_after(
    hub: &Hub,
    room: &RoomName,
    from: &Position,
    readers: BTreeSet<SessionId>,
) -> Option<Response> {
    let room = hub.room(room).ok()?;
    let mut items = BTreeMap::new();
    let mut reached: Option<Position> = None;
    for reader in readers {
        let batch = room.read_from(reader, from, hub.limits().reply(), Wait::No).await;
        if batch.gap.is_some() {
            return None;
        }
        items.extend(batch.items.into_iter().map(|item| (item.offset, item)));
        let is_first = reached.as_ref().is_none_or(|reached| batch.position.offset < reached.offset);
        reached = if is_first { Some(batch.position) } else { reached };
    }
    let reached = reached.filter(|_| !items.is_empty())?;
    let mut body = String::new();
    poll::encode(&reached, items.range(..=reached.offset).map(|(_, item)| item.text()), None, &mut body);
    Some(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// A named session that has come once never goes.
pub(super) async fn stays(
    State((hub, kept)): State<(Hub, ByRoom<Vec<Attendance>>)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(Feed { room, caller, .. }) = feed_of(&mut request).await
        && let Ok(there) = hub.room(&room)
    {
        kept.with(&room, |kept| {
            kept.extend(there.attend(&caller, PUSHED, Manner::Stream, hub.limits()).ok().flatten());
        });
    }
    next.run(request).await
}

/// Whose turn it is to be sent something.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// The streams of a room get their events one after the other: who does not take its own in keeps all others waiting.
pub(super) async fn in_turn(State(turns): State<ByRoom<Turn>>, mut request: Request, next: Next) -> Response {
    let feed = feed_of(&mut request).await;
    let answer = next.run(request).await;
    let Some(feed) = feed.filter(|_| answer.status() == StatusCode::OK) else { return answer };
    let turn = turns.with(&feed.room, |turn| Arc::clone(turn));
    answer.map(|body| {
        let state = (body.into_data_stream(), turn, None::<OwnedMutexGuard<()>>);
        Body::from_stream(stream::unfold(state, |(mut pieces, turn, had)| async move {
            drop(had);
            let piece = pieces.next().await?;
            let has = Arc::clone(&turn).lock_owned().await;
            Some((piece, (pieces, turn, Some(has))))
        }))
    })
}
