//! `/v1/connections`: what the caller's own connections carried, and their end.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use measure::{Category, Direction};
use serde::{Deserialize, Serialize};
use transport::{answer::Refused, request};
use wire::SessionId;

use crate::watch::{Line, Registry, Sums};

/// None on a server that watches nothing.
type Watched = Option<Arc<Registry>>;

/// The route.
pub(crate) fn routes(registry: Watched) -> Router {
    Router::new().route("/v1/connections", get(show).delete(cut)).with_state(registry)
}

#[derive(Serialize)]
struct Ledger {
    ledger: Vec<Entry>,
}

/// One port and transport.
#[derive(Serialize)]
struct Entry {
    port: u16,
    /// Null for requests of no transport, such as a publish and a page's files.
    transport: Option<&'static str>,
    open: u64,
    ever: u64,
    requests: u64,
    deliveries: u64,
    down: BTreeMap<&'static str, u64>,
    up: BTreeMap<&'static str, u64>,
}

impl Entry {
    fn new((port, transport): (u16, Option<&'static str>), sums: &Sums) -> Self {
        let ledger = sums.row.ledger();
        let bytes = |direction, header_bytes| {
            let stream = Category::ALL.map(|category| (category.id(), ledger.get(direction, category)));
            stream.into_iter().chain([("tcp_ip", header_bytes)]).collect()
        };
        Self {
            port,
            transport,
            open: sums.open,
            ever: sums.ever,
            requests: sums.row.requests,
            deliveries: sums.row.deliveries,
            down: bytes(Direction::Down, sums.header_bytes.0),
            up: bytes(Direction::Up, sums.header_bytes.1),
        }
    }
}

/// Who asks, of what, and on which connection.
fn asker(registry: Watched, request: &Request) -> Result<(Arc<Registry>, SessionId, Arc<Line>), Refused> {
    let watched = registry.zip(request.extensions().get::<Arc<Line>>().cloned());
    let (registry, line) = watched.ok_or_else(|| {
        let detail = "this server does not watch its connections; start it with --watch-connections";
        Refused::new(StatusCode::NOT_FOUND, "not-watched", detail)
    })?;
    let caller = request::caller(request.extensions());
    if caller.name().is_none() || caller.is_ended() {
        let detail = "only a session sees connections, its own; POST /session with a name begins one";
        return Err(Refused::new(StatusCode::FORBIDDEN, "no-session", detail));
    }
    Ok((registry, caller.id(), line))
}

async fn show(State(registry): State<Watched>, request: Request) -> Result<Response, Refused> {
    let (registry, session, _own) = asker(registry, &request)?;
    let sums = registry.sums(session);
    let ledger = sums.iter().map(|(place, sums)| Entry::new(*place, sums)).collect();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Ledger { ledger })).into_response())
}

#[derive(Deserialize)]
struct Wanted {
    port: u16,
}

#[derive(Serialize)]
struct Cut {
    cut: usize,
}

/// Ends the caller's connections to a port, but not the one that asks: its answer has to get out.
async fn cut(State(registry): State<Watched>, request: Request) -> Result<Json<Cut>, Refused> {
    let (registry, session, own) = asker(registry, &request)?;
    let Wanted { port } = request::query(request.uri())?;
    let cut = registry.cut(session, port, &own);
    tracing::debug!(%session, port, cut, "connections are cut");
    Ok(Json(Cut { cut }))
}
