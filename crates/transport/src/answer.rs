//! What routes answer when they cannot do what was asked: `application/problem+json`, each with what to do about it.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub::{HubError, PublishError, SessionError};
use wire::{
    Close, NameError,
    position::PositionError,
    problem::{self, Problem},
    publication::DataError,
};

/// A refusal, over HTTP or inside a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    /// The `type` of the problem: a stable word.
    kind: &'static str,
    detail: String,
    close: Option<Close>,
    retry_after: Option<Duration>,
}

impl Refused {
    /// A request that cannot be understood: 400.
    pub fn bad_request(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, detail)
    }

    /// Any other status.
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), close: None, retry_after: None }
    }

    /// The announced end, for transports that have only answers to announce it with: 503, with `Retry-After` for those who may
    /// come back.
    pub fn closing(close: Close) -> Self {
        let mut refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, "closing", close.reason.clone());
        refused.retry_after = close.reconnect.then(|| Duration::from_millis(close.retry_after_ms));
        refused.close = Some(close);
        refused
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// What was wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<NameError> for Refused {
    fn from(error: NameError) -> Self {
        Self::bad_request("bad-name", error.to_string())
    }
}

impl From<PositionError> for Refused {
    fn from(error: PositionError) -> Self {
        Self::bad_request("bad-position", error.to_string())
    }
}

impl From<HubError> for Refused {
    fn from(error: HubError) -> Self {
        if let HubError::Session(error) = error {
            return error.into();
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-rooms", error.to_string())
    }
}

impl From<SessionError> for Refused {
    fn from(error: SessionError) -> Self {
        let (status, kind, retry_after) = match error {
            SessionError::TooManyConnections { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-connections", Some(Duration::from_secs(1)))
            }
            SessionError::TooFast { retry_after, .. } => (StatusCode::TOO_MANY_REQUESTS, "too-fast", Some(retry_after)),
            SessionError::Nameless => (StatusCode::UNAUTHORIZED, "nameless", None),
            SessionError::Ended => (StatusCode::UNAUTHORIZED, "session-ended", None),
        };
        Self { retry_after, ..Self::new(status, kind, error.to_string()) }
    }
}

impl From<PublishError> for Refused {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Name(error) => error.into(),
            PublishError::Session(error) => error.into(),
            PublishError::Room(error) => error.into(),
            PublishError::Data(DataError::TooLarge { .. }) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", error.to_string())
            }
            PublishError::Data(DataError::Syntax(_) | DataError::TooDeep) => {
                Self::bad_request("bad-data", error.to_string())
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: self.kind.to_owned(),
            title: self.status.canonical_reason().unwrap_or("refused").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.close.as_ref().map(|close| close.code),
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // Whole seconds, and never sooner than is meant.
            headers
                .insert(header::RETRY_AFTER, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).div_ceil(1000).into());
        }
        if self.close.is_some() {
            // The end of this connection, too: the next request belongs to whoever comes after.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
