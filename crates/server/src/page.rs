//! The web page: every file of `web/`, built into the binary.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, StatusCode, header, uri::Authority},
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

/// The folder. A debug build reads its files from disk when they are asked for; which there are, at its start.
#[derive(RustEmbed)]
#[folder = "../../web"]
struct Files;

/// What is served of it, by the end of a file's name. Types and licences of vendored code are only for those who read it.
const MEDIA_TYPES: [(&str, &str); 5] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
];

/// A browser takes an answer for what it says it is.
pub(crate) const NO_SNIFFING: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// Nothing comes into the page's process that did not ask to, so that browsers give it their fine clock: 5 us instead of
/// 100 us. A worker or a frame needs the first as its page does; a page that asks so takes in a script only with the second.
pub(crate) const ISOLATED: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
];

/// The other half of it, for documents: no page of another origin holds a handle of this one.
const OWN_GROUP: (HeaderName, &str) = (HeaderName::from_static("cross-origin-opener-policy"), "same-origin");

/// What a page of ours may do, without its connections: its own scripts, workers and styles, nothing inline, and no page
/// around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'";

/// The page's routes: `index.html` at `/`, every other file at its path. It may connect to the server on each of `ports`.
pub(crate) fn routes(ports: &[u16]) -> Router {
    let ports: Arc<[u16]> = ports.into();
    Files::iter().fold(Router::new(), |router, name| {
        let Some(media_type) = media_type(&name) else { return router };
        let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
        let ports = Arc::clone(&ports);
        router.route(&path, get(async move |headers: HeaderMap| file(&name, media_type, &headers, &ports)))
    })
}

fn file(name: &str, media_type: &'static str, headers: &HeaderMap, ports: &[u16]) -> Response {
    // In a debug build it may be gone since.
    let Some(file) = Files::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let fixed = [
        (header::CONTENT_TYPE, media_type),
        // Another build has other files, and nothing in their names says so.
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "same-origin"),
        NO_SNIFFING,
        OWN_GROUP,
    ];
    let policy = [(header::CONTENT_SECURITY_POLICY, policy(headers, ports))];
    (fixed, ISOLATED, AppendHeaders(policy), file.data.into_owned()).into_response()
}

/// The media type of a file that is served.
fn media_type(name: &str) -> Option<&'static str> {
    let (_stem, end) = name.rsplit_once('.')?;
    MEDIA_TYPES.iter().find_map(|(known, media_type)| (*known == end).then_some(*media_type))
}

/// What the page may do, when it was asked for at the `Host` of these headers.
fn policy(headers: &HeaderMap, ports: &[u16]) -> String {
    let authority = headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    // Nothing that could end the directive.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let host = authority.as_ref().map(Authority::host).filter(|host| host.bytes().all(is_plain));
    let source = |port: &u16| host.map(|host| format!(" http://{host}:{port} ws://{host}:{port}"));
    ports.iter().filter_map(source).fold(POLICY.to_owned(), |policy, source| policy + &source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_at(host: &str, ports: &[u16]) -> String {
        policy(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]), ports)
    }

    #[test]
    fn a_page_connects_to_every_port_of_the_host_it_came_from() {
        let connect = |host, ports: &[u16]| policy_at(host, ports).split_once("connect-src ").unwrap().1.to_owned();
        assert_eq!(connect("chat.example", &[]), "'self'");
        let both = "'self' http://chat.example:80 ws://chat.example:80 http://chat.example:81 ws://chat.example:81";
        assert_eq!(connect("chat.example:80", &[80, 81]), both);
        assert_eq!(connect("[::1]:80", &[80]), "'self' http://[::1]:80 ws://[::1]:80");
    }

    #[test]
    fn a_host_that_is_none_adds_nothing() {
        for host in ["a;script-src *", "a;script-src:80", "a,b", "a b", "*", "*:80", "'unsafe-inline'", ""] {
            assert_eq!(policy_at(host, &[80]), POLICY, "{host:?}");
        }
    }
}
