//! Routes: the transports, publishing over HTTP, lists, health, the page.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use hub::{Hub, Present};
use serde::Serialize;
use serde_json::Value;
use tokio_util::task::TaskTracker;
use transport::{Lane, OptionKind, Spec, answer::Refused, request};
use wire::{Draft, NameError, Position, duration, name};

use crate::{connections, gate::Gate, metrics::Metrics, page};

/// What handlers outside the transports share.
#[derive(Debug, Clone)]
struct App {
    hub: Hub,
    catalog: &'static [Spec],
    metrics: Metrics,
}

/// All routes. Every transport of `catalog` is mounted under its prefix with its default options.
///
/// With `test_endpoints` a transport that has routes for outside suites has those instead.
pub(crate) fn router(
    hub: &Hub,
    gate: &Gate,
    catalog: &'static [Spec],
    test_endpoints: bool,
    connections: &TaskTracker,
) -> Router {
    let app = App { hub: hub.clone(), catalog, metrics: Metrics::new(hub.clone(), connections.clone()) };
    let ports: Arc<[u16]> = gate.origins.own_ports().into();
    let own = Router::new()
        .route("/v1/{namespace}/{room}/messages", post(publish))
        .route("/v1/{namespace}/{room}/presence", get(presence))
        .route("/v1/{namespace}/messages", post(publish_all))
        .route("/v1/{namespace}", get(rooms))
        .route("/v1/transports", get(transports))
        .route("/v1/ports", get(async move || Json(Ports { ports })))
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(async |State(app): State<App>| app.metrics.render()))
        .route("/transports/{module}", get(browser_module))
        .with_state(app)
        .merge(gate.issuer.clone().routes())
        .merge(connections::routes(gate.registry.clone()))
        .merge(page::routes(gate.origins.own_ports()));
    let mount = |router: Router, spec: &'static Spec| {
        let transport = Lane::plain(spec).build();
        match test_endpoints.then(|| transport.suite_routes(hub.clone())).flatten() {
            Some(for_suites) => router.merge(for_suites),
            None => router.nest(spec.prefix, transport.routes(hub.clone())),
        }
    };
    let all = catalog.iter().fold(own, mount);
    all.fallback(nothing_here).method_not_allowed_fallback(wrong_method)
}

async fn nothing_here(request: Request) -> Refused {
    let detail = format!("there is nothing at {}; GET /v1/transports says what there is", request.uri().path());
    Refused::new(StatusCode::NOT_FOUND, "not-found", detail)
}

async fn wrong_method(request: Request) -> Refused {
    let detail = format!("{} does not answer {}", request.uri().path(), request.method());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", detail)
}

#[derive(Serialize)]
struct Published {
    position: Position,
}

async fn publish(State(app): State<App>, request: Request) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    let room = request::room(&mut parts).await?;
    let (caller, key) = (request::caller(&parts.extensions), key(&parts.headers)?);
    let body = request::body(Request::from_parts(parts, body), app.hub.limits()).await?;
    let draft = draft(&body, key.as_deref())?;
    let position = app.hub.publish(&room, &draft, &caller, measure::unix_time_us())?;
    Ok((StatusCode::CREATED, Json(Published { position })).into_response())
}

#[derive(Serialize)]
struct PublishedAll {
    positions: BTreeMap<String, Position>,
}

/// The same publication into every room of the namespace that has subscribers. A poller is one only while its request is
/// held: rooms with nobody but short pollers get nothing, nor does a room whose one long poller is between two requests.
async fn publish_all(
    State(app): State<App>,
    namespace: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refused> {
    let namespace = checked_namespace(namespace)?;
    let (caller, key) = (request::caller(request.extensions()), key(request.headers())?);
    let body = request::body(request, app.hub.limits()).await?;
    let draft = draft(&body, key.as_deref())?;
    let positions = app.hub.publish_all(&namespace, &draft, &caller, measure::unix_time_us())?;
    Ok((StatusCode::CREATED, Json(PublishedAll { positions })).into_response())
}

/// The `Idempotency-Key` of a request.
fn key(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_not_ascii| NameError::Key.into());
    headers.get("idempotency-key").map(text).transpose()
}

/// The draft in a body; the key in the head stands for one in the body.
fn draft<'a>(body: &'a [u8], key: Option<&'a str>) -> Result<Draft<'a>, Refused> {
    let mut draft: Draft<'a> = std::str::from_utf8(body)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
        .map_err(|error| {
            Refused::bad_request("bad-item", format!(r#"{error}; send {{"event":"message","data":..}}"#))
        })?;
    draft.key = key.map(Into::into).or(draft.key);
    Ok(draft)
}

fn checked_namespace(path: Result<Path<String>, PathRejection>) -> Result<String, Refused> {
    let Path(namespace) = path.map_err(|error| Refused::bad_request("bad-name", error.body_text()))?;
    name::check_feed("namespace", &namespace)?;
    Ok(namespace)
}

#[derive(Serialize)]
struct RoomCount {
    room: String,
    subscribers: usize,
    publications: u64,
    position: Position,
}

#[derive(Serialize)]
struct Rooms {
    namespace: String,
    rooms: Vec<RoomCount>,
}

async fn rooms(State(app): State<App>, namespace: Result<Path<String>, PathRejection>) -> Result<Json<Rooms>, Refused> {
    let namespace = checked_namespace(namespace)?;
    let rooms = app.hub.namespace(&namespace).into_iter().map(|info| RoomCount {
        room: info.room.room().to_owned(),
        subscribers: info.subscribers,
        publications: info.publications,
        position: info.position,
    });
    Ok(Json(Rooms { rooms: rooms.collect(), namespace }))
}

#[derive(Serialize)]
struct Presence {
    members: Vec<Present>,
    /// Subscribers without a name.
    anonymous: usize,
}

async fn presence(State(app): State<App>, request: Request) -> Result<Response, Refused> {
    let (mut parts, _body) = request.into_parts();
    let room = app.hub.room(&request::room(&mut parts).await?)?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(Presence { members: room.present(), anonymous: room.anonymous() })).into_response())
}

/// Where the server listens, in the order in which it was told to: a page may spread its connections over them, because
/// browsers count theirs by host and port.
#[derive(Serialize)]
struct Ports {
    ports: Arc<[u16]>,
}

/// One entry of `/v1/transports`.
#[derive(Serialize)]
struct TransportInfo {
    id: &'static str,
    title: &'static str,
    colour: Colour,
    mark: &'static str,
    /// Its place in the order in which a client that may choose tries transports; null for one that is chosen by name alone.
    preference: Option<u8>,
    /// Where its browser half is; null where browsers cannot speak it.
    module: Option<String>,
    /// With their defaults; a flag is not there by default.
    options: BTreeMap<&'static str, Value>,
}

#[derive(Serialize)]
struct Colour {
    light: &'static str,
    dark: &'static str,
}

async fn transports(State(app): State<App>) -> Json<Vec<TransportInfo>> {
    let info = |spec: &Spec| TransportInfo {
        id: spec.id,
        title: spec.title,
        colour: Colour { light: spec.look.light, dark: spec.look.dark },
        mark: spec.look.mark,
        preference: spec.preference,
        module: spec.browser_module.map(|_source| format!("/transports/{}.js", spec.id)),
        options: spec
            .options
            .iter()
            .map(|option| match option.kind {
                OptionKind::Flag { .. } => (option.name, Value::Bool(false)),
                OptionKind::Duration { default, .. } => (option.name, duration::format(default).into()),
            })
            .collect(),
    };
    Json(app.catalog.iter().map(info).collect())
}

async fn browser_module(State(app): State<App>, Path(module): Path<String>) -> Result<Response, Refused> {
    let id = module.strip_suffix(".js").unwrap_or(&module);
    let source = app.catalog.iter().find(|spec| spec.id == id).and_then(|spec| spec.browser_module);
    let source = source.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "not-found", format!("there is no browser module {module:?}"))
    })?;
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), page::NO_SNIFFING];
    Ok((headers, page::ISOLATED, source).into_response())
}
