//! What every subscribe route reads from its request: the feed and where to start.

use std::collections::HashMap;

use axum::{
    RequestPartsExt as _,
    extract::{FromRequestParts, Path, Query},
    http::{Uri, request::Parts},
};
use serde::Deserialize;
use wire::{After, RoomName};

use crate::answer::Refused;

/// The feed that a path names and the `after` of its query. Other members of the query are passed over.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The feed.
    pub room: RoomName,
    /// Where to start.
    pub after: After,
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
        Ok(Self { room, after })
    }
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
