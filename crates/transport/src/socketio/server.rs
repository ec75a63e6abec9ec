//! The server half: the HTTP around sessions. Requests find their session by its id; a WebSocket without one is a session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{
        FromRequestParts as _, Request, State,
        ws::{Message, Utf8Bytes, WebSocketUpgrade, close_code},
    },
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hub::{Caller, Hub};
use rand::RngExt as _;
use serde::Deserialize;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use wire::engine_io::{PROBE, Packet, REVISION};

use super::{
    server_carrier::BadRequest,
    server_feeds::Feeds,
    server_session::{Application, Guest, Input, Inputs, Session, open_packet},
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
    let feeds = engine(hub, |hub, caller| Sockets::new(Feeds::new(hub.clone(), caller.clone()), hub.limits()));
    CLIENTS.into_iter().fold(feeds, |router, (path, source)| {
        let headers = [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            // For workers of a page that is isolated from those of others, which has the fine clock.
            (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
        ];
        let answer = async move || (headers, source);
        router.route(path, get(answer))
    })
}

/// Echoes in place of feeds.
pub(super) fn suite_routes(hub: Hub) -> Router {
    engine(hub, |hub, _caller| Sockets::new(EchoNamespaces, hub.limits()))
}

/// A bare Engine.IO echo.
pub(super) fn echo_routes(hub: Hub) -> Router {
    engine(hub, |_hub, _caller| Echo)
}

fn engine<A: Application>(hub: Hub, application: fn(&Hub, &Caller) -> A) -> Router {
    Router::new().route("/", any(dispatch::<A>)).with_state(Engine::new(hub, application))
}

/// Sessions over HTTP, and what stands on them.
struct Engine<A> {
    hub: Hub,
    application: fn(&Hub, &Caller) -> A,
    sessions: Arc<Sessions>,
    /// For sessions that may have no connection.
    seats: Arc<Semaphore>,
}

impl<A> Clone for Engine<A> {
    fn clone(&self) -> Self {
        Self {
            hub: self.hub.clone(),
            application: self.application,
            sessions: Arc::clone(&self.sessions),
            seats: Arc::clone(&self.seats),
        }
    }
}

/// The sessions that began over HTTP.
#[derive(Debug, Default)]
struct Sessions(Mutex<HashMap<Box<str>, Reach>>);

/// Where a session is.
#[derive(Debug, Clone)]
enum Reach {
    /// Requests reach it here.
    Requests(mpsc::Sender<Input>),
    /// On a WebSocket.
    Moved,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Reach>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, sid: &str) -> Option<Reach> {
        self.lock().get(sid).cloned()
    }

    fn has_moved(&self, sid: &str) {
        if let Some(reach) = self.lock().get_mut(sid) {
            *reach = Reach::Moved;
        }
    }
}

/// Keeps a session findable for as long as it lives.
struct Findable {
    sessions: Arc<Sessions>,
    sid: String,
}

impl Drop for Findable {
    fn drop(&mut self) {
        self.sessions.lock().remove(self.sid.as_str());
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
            (false, &Method::GET) => engine.open_polling(&request),
            (true, &Method::GET) => engine.open_websocket(request).await,
            _ => Err(Error::BadHandshakeMethod.into()),
        };
    };
    match engine.in_session(websocket, sid, request).await {
        // A session that has ended with the server tells late requests why.
        Err(Denied::Protocol(error)) => match engine.hub.is_closing(&Caller::anonymous(None)) {
            Some(close) => Err(Refused::closing(close).into()),
            None => Err(error.into()),
        },
        answered => answered,
    }
}

impl<A: Application> Engine<A> {
    fn new(hub: Hub, application: fn(&Hub, &Caller) -> A) -> Self {
        let seats = Arc::new(Semaphore::new(hub.limits().sessions));
        Self { hub, application, sessions: Arc::default(), seats }
    }

    async fn in_session(&self, websocket: bool, sid: String, request: Request) -> Result<Response, Denied> {
        let reach = self.sessions.find(&sid).ok_or(Error::UnknownSession)?;
        match (websocket, request.method(), reach) {
            (true, &Method::GET, reach) => self.probe(sid, reach, request).await,
            (false, &Method::GET, Reach::Requests(session)) => poll(session).await,
            (false, &Method::POST, Reach::Requests(session)) => self.post(session, request).await,
            _ => Err(Error::BadRequest.into()),
        }
    }

    fn open_polling(&self, request: &Request) -> Result<Response, Denied> {
        let (guest, caller) = self.guest(request)?;
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_none_left| {
            let limit = self.hub.limits().sessions;
            let detail = format!("there are {limit} sessions already; try again later, or raise the limit of sessions");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-sessions", detail)
        })?;
        let (input, requests) = mpsc::channel(WAITING_REQUESTS);
        let sid = new_sid();
        let packet = open_packet(&sid, &["websocket"], self.hub.limits());
        self.sessions.lock().insert(sid.as_str().into(), Reach::Requests(input));
        let findable = Findable { sessions: Arc::clone(&self.sessions), sid };
        let inputs = Inputs { requests, _seat: seat };
        let session = Session::polling((self.application)(&self.hub, &caller), self.hub.clone(), guest, inputs);
        // Boxed: the block would hold it twice.
        let session = Box::pin(session.run());
        tokio::spawn(async move {
            session.await;
            drop(findable);
        });
        Ok(payload(packet))
    }

    async fn open_websocket(&self, request: Request) -> Result<Response, Denied> {
        let (guest, caller) = self.guest(&request)?;
        let upgrade = upgrade(request).await?;
        let (hub, application) = (self.hub.clone(), self.application);
        let limits = self.hub.limits().clone();
        let run = move |mut messages: Messages| async move {
            let packet = open_packet(&new_sid(), &[], hub.limits());
            if messages.feed_text(packet).await.is_ok() && messages.flush().await.is_ok() {
                Session::websocket(application(&hub, &caller), hub, guest, messages).run().await;
            }
        };
        Ok(Messages::upgrade(upgrade, &limits, limits.item_bytes(), run))
    }

    /// A WebSocket for a session that polls: tried out first, then it carries the session.
    async fn probe(&self, sid: String, reach: Reach, request: Request) -> Result<Response, Denied> {
        let upgrade = upgrade(request).await?;
        let limits = self.hub.limits();
        let (within, sessions) = (limits.first_byte, Arc::clone(&self.sessions));
        let run = move |mut messages: Messages| async move {
            let Reach::Requests(session) = reach else { return part(messages).await };
            let probe = async {
                if !may_try_out(&session, &mut messages, within).await {
                    return part(messages).await;
                }
                let tried = timeout(within, try_out(messages)).await.ok().flatten();
                let outcome = tried.map_or(Input::ProbeFailed, |messages| {
                    sessions.has_moved(&sid);
                    Input::Upgrade(Box::new(messages))
                });
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
        let body = request::body(request, self.hub.limits()).await?;
        let (done, taken) = oneshot::channel();
        session.send(Input::Post(body, done)).await.map_err(|_moved| Error::BadRequest)?;
        match taken.await {
            Ok(Ok(())) => Ok(payload("ok".to_owned())),
            Ok(Err(BadRequest)) | Err(_) => Err(Error::BadRequest.into()),
        }
    }

    /// Who opens a session, and as whom its namespaces know them. A caller whose session was ended is let in as a stranger and
    /// refused by the namespaces: only that keeps official clients away.
    fn guest(&self, request: &Request) -> Result<(Guest, Caller), Refused> {
        let known = request::caller(request.extensions());
        let caller = if known.is_ended() { Caller::anonymous(None) } else { known.clone() };
        self.hub.is_closing(&caller).map_or(Ok(()), |close| Err(Refused::closing(close)))?;
        let connected = caller.connect(self.hub.limits())?;
        Ok((Guest { caller, _connected: connected }, known))
    }
}

async fn poll(session: mpsc::Sender<Input>) -> Result<Response, Denied> {
    let (poll, answer) = oneshot::channel();
    session.send(Input::Poll(poll)).await.map_err(|_moved| Error::BadRequest)?;
    match answer.await {
        Ok(Ok(packets)) => Ok(payload(packets)),
        Ok(Err(BadRequest)) | Err(_) => Err(Error::BadRequest.into()),
    }
}

async fn upgrade(request: Request) -> Result<WebSocketUpgrade, Refused> {
    let (mut parts, _body) = request.into_parts();
    upgradable(WebSocketUpgrade::from_request_parts(&mut parts, &()).await)
}

/// Waits for the ping that asks to be tried out, and asks the session: one at a time, and only while it polls.
async fn may_try_out(session: &mpsc::Sender<Input>, messages: &mut Messages, within: Duration) -> bool {
    let ping = timeout(within, text(messages)).await.ok().flatten();
    let (may, answer) = oneshot::channel();
    ping.is_some_and(|ping| Packet::decode(&ping) == Ok(Packet::Ping(PROBE)))
        && session.send(Input::Probe(may)).await.is_ok()
        && answer.await.is_ok_and(|may| may)
}

/// Says goodbye to a WebSocket that has nothing to carry.
async fn part(messages: Messages) {
    messages.part(close_code::POLICY, "this session cannot be tried out here".into()).await;
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
    loop {
        match messages.receive().await {
            Received::Text(text) => return Some(text),
            Received::Alive => {}
            Received::Binary(_) | Received::Fault(_) | Received::End => return None,
        }
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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use wire::Close;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_comes_after_its_session_ended_with_the_server_is_told_so() {
        let hub = Hub::new(hub::Limits::default());
        let engine = Engine::new(hub.clone(), |_hub, _caller| Echo);
        let ask = async |sid: &str| {
            let request =
                Request::builder().uri(format!("/?EIO=4&transport=polling{sid}")).body(Body::empty()).unwrap();
            dispatch(State(engine.clone()), request).await
        };
        let opened = to_bytes(ask("").await.unwrap().into_body(), 1_000).await.unwrap();
        let sid = String::from_utf8_lossy(&opened).split('"').nth(3).unwrap().to_owned();
        assert!(matches!(ask("&sid=x").await, Err(Denied::Protocol(Error::UnknownSession))));
        hub.close(Close { code: 3001, reason: "over".to_owned(), reconnect: true, retry_after_ms: 1_000 });
        // Nobody asks for the close in time.
        tokio::time::sleep(Duration::from_mins(1)).await;
        let Err(Denied::Server(refused)) = ask(&format!("&sid={sid}")).await else { panic!("an announced end") };
        assert_eq!((refused.status(), refused.detail()), (503, "over"));
    }
}
