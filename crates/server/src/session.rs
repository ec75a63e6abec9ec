//! Sessions over HTTP: the signed cookie, and the routes that give, show and end it.
//!
//! The cookie holds `id.expiry.name` in plain text and a signature; nothing is stored for it. Every request is looked at
//! once, before any route: what finds a good cookie gets the session as its [`Caller`], all others a caller without a name.
//! No transport parses a cookie.

use std::{fmt, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use hub::{Caller, Hub};
use measure::unix_time_us;
use serde::{Deserialize, Serialize};
use transport::{answer::Refused, request};
use wire::{SessionId, session::check_name};

/// The cookie's name.
const COOKIE: &str = "feedbench";

/// The shortest secret: what the signature's hash takes in without loss.
pub const MIN_SECRET_BYTES: usize = 32;

/// How sessions are signed and how long they are good.
#[derive(Clone)]
pub struct SessionConfig {
    /// What cookies are signed with; none for a random one, so that no session outlives the process.
    ///
    /// Servers that share it share sessions. It must have 32 bytes at least.
    pub secret: Option<Vec<u8>>,
    /// How long a cookie is good.
    pub life: Duration,
    /// Whether browsers send it over TLS alone.
    pub secure: bool,
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.secret.as_ref().map(|_secret| "..");
        let Self { life, secure, .. } = self;
        f.debug_struct("SessionConfig").field("secret", &secret).field("life", life).field("secure", secure).finish()
    }
}

impl Default for SessionConfig {
    /// A random secret, a week (a person who comes back every weekend is still known), and plain HTTP too.
    fn default() -> Self {
        Self { secret: None, life: Duration::from_hours(7 * 24), secure: false }
    }
}

/// Signs and reads cookies.
#[derive(Clone)]
pub(crate) struct Issuer {
    hub: Hub,
    key: Key,
    life: Duration,
    secure: bool,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("Issuer").field("life", &self.life).finish_non_exhaustive()
    }
}

/// What a good cookie says.
struct Token {
    caller: Caller,
    /// How long it is still good.
    rest: Duration,
}

#[derive(Serialize)]
struct Told {
    session: SessionId,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
}

impl Issuer {
    /// The secret's length has been checked.
    pub(crate) fn new(hub: Hub, config: &SessionConfig) -> Self {
        let SessionConfig { secret, life, secure } = config;
        let key = secret.as_ref().map_or_else(Key::generate, |secret| Key::derive_from(secret));
        Self { hub, key, life: *life, secure: *secure }
    }

    /// `/session`.
    pub(crate) fn routes(self) -> Router {
        Router::new().route("/session", post(begin).get(show).delete(end)).with_state(self)
    }

    /// Who makes a request.
    pub(crate) fn caller(&self, request: &Request) -> Caller {
        let token = self.token(request.headers());
        let address = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
        token.map_or_else(|| Caller::anonymous(address), |token| token.caller)
    }

    fn token(&self, headers: &HeaderMap) -> Option<Token> {
        // Most requests of a feed have none.
        headers.get(axum::http::header::COOKIE)?;
        let cookie = SignedCookieJar::from_headers(headers, self.key.clone()).get(COOKIE)?;
        let mut parts = cookie.value().splitn(3, '.');
        let (id, expires_us, name) = (parts.next()?, parts.next()?, parts.next()?);
        let rest = expires_us.parse::<u64>().ok()?.checked_sub(unix_time_us()).filter(|rest| *rest > 0)?;
        let caller = self.hub.sessions().resume(id.parse().ok()?, name);
        Some(Token { caller, rest: Duration::from_micros(rest) })
    }

    fn cookie(&self, value: String, life: Duration) -> Cookie<'static> {
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((COOKIE, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds))
            .build()
    }
}

/// A session of this name: the one that the cookie is of, when it has the same name, else a new one.
async fn begin(State(issuer): State<Issuer>, request: Request) -> Result<Response, Refused> {
    let (jar, had) = (jar(&issuer, &request), issuer.token(request.headers()));
    let body = request::body(request, issuer.hub.limits()).await?;
    let Wanted { name } = serde_json::from_slice(&body)
        .map_err(|error| Refused::bad_request("bad-item", format!(r#"{error}; send {{"name":"ana"}}"#)))?;
    check_name(&name)?;
    let same = had.map(|token| token.caller).filter(|caller| caller.name() == Some(&name) && !caller.is_ended());
    let caller = same.unwrap_or_else(|| issuer.hub.sessions().begin(&name));
    let expires_us = unix_time_us().saturating_add(u64::try_from(issuer.life.as_micros()).unwrap_or(u64::MAX));
    let cookie = issuer.cookie(format!("{}.{expires_us}.{name}", caller.id()), issuer.life);
    Ok((jar.add(cookie), Json(Told { session: caller.id(), name })).into_response())
}

/// Who the cookie says this is.
async fn show(request: Request) -> Result<Json<Told>, Refused> {
    let caller = request::caller(request.extensions());
    let name = caller.name().filter(|_name| !caller.is_ended()).map(str::to_owned).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "no-session", "there is no session; POST /session with a name begins one")
    })?;
    Ok(Json(Told { session: caller.id(), name }))
}

/// Ends the session with all its connections, and takes the cookie back. Without a session there is nothing to do.
async fn end(State(issuer): State<Issuer>, request: Request) -> Response {
    if let Some(Token { caller, rest }) = issuer.token(request.headers()) {
        issuer.hub.sessions().end(caller.id(), rest);
    }
    let gone = issuer.cookie(String::new(), Duration::ZERO);
    (jar(&issuer, &request).add(gone), StatusCode::NO_CONTENT).into_response()
}

fn jar(issuer: &Issuer, request: &Request) -> SignedCookieJar {
    SignedCookieJar::from_headers(request.headers(), issuer.key.clone())
}
