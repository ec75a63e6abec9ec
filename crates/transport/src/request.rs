//! What routes read from their requests: the feed, where to start, who asks, and the body.

use std::collections::HashMap;

use axum::{
    RequestPartsExt as _,
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest as _, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{Extensions, StatusCode, Uri, request::Parts},
};
use hub::{Caller, Limits};
use serde::Deserialize;
use tokio::time::timeout;
use wire::{After, RoomName};

use crate::answer::Refused;

/// The feed that a path names, the `after` of its query, and who asks. Other members of the query are passed over.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The feed.
    pub room: RoomName,
    /// Where to start.
    pub after: After,
    /// Who asks.
    pub caller: Caller,
}

#[derive(Deserialize)]
struct AfterQuery {
    after: Option<String>,
}

/// The room that `{namespace}` and `{room}` of a path name.
///
/// # Errors
///
/// 400 for names that are not allowed.
pub async fn room(parts: &mut Parts) -> Result<RoomName, Refused> {
    let Path(names) = parts
        .extract::<Path<HashMap<String, String>>>()
        .await
        .map_err(|error| Refused::bad_request("bad-name", error.to_string()))?;
    let name = |key: &str| names.get(key).map(String::as_str).unwrap_or_default();
    Ok(RoomName::new(name("namespace"), name("room"))?)
}

impl<S: Sync> FromRequestParts<S> for Feed {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let room = room(parts).await?;
        let query = query::<AfterQuery>(&parts.uri)?;
        let after = query.after.as_deref().map_or(Ok(After::Head), str::parse)?;
        Ok(Self { room, after, caller: caller(&parts.extensions) })
    }
}

/// Who makes a request, as the server has found out. On a server that does not look, everybody is a stranger.
pub fn caller(extensions: &Extensions) -> Caller {
    extensions.get().cloned().unwrap_or_else(|| Caller::anonymous(None))
}

/// The whole body of a request.
///
/// # Errors
///
/// 413 for more than [`Limits::item_bytes`], 408 for one that is not there within [`Limits::body`], 400 for one that breaks
/// off. The connection of the first two ends with the answer, for the rest of the body is not read.
///
/// # Cancel safety
///
/// Not cancel safe: what was read is lost.
pub async fn body(mut request: Request, limits: &Limits) -> Result<Bytes, Refused> {
    let (most_bytes, within) = (limits.item_bytes(), limits.body);
    DefaultBodyLimit::max(most_bytes).apply(&mut request);
    let read = timeout(within, Bytes::from_request(request, &())).await.map_err(|_late| {
        Refused::new(StatusCode::REQUEST_TIMEOUT, "too-slow", format!("the body was not there within {within:?}"))
    })?;
    read.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            let detail = format!("a body may have {most_bytes} bytes");
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
        }
        other => Refused::bad_request("bad-body", other.body_text()),
    })
}

/// Reads a query.
///
/// # Errors
///
/// 400 when a member does not fit its type.
pub fn query<Q: for<'de> Deserialize<'de>>(uri: &Uri) -> Result<Q, Refused> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|error| Refused::bad_request("bad-query", error.to_string()))
}
