//! The web page, built into the binary.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, header, uri::Authority},
    response::{AppendHeaders, IntoResponse},
    routing::get,
};

/// Path, media type and content of every file.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("../../../web/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../../../web/app.js")),
    ("/http-feed.js", "text/javascript; charset=utf-8", include_str!("../../../web/http-feed.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../../../web/style.css")),
];

/// A browser takes an answer for what it says it is.
pub(crate) const NO_SNIFFING: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// What a page of ours may do, without its connections: its own scripts and styles, nothing inline, and no page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'; connect-src 'self'";

/// The page's routes. It may connect to the server on each of `ports`.
pub(crate) fn routes(ports: &[u16]) -> Router {
    let ports: Arc<[u16]> = ports.into();
    FILES.iter().fold(Router::new(), |router, &(path, media_type, content)| {
        let ports = Arc::clone(&ports);
        let answer = async move |headers: HeaderMap| {
            let policy = (header::CONTENT_SECURITY_POLICY, policy(&headers, &ports));
            let referrer = (header::REFERRER_POLICY, "same-origin");
            let fixed = [(header::CONTENT_TYPE, media_type), NO_SNIFFING, referrer];
            (fixed, AppendHeaders([policy]), content).into_response()
        };
        router.route(path, get(answer))
    })
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
