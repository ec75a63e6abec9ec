//! The server half: reads the ring once and answers.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use hub::{Hub, ReadLimit, Wait};
use serde::Deserialize;
use wire::{After, Control, Position, poll};

use crate::{
    answer::Refused,
    request::{self, Feed},
};

/// Where an answer without a body carries its position.
const FEED_POSITION: HeaderName = HeaderName::from_static("feed-position");

pub(super) fn routes(hub: Hub) -> Router {
    Router::new().route("/", get(answer)).with_state(hub)
}

#[derive(Deserialize)]
struct Options {
    limit: Option<usize>,
}

async fn answer(State(hub): State<Hub>, feed: Feed, request: Request) -> Result<Response, Refused> {
    if let Some(close) = hub.is_closing() {
        return Err(Refused::closing(close));
    }
    let (parts, _body) = request.into_parts();
    let most = hub.limits().reply();
    let asked = request::query::<Options>(&parts)?.limit.unwrap_or(most.items);
    let limit = ReadLimit { items: asked.clamp(1, most.items), ..most };
    let room = hub.room(&feed.room)?;
    let from = room.resolve(&feed.after);
    if feed.after == After::Head {
        return Ok(batch(&hub, &from, &[]));
    }
    let read = room.read_from(&from, limit, Wait::No).await;
    let gap = read.gap.map(|gap| Control::Gap(gap).encode());
    if gap.is_none() && read.items.is_empty() {
        return Ok(nothing_new(&read.position, &parts.headers));
    }
    let items: Vec<&str> = gap.iter().map(String::as_str).chain(read.items.iter().map(hub::Stored::text)).collect();
    Ok(batch(&hub, &read.position, &items))
}

fn batch(hub: &Hub, position: &Position, items: &[&str]) -> Response {
    let size = items.iter().map(|item| item.len() + 1).sum::<usize>() + poll::WRAPPER_BYTES;
    let mut body = String::with_capacity(size);
    let retry_after_ms = u64::try_from(hub.limits().retry_after.as_millis()).ok();
    poll::encode(position, items.iter().copied(), retry_after_ms, &mut body);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

fn nothing_new(position: &Position, headers: &HeaderMap) -> Response {
    let tag = format!("\"{position}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    // Positions are ASCII without control characters.
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if known {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, value(&tag)), no_store]).into_response()
    } else {
        (StatusCode::NO_CONTENT, [(FEED_POSITION, value(&position.to_string())), no_store]).into_response()
    }
}
