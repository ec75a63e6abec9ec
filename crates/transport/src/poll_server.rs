//! The answers of transports that are asked for batches.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hub::{Hub, Manner, ReadLimit, Wait};
use serde::Deserialize;
use wire::{After, Control, Position, poll};

use crate::{
    answer::Refused,
    request::{self, Feed},
};

/// Where an answer without a body carries its position.
const FEED_POSITION: HeaderName = HeaderName::from_static("feed-position");

/// What a poll asks for beside its feed. Read before the wait, because a request that is kept keeps HTTP's buffer.
#[derive(Debug)]
pub(crate) struct Asked {
    limit: ReadLimit,
    /// The positions that `If-None-Match` names.
    known: Vec<Box<[u8]>>,
}

#[derive(Deserialize)]
struct Options {
    limit: Option<usize>,
}

impl Asked {
    pub(crate) fn read(hub: &Hub, request: &Request) -> Result<Self, Refused> {
        let most = hub.limits().reply();
        let items = request::query::<Options>(request.uri())?.limit.unwrap_or(most.items);
        let known = request.headers().get_all(header::IF_NONE_MATCH).iter().map(|value| value.as_bytes().into());
        Ok(Self { limit: ReadLimit { items: items.clamp(1, most.items), ..most }, known: known.collect() })
    }
}

/// Answers one poll: a batch, or nothing new after `wait`. Without `after` the answer is the head's position, at once.
///
/// `transport` is the id under which a named poller is present. `retry_after` is the batch's hint at when to come back.
/// Cancel safe: of a poller only that is kept.
pub(crate) async fn answer(
    hub: &Hub,
    transport: &'static str,
    feed: &Feed,
    asked: &Asked,
    wait: Wait,
    retry_after: Duration,
) -> Result<Response, Refused> {
    let caller = &feed.caller;
    if let Some(close) = hub.is_closing(caller) {
        return Err(Refused::closing(close));
    }
    let retry_after_ms = u64::try_from(retry_after.as_millis()).ok();
    let _connected = caller.connect(hub.limits())?;
    let room = hub.room(&feed.room)?;
    let _attendance = room.attend(caller, transport, Manner::Requests, hub.limits())?;
    let from = room.resolve(&feed.after);
    if feed.after == After::Head {
        return Ok(batch(&from, &[], retry_after_ms));
    }
    let read = tokio::select! {
        read = room.read_from(caller.id(), &from, asked.limit, wait) => read,
        close = hub.closing(caller) => return Err(Refused::closing(close)),
    };
    let gap = read.gap.map(|gap| Control::Gap(gap).encode());
    if gap.is_none() && read.items.is_empty() {
        return Ok(nothing_new(&read.position, &asked.known));
    }
    let items: Vec<&str> = gap.iter().map(String::as_str).chain(read.items.iter().map(hub::Stored::text)).collect();
    Ok(batch(&read.position, &items, retry_after_ms))
}

fn batch(position: &Position, items: &[&str], retry_after_ms: Option<u64>) -> Response {
    let size = items.iter().map(|item| item.len() + 1).sum::<usize>() + poll::WRAPPER_BYTES;
    let mut body = String::with_capacity(size);
    poll::encode(position, items.iter().copied(), retry_after_ms, &mut body);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

fn nothing_new(position: &Position, known: &[Box<[u8]>]) -> Response {
    let tag = format!("\"{position}\"");
    // A list, weak or strong alike (RFC 9110, 13.1.2); no position holds a comma.
    let tags = known.iter().flat_map(|list| list.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let is_known =
        tags.map(|one| one.strip_prefix(b"W/").unwrap_or(one)).any(|one| one == b"*" || one == tag.as_bytes());
    // Positions are ASCII without control characters.
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    let headers =
        [(FEED_POSITION, value(&position.to_string())), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    if is_known {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, value(&tag))], headers).into_response()
    } else {
        (StatusCode::NO_CONTENT, headers).into_response()
    }
}
