//! Who has a name on the server: a session, as every lane knows it by its cookie.

use serde::Deserialize;
use transport::Headers;
use wire::SessionId;

use crate::{
    http::{Answer, Http},
    outcome::{Checked, Otherwise},
    suite::Suite,
};

/// A named session.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) session: SessionId,
    /// What the `Cookie` header says.
    pub(crate) cookie: String,
    /// The suite's heads with it.
    pub(crate) headers: Headers,
}

#[derive(Deserialize)]
struct Begun {
    session: SessionId,
}

impl Visitor {
    /// Begins a session. On a server without sessions nothing that needs one can be seen.
    pub(crate) async fn begin(suite: &Suite, name: &str) -> Checked<Self> {
        let body = format!(r#"{{"name":"{name}"}}"#);
        let answer = Http::new(suite.origin.clone()).request("POST", "/session", &body).await?;
        if answer.status == 404 {
            let why = "the server has no sessions: POST /session is answered 404";
            return Err(Otherwise::NotApplicable(why.to_owned()));
        }
        if answer.status != 200 {
            return Err(format!("POST /session is answered {} {}", answer.status, answer.body).into());
        }
        let begun: Begun = serde_json::from_str(&answer.body)
            .map_err(|error| format!("POST /session is answered without a session: {error}"))?;
        let cookie = cookies(&answer);
        if cookie.is_empty() {
            return Err("POST /session is answered without a cookie".to_owned().into());
        }
        let headers = suite.headers.with_cookie(&cookie);
        Ok(Self { session: begun.session, cookie, headers })
    }
}

/// What the next request says of the cookies that an answer sets.
fn cookies(answer: &Answer) -> String {
    let set = answer.head.fields().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let pairs: Vec<&str> = set.map(|(_, cookie)| cookie.split(';').next().unwrap_or_default()).collect();
    pairs.join("; ")
}
