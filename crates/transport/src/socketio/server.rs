//! The server half: the HTTP around sessions. Requests find their session by its id; a WebSocket without one is a session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{
        FromRequestParts as _, Request, State,
        ws::{Message, Utf8Bytes, WebSocketUpgrade, close_code},
    },
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hub::Hub;
use rand::RngExt as _;
use serde::Deserialize;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use wire::engine_io::{PROBE, Packet, REVISION};

use super::{
    server_carrier::Refusal,
    server_feeds::Feeds,
    server_session::{Application, Input, Session, open_packet},
    server_sockets::Sockets,
    server_suite::{Echo, EchoNamespaces},
};
use crate::{
    answer::Refused,
    request,
    websocket_server::{Messages, Received, upgradable},
};

/// The official client, for pages, as it is published; `vendor/LICENSE` is its licence.
const CLIENTS: [(&str, &str); 2] = [
    ("/socket.io.js", include_str!("vendor/socket.io.js")),
    ("/socket.io.esm.min.js", include_str!("vendor/socket.io.esm.min.js")),
];

/// How many requests of one session wait for their turn: a client has two at a time, and a third is against the protocol.
const WAITING_REQUESTS: usize = 4;

/// Feeds, relative to the prefix, and the official client for pages.
pub(super) fn routes(hub: Hub) -> Router {
    let feeds = engine(hub, |hub| Sockets::new(Feeds::new(hub.clone()), hub.limits()));
    CLIENTS.into_iter().fold(feeds, |router, (path, source)| {
        let answer = async move || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], source);
        router.route(path, get(answer))
    })
}

/// Echoes in place of feeds.
pub(super) fn suite_routes(hub: Hub) -> Router {
    engine(hub, |hub| Sockets::new(EchoNamespaces, hub.limits()))
}

/// A bare Engine.IO echo.
pub(super) fn echo_routes(hub: Hub) -> Router {
    engine(hub, |_hub| Echo)
}

fn engine<A: Application>(hub: Hub, application: fn(&Hub) -> A) -> Router {
    let engine = Engine { hub, application, sessions: Arc::default() };
    Router::new().route("/", any(dispatch::<A>)).with_state(engine)
}

/// Sessions over HTTP, and what stands on them.
struct Engine<A> {
    hub: Hub,
    application: fn(&Hub) -> A,
    sessions: Arc<Sessions>,
}

impl<A> Clone for Engine<A> {
    fn clone(&self) -> Self {
        Self { hub: self.hub.clone(), application: self.application, sessions: Arc::clone(&self.sessions) }
    }
}

/// How to reach the sessions that began over HTTP. One that has moved to a WebSocket takes no more requests.
#[derive(Debug, Default)]
struct Sessions(Mutex<HashMap<Box<str>, mpsc::Sender<Input>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, mpsc::Sender<Input>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, sid: &str) -> Option<mpsc::Sender<Input>> {
        self.lock().get(sid).cloned()
    }
}

#[derive(Debug, Deserialize)]
struct Query {
    #[serde(rename = "EIO")]
    revision: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
}

/// Why a request is refused, as the reference implementation says it.
#[derive(Debug, Clone, Copy)]
enum Error {
    UnknownTransport = 0,
    UnknownSession = 1,
    BadHandshakeMethod = 2,
    BadRequest = 3,
    UnsupportedRevision = 5,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let message = match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSession => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::UnsupportedRevision => "Unsupported protocol version",
        };
        let body = axum::Json(serde_json::json!({"code": self as u8, "message": message}));
        (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], body).into_response()
    }
}

/// Why a request is not answered as asked.
#[derive(Debug)]
enum Denied {
    /// By the protocol's rules.
    Protocol(Error),
    /// By the server's.
    Server(Refused),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Server(refused)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::Protocol(error) => error.into_response(),
            Self::Server(refused) => refused.into_response(),
        }
    }
}

async fn dispatch<A: Application>(State(engine): State<Engine<A>>, request: Request) -> Result<Response, Denied> {
    let query: Query = request::query(request.uri())?;
    let websocket = match query.transport.as_deref() {
        Some("polling") => false,
        Some("websocket") => true,
        _ => return Err(Error::UnknownTransport.into()),
    };
    if query.revision.as_deref() != Some(REVISION) {
        return Err(Error::UnsupportedRevision.into());
    }
    let Some(sid) = query.sid else {
        return match (websocket, request.method()) {
            (false, &Method::GET) => engine.open_polling(),
            (true, &Method::GET) => engine.open_websocket(request).await,
            _ => Err(Error::BadHandshakeMethod.into()),
        };
    };
    let session = engine.sessions.find(&sid).ok_or(Error::UnknownSession)?;
    match (websocket, request.method()) {
        (true, &Method::GET) => engine.probe(session, request).await,
        (false, &Method::GET) => poll(session).await,
        (false, &Method::POST) => engine.post(session, request).await,
        _ => Err(Error::BadRequest.into()),
    }
}

impl<A: Application> Engine<A> {
    fn open_polling(&self) -> Result<Response, Denied> {
        self.is_open()?;
        let (session, inputs) = mpsc::channel(WAITING_REQUESTS);
        let sid = new_sid();
        {
            let mut sessions = self.sessions.lock();
            let limit = self.hub.limits().sessions;
            if sessions.len() >= limit {
                let detail =
                    format!("there are {limit} sessions already; try again later, or raise the limit of sessions");
                return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-sessions", detail).into());
            }
            sessions.insert(sid.as_str().into(), session);
        }
        let packet = open_packet(&sid, &["websocket"], self.hub.limits());
        let task = Session::polling((self.application)(&self.hub), self.hub.clone(), inputs).run();
        let sessions = Arc::clone(&self.sessions);
        tokio::spawn(async move {
            task.await;
            sessions.lock().remove(sid.as_str());
        });
        Ok(payload(packet))
    }

    async fn open_websocket(&self, request: Request) -> Result<Response, Denied> {
        self.is_open()?;
        let upgrade = upgrade(request).await?;
        let (hub, application) = (self.hub.clone(), self.application);
        let limits = self.hub.limits().clone();
        let run = move |mut messages: Messages| async move {
            let packet = open_packet(&new_sid(), &[], hub.limits());
            if messages.feed_text(packet).await.is_ok() && messages.flush().await.is_ok() {
                Session::websocket(application(&hub), hub, messages).run().await;
            }
        };
        Ok(Messages::upgrade(upgrade, &limits, limits.item_bytes(), run))
    }

    /// A WebSocket for a session that polls: tried out first, then it carries the session.
    async fn probe(&self, session: mpsc::Sender<Input>, request: Request) -> Result<Response, Denied> {
        let upgrade = upgrade(request).await?;
        let limits = self.hub.limits();
        let within = limits.first_byte;
        let run = move |mut messages: Messages| async move {
            let probe = async {
                if timeout(within, may_try_out(&session, &mut messages)).await != Ok(true) {
                    return messages.part(close_code::POLICY, "this session cannot be tried out here".into()).await;
                }
                let tried = timeout(within, try_out(messages)).await.ok().flatten();
                let outcome = tried.map_or(Input::ProbeFailed, |messages| Input::Upgrade(Box::new(messages)));
                // A session that is gone needs neither.
                let _told = session.send(outcome).await;
            };
            // A session that ends takes the attempt with it.
            tokio::select! {
                () = probe => {}
                () = session.closed() => {}
            }
        };
        Ok(Messages::upgrade(upgrade, limits, limits.item_bytes(), run))
    }

    async fn post(&self, session: mpsc::Sender<Input>, request: Request) -> Result<Response, Denied> {
        let limit = self.hub.limits().item_bytes();
        let body: Bytes = to_bytes(request.into_body(), limit).await.map_err(|_error| {
            let detail = format!("a payload may have {limit} bytes");
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
        })?;
        let (done, taken) = oneshot::channel();
        session.send(Input::Post(body, done)).await.map_err(|_moved| Error::BadRequest)?;
        match taken.await {
            Ok(Ok(())) => Ok(payload("ok".to_owned())),
            Ok(Err(Refusal::BadRequest)) => Err(Error::BadRequest.into()),
            Err(_ended) => Err(Error::UnknownSession.into()),
        }
    }

    fn is_open(&self) -> Result<(), Refused> {
        self.hub.is_closing().map_or(Ok(()), |close| Err(Refused::closing(close)))
    }
}

async fn poll(session: mpsc::Sender<Input>) -> Result<Response, Denied> {
    let (poll, answer) = oneshot::channel();
    session.send(Input::Poll(poll)).await.map_err(|_moved| Error::BadRequest)?;
    match answer.await {
        Ok(Ok(packets)) => Ok(payload(packets)),
        Ok(Err(Refusal::BadRequest)) => Err(Error::BadRequest.into()),
        Err(_ended) => Err(Error::UnknownSession.into()),
    }
}

async fn upgrade(request: Request) -> Result<WebSocketUpgrade, Refused> {
    let (mut parts, _body) = request.into_parts();
    upgradable(WebSocketUpgrade::from_request_parts(&mut parts, &()).await)
}

/// Waits for the ping that asks to be tried out, and asks the session: one at a time, and only while it polls.
async fn may_try_out(session: &mpsc::Sender<Input>, messages: &mut Messages) -> bool {
    let Some(ping) = text(messages).await else { return false };
    let (may, answer) = oneshot::channel();
    Packet::decode(&ping) == Ok(Packet::Ping(PROBE))
        && session.send(Input::Probe(may)).await.is_ok()
        && answer.await.is_ok_and(|may| may)
}

/// The pong, and the word that all goes over this one from now on; none when it comes to nothing.
async fn try_out(mut messages: Messages) -> Option<Messages> {
    let mut pong = String::new();
    Packet::Pong(PROBE).encode(&mut pong);
    messages.feed(Message::Text(pong.into())).await.ok()?;
    messages.flush().await.ok()?;
    let word = text(&mut messages).await?;
    (Packet::decode(&word) == Ok(Packet::Upgrade)).then_some(messages)
}

async fn text(messages: &mut Messages) -> Option<Utf8Bytes> {
    match messages.receive().await {
        Received::Text(text) => Some(text),
        _ => None,
    }
}

fn payload(packets: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, packets).into_response()
}

/// 120 random bits, because whoever knows a session's id can read it; as long as the reference implementation's, so that
/// requests compare.
fn new_sid() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 15]>())
}
