//! Which pages may use this server: those it serves itself, on any of its ports, and those of a list.
//!
//! Browsers send the cookie of a host with every request to it, whatever page makes the request; only the page's origin
//! tells a user's own page from a stranger's. So a request that a browser made for a page of another origin is refused before any
//! route sees it: a WebSocket or a stream too, which no other rule of browsers keeps from being opened. Programs that are no browser
//! send neither header and are let through: they have no cookies of anybody's.
//!
//! Who follows a link from a stranger's page comes without a cookie: the answer is for the user alone, but the request is the
//! page's, and must not be seen to come from the user.
//!
//! Headers that let pages of other origins read answers (CORS) go out only to origins that may, so nobody else pays their bytes.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use transport::answer::Refused;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What pages of other origins may read beside what browsers always allow. Every answer to them carries it, a poll's too: no
/// more than they need.
const READ: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "feed-position, retry-after, etag"),
];

/// What they may send beside that. Browsers look for it in the answer to a preflight alone.
const SEND: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, idempotency-key, if-none-match, last-event-id"),
];

/// An origin that is none. The text says what one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin: it looks like https://chat.example or http://127.0.0.1:8080, without a path")]
pub struct OriginError(pub String);

/// The origin of a page: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PageOrigin {
    scheme: String,
    host: String,
    port: u16,
}

impl PageOrigin {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?.to_ascii_lowercase(), uri.authority()?);
        let bare = uri.query().is_none() && matches!(uri.path(), "" | "/") && !authority.as_str().contains('@');
        let usual = match &*scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let port = if authority.host() == authority.as_str() { usual } else { authority.port_u16()? };
        let fits = bare && !text.ends_with('/');
        fits.then(|| Self { host: authority.host().to_ascii_lowercase(), port, scheme })
    }
}

/// Which origins may use this server.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    own_ports: Vec<u16>,
    allowed: Vec<PageOrigin>,
    /// Its own pages come over TLS, and a page that does not is somebody else's.
    secure: bool,
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// A page of this origin, or no page.
    Here,
    /// A page of another origin that may.
    Friend(Friend),
    /// A link on a page of another origin.
    Link,
    /// A page of another origin.
    Stranger,
}

/// The origin of a page that may use the server and is not of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Friend(HeaderValue);

impl Friend {
    /// The answer to that.
    pub(crate) fn preflight(self) -> Response {
        self.let_read((StatusCode::NO_CONTENT, SEND).into_response())
    }

    /// Lets the page read an answer.
    pub(crate) fn let_read(self, mut answer: Response) -> Response {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        headers.extend(READ.map(|(name, value)| (name, HeaderValue::from_static(value))));
        answer
    }
}

/// Whether a request only asks what its page may ask.
pub(crate) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

impl Origins {
    /// # Errors
    ///
    /// [`OriginError`] for the first text that is no origin.
    pub(crate) fn new(own_ports: Vec<u16>, allowed: &[String], secure: bool) -> Result<Self, OriginError> {
        let parse = |text: &String| PageOrigin::parse(text).ok_or_else(|| OriginError(text.clone()));
        Ok(Self { own_ports, allowed: allowed.iter().map(parse).collect::<Result<_, _>>()?, secure })
    }

    /// The ports whose pages are the server's own.
    pub(crate) fn own_ports(&self) -> &[u16] {
        &self.own_ports
    }

    /// What a stranger's page is told.
    pub(crate) fn refused() -> Refused {
        let detail =
            "pages of this origin may not use this server; its operator can allow the origin with --allow-origin";
        Refused::new(StatusCode::FORBIDDEN, "foreign-origin", detail)
    }

    /// Where a request comes from.
    pub(crate) fn from(&self, headers: &HeaderMap, method: &Method) -> From {
        let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
        let Some(value) = headers.get(header::ORIGIN) else {
            // Browsers leave it out of requests whose answer the page cannot read, but say how far the page is.
            if !matches!(site, Some(b"cross-site" | b"same-site")) {
                return From::Here;
            }
            let says = |name: HeaderName, value: &str| headers.get(name).is_some_and(|said| said == value);
            // A frame is no link: the page around it sees that something is there.
            let is_link = (method == Method::GET || method == Method::HEAD)
                && says(FETCH_MODE, "navigate")
                && says(FETCH_DEST, "document");
            return if is_link { From::Link } else { From::Stranger };
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let (Some(origin), Some(host)) = (value.to_str().ok().and_then(PageOrigin::parse), host) else {
            return From::Stranger;
        };
        // A browser knows the scheme of the page; what the server is asked by has none, for a proxy may have taken it off.
        let Some(here) = PageOrigin::parse(&format!("{}://{host}", origin.scheme)) else { return From::Stranger };
        let may_be_own = !self.secure || origin.scheme == "https";
        // The same name, and yet another site: the page came over plain HTTP, where anybody on the way may have made it.
        if may_be_own && origin == here && site != Some(b"cross-site") {
            return From::Here;
        }
        let is_own = may_be_own && origin.host == here.host && origin != here && self.own_ports.contains(&origin.port);
        if is_own || self.allowed.contains(&origin) { From::Friend(Friend(value.clone())) } else { From::Stranger }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{COOKIE, HOST, ORIGIN};

    use super::*;

    const SITE: HeaderName = FETCH_SITE;
    const MODE: HeaderName = FETCH_MODE;
    const DEST: HeaderName = FETCH_DEST;

    /// `here`, `friend`, `link` or `stranger`.
    fn from(method: &Method, headers: &[(HeaderName, &'static str)]) -> &'static str {
        let allowed = ["https://chat.example", "http://old.example:80"].map(str::to_owned);
        let origins = Origins::new(vec![8080, 8081], &allowed, false).unwrap();
        let all = [(COOKIE, "feedbench=x")].iter().chain(headers).map(|(name, value)| (name.clone(), *value));
        let headers = all.map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        match origins.from(&headers, method) {
            From::Here => "here",
            From::Friend(_) => "friend",
            From::Link => "link",
            From::Stranger => "stranger",
        }
    }

    #[test]
    fn a_server_over_tls_takes_no_page_over_plain_http_for_its_own() {
        let from = |origin: &'static str, site: &'static str| {
            let headers = [(HOST, "a.example"), (ORIGIN, origin), (FETCH_SITE, site)];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect();
            [false, true].map(|secure| Origins::new(vec![8081], &[], secure).unwrap().from(&headers, &Method::GET))
        };
        assert_eq!(from("https://a.example", "same-origin"), [From::Here, From::Here]);
        assert_eq!(from("http://a.example", "same-origin"), [From::Here, From::Stranger]);
        assert_eq!(from("http://a.example", "cross-site"), [From::Stranger, From::Stranger]);
        let friend = From::Friend(Friend(HeaderValue::from_static("http://a.example:8081")));
        assert_eq!(from("http://a.example:8081", "same-site"), [friend, From::Stranger]);
    }

    #[test]
    fn a_request_is_from_where_its_origin_says() {
        for (origin, host, expected) in [
            ("http://a.example:8080", "a.example:8080", "here"),
            ("https://a.example", "a.example", "here"),
            ("http://A.example:80", "a.example", "here"),
            ("http://a.example:8081", "a.example:8080", "friend"),
            ("https://chat.example", "a.example:8080", "friend"),
            ("https://chat.example:443", "a.example:8080", "friend"),
            ("http://old.example", "a.example:8080", "friend"),
            ("http://[::1]:8081", "[::1]:8080", "friend"),
            ("http://a.example:9999", "a.example:8080", "stranger"),
            ("http://localhost:8080", "127.0.0.1:8080", "stranger"),
            ("http://chat.example", "a.example:8080", "stranger"),
            ("https://chat.example:8080", "a.example:8080", "stranger"),
            ("https://chat.example.evil.example", "a.example:8080", "stranger"),
            ("https://evil.example", "a.example:8080", "stranger"),
            ("http://a.example:8080@evil.example", "a.example:8080", "stranger"),
            ("http://evil.example:8080", "a.example:8080", "stranger"),
            ("http://a.example:99999", "a.example", "stranger"),
            ("file://", "a.example:8080", "stranger"),
            ("null", "a.example:8080", "stranger"),
            ("", "a.example:8080", "stranger"),
            ("a.example:8080", "a.example:8080", "stranger"),
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
                let headers = [(ORIGIN, origin), (HOST, host), (SITE, "same-origin")];
                assert_eq!(from(&method, &headers), expected, "{method} of {origin} to {host}");
            }
        }
        assert_eq!(from(&Method::GET, &[(ORIGIN, "http://a.example")]), "stranger", "without a host nothing is own");
    }

    #[test]
    fn a_request_without_an_origin_is_from_as_far_as_its_browser_says() {
        let [get, post] = [Method::GET, Method::POST];
        for (method, headers, expected) in [
            (&get, &[][..], "here"),
            (&post, &[], "here"),
            (&get, &[(SITE, "same-origin")], "here"),
            (&get, &[(SITE, "none"), (MODE, "navigate"), (DEST, "document")], "here"),
            (&get, &[(SITE, "same-site")], "stranger"),
            (&get, &[(SITE, "cross-site"), (MODE, "no-cors"), (DEST, "image")], "stranger"),
            (&get, &[(SITE, "cross-site"), (MODE, "navigate"), (DEST, "document")], "link"),
            (&get, &[(SITE, "same-site"), (MODE, "navigate"), (DEST, "document")], "link"),
            (&get, &[(SITE, "cross-site"), (MODE, "navigate"), (DEST, "iframe")], "stranger"),
            (&get, &[(SITE, "cross-site"), (MODE, "navigate")], "stranger"),
            (&post, &[(SITE, "cross-site"), (MODE, "navigate"), (DEST, "document")], "stranger"),
        ] {
            assert_eq!(from(method, headers), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn an_answer_carries_what_lets_its_page_read_it_and_a_preflights_what_it_may_send() {
        let friend = || Friend(HeaderValue::from_static("http://a.example:8081"));
        let names = |answer: Response| {
            let mut names: Vec<_> = answer.headers().keys().map(|name| name.as_str().to_owned()).collect();
            names.sort();
            names.join(" ").replace("access-control-", "")
        };
        let read = names(friend().let_read(StatusCode::OK.into_response()));
        assert_eq!(read, "allow-credentials allow-origin expose-headers vary");
        let preflight = names(friend().preflight());
        assert_eq!(preflight, "allow-credentials allow-headers allow-methods allow-origin expose-headers vary");
    }

    #[test]
    fn what_is_no_origin_is_not_allowed() {
        for text in
            ["chat.example", "https://chat.example/", "https://chat.example/x", "https://u@chat.example", "*", ""]
        {
            assert_eq!(Origins::new(Vec::new(), &[text.to_owned()], false).unwrap_err(), OriginError(text.to_owned()));
        }
    }
}
