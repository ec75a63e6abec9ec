//! Sessions over HTTP: the signed cookie, and the routes that give, show and end it.
//!
//! The cookie holds `id.expiry.name` in plain text and a signature; nothing is stored for it. Every request is looked at
//! once, before any route: what finds a good cookie gets the session as its [`Caller`], all others a caller without a name.
//! No transport parses a cookie.

use std::{fmt, net::IpAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
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

/// Its name where it goes over TLS alone: browsers take one of this name from this very host and from nobody else.
const HOST_COOKIE: &str = "__Host-feedbench";

/// Of answers that are one user's alone.
const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

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
    pub(crate) fn caller(&self, headers: &HeaderMap, address: IpAddr) -> Caller {
        self.token(headers).map_or_else(|| Caller::anonymous(Some(address)), |token| token.caller)
    }

    fn token(&self, headers: &HeaderMap) -> Option<Token> {
        // Most requests of a feed have none.
        headers.get(header::COOKIE)?;
        let cookie = SignedCookieJar::from_headers(headers, self.key.clone()).get(self.cookie_name())?;
        let mut parts = cookie.value().splitn(3, '.');
        let (id, expires_us, name) = (parts.next()?, parts.next()?, parts.next()?);
        let rest = expires_us.parse::<u64>().ok()?.checked_sub(unix_time_us()).filter(|rest| *rest > 0)?;
        let rest = Duration::from_micros(rest);
        let caller = self.hub.sessions().resume(id.parse().ok()?, name, rest);
        Some(Token { caller, rest })
    }

    fn cookie_name(&self) -> &'static str {
        if self.secure { HOST_COOKIE } else { COOKIE }
    }

    fn cookie(&self, value: String, life: Duration) -> Cookie<'static> {
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((self.cookie_name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds))
            .build()
    }
}

/// A new session of this name, whatever cookie came along: an id that somebody else may have put there is not taken over.
async fn begin(State(issuer): State<Issuer>, request: Request) -> Result<Response, Refused> {
    let jar = jar(&issuer, &request);
    let body = request::body(request, issuer.hub.limits()).await?;
    let Wanted { name } = serde_json::from_slice(&body)
        .map_err(|error| Refused::bad_request("bad-item", format!(r#"{error}; send {{"name":"ana"}}"#)))?;
    check_name(&name)?;
    let session = SessionId(rand::random());
    tracing::debug!(%session, "a session begins");
    let expires_us = unix_time_us().saturating_add(u64::try_from(issuer.life.as_micros()).unwrap_or(u64::MAX));
    let cookie = issuer.cookie(format!("{session}.{expires_us}.{name}"), issuer.life);
    Ok((NO_STORE, jar.add(cookie), Json(Told { session, name })).into_response())
}

/// Who the cookie says this is.
async fn show(request: Request) -> Result<Response, Refused> {
    let caller = request::caller(request.extensions());
    let name = caller.name().filter(|_name| !caller.is_ended()).map(str::to_owned).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "no-session", "there is no session; POST /session with a name begins one")
    })?;
    Ok((NO_STORE, Json(Told { session: caller.id(), name })).into_response())
}

/// Ends the session with all its connections, and takes the cookie back. Without a session there is nothing to do.
async fn end(State(issuer): State<Issuer>, request: Request) -> Response {
    if let Some(Token { caller, rest }) = issuer.token(request.headers()) {
        tracing::debug!(session = %caller.id(), "a session ends");
        issuer.hub.sessions().end(caller.id(), rest);
    }
    let gone = issuer.cookie(String::new(), Duration::ZERO);
    (jar(&issuer, &request).add(gone), StatusCode::NO_CONTENT).into_response()
}

fn jar(issuer: &Issuer, request: &Request) -> SignedCookieJar {
    SignedCookieJar::from_headers(request.headers(), issuer.key.clone())
}
