//! What requests look like: header profiles, paths, and the addresses they go to.

use wire::After;

use super::{POSTS, START, Script, lane, target};
use crate::{
    ALL, AddressError, Command, Headers, HeadersError, Lane, Origin, Out, Target,
    headers::{self, Kind},
};

/// The heads that a lane sends with a profile: of its first request, and of a publish where that is another request.
fn heads(lane_text: &str, profile: &str) -> Vec<String> {
    heads_with(lane_text, Headers::built_in(profile).unwrap())
}

fn heads_with(lane_text: &str, headers: Headers) -> Vec<String> {
    let target = Target { headers, ..target() };
    let mut script = Script::start(lane_text, target);
    if POSTS.contains(&lane_text) {
        script.publish("message", "{}", 1);
    }
    let written = script.written.values().map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    written.map(|text| text.split_inclusive("\r\n\r\n").next().unwrap().to_owned()).collect()
}

#[test]
fn every_head_of_every_lane_and_profile_is_filled_in() {
    for spec in ALL {
        for profile in headers::names() {
            for head in heads(spec.id, profile) {
                assert!(!head.contains(['{', '}']), "{} with {profile}:\n{head}", spec.id);
                let fields = head.strip_suffix("\r\n\r\n").unwrap();
                let mut lines = fields.split("\r\n");
                let request = lines.next().unwrap();
                let (method, rest) = request.split_once(" /").unwrap();
                assert!(["GET", "POST"].contains(&method) && rest.ends_with(" HTTP/1.1"), "{request}");
                let prefix = spec.prefix.replace("{namespace}", "chat").replace("{room}", "lobby");
                let home = prefix.split('/').nth(1).unwrap();
                assert!(rest.starts_with(&format!("{home}/")), "{request} below {prefix}");
                let fields: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
                assert_eq!(
                    fields.iter().filter(|(name, _)| *name == "Host").collect::<Vec<_>>(),
                    [&("Host", "127.0.0.1:8080")]
                );
                assert!(fields.iter().all(|(name, value)| !name.contains(' ') && !value.is_empty()), "{head}");
            }
        }
    }
}

#[test]
fn the_minimal_profile_is_the_least_that_is_asked_for() {
    let fetch = "GET /v1/chat/lobby/short-polling HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
    let post = "POST /v1/chat/lobby/messages HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 29\r\n\
                content-type: application/json\r\n\r\n";
    assert_eq!(heads("short-polling", "minimal"), [fetch, post]);
    assert_eq!(heads("long-polling", "minimal"), [&fetch.replace("short-polling", "long-polling?wait=25s"), post]);
    assert_eq!(heads("sse", "minimal"), [&fetch.replace("short-polling", "sse"), post]);
    let upgrade = heads("websocket", "minimal").remove(0);
    let (before, key) = upgrade.split_once("Sec-WebSocket-Key: ").unwrap();
    let expected = "GET /v1/chat/lobby/websocket HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    assert_eq!(before, expected);
    assert_eq!(key.len(), 24 + 4, "16 bytes in base64, and the end of the head");
}

#[test]
fn the_chromium_profile_sends_what_a_browser_sends() {
    for lane in ["short-polling", "long-polling", "sse", "websocket"] {
        for (chromium, minimal) in heads(lane, "chromium").iter().zip(heads(lane, "minimal")) {
            assert!(chromium.len() > minimal.len() + 200, "{chromium}");
            for field in ["User-Agent: Mozilla/5.0 ", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: "] {
                assert!(chromium.contains(&format!("\r\n{field}")), "{chromium}");
            }
        }
    }
    let [fetch, post] = &heads("short-polling", "chromium")[..] else { panic!("two requests were expected") };
    assert!(fetch.contains("\r\nReferer: http://127.0.0.1:8080/\r\n"));
    assert!(post.contains("\r\nOrigin: http://127.0.0.1:8080\r\n"));
    let [events, _post] = &heads("sse", "chromium")[..] else { panic!("two requests were expected") };
    for field in ["Accept: text/event-stream", "Cache-Control: no-cache", "Referer: http://127.0.0.1:8080/"] {
        assert!(events.contains(&format!("\r\n{field}\r\n")), "{events}");
    }
    assert!(heads("websocket", "chromium")[0].contains("\r\nOrigin: http://127.0.0.1:8080\r\n"));
}

#[test]
fn the_floor_sends_the_same_whatever_the_profile() {
    assert_eq!(heads("raw", "chromium"), heads("raw", "minimal"));
    assert_eq!(heads("raw", "chromium-cookie"), heads("raw", "minimal"));
    assert!(heads("raw", "minimal")[0].contains("\r\nConnection: Upgrade\r\nUpgrade: feedbench-raw\r\n"));
}

#[test]
fn a_new_seed_gives_a_new_key() {
    let key = |seed| Script::start("websocket", Target { seed, ..target() }).written[&0].clone();
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
}

#[test]
fn an_uplink_alone_says_so_where_the_lane_has_one() {
    let first_line = |lane_text: &str| {
        let mut out = Out::default();
        lane(lane_text).build().driver(Target { receive: false, ..target() }).start(START, &mut out);
        let Some(Command::Write(_, bytes)) = out.commands.get(1) else { panic!("{:?}", out.commands) };
        String::from_utf8(bytes.clone()).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(first_line("raw"), "GET /v1/chat/lobby/raw?receive=false HTTP/1.1");
    assert_eq!(first_line("websocket"), "GET /v1/chat/lobby/websocket HTTP/1.1");
}

#[test]
fn a_profile_is_read_section_by_section() {
    let text = "# comment\n\n[fetch]\nHost: {host}\nX: {mine}\n[post]\nL: {length}\n[post-text]\nL: {length}\n[upgrade]\nO: {origin}\n\
                U: {protocol}\nK: {key}\n[event-stream]\nE: {host}\n";
    let profile = Headers::parse("own", text).unwrap();
    assert_eq!(profile.name(), "own");
    let head = profile.head(Kind::Fetch, "h:1", "/p", &[("{mine}", "y")], &[("Z", "1")]);
    assert_eq!(head, "GET /p HTTP/1.1\r\nHost: h:1\r\nX: y\r\nZ: 1\r\n\r\n");
    for kind in [Kind::Post, Kind::PostText] {
        let head = profile.head(kind, "h:1", "/p", &[("{length}", "7")], &[]);
        assert_eq!(head, "POST /p HTTP/1.1\r\nL: 7\r\n\r\n");
    }
    let upgrade = profile.head(Kind::Upgrade, "h:1", "/p", &[("{protocol}", "a"), ("{key}", "b")], &[]);
    assert_eq!(upgrade, "GET /p HTTP/1.1\r\nO: http://h:1\r\nU: a\r\nK: b\r\n\r\n");
    assert_eq!(profile.head(Kind::EventStream, "h:1", "/p", &[], &[]), "GET /p HTTP/1.1\r\nE: h:1\r\n\r\n");
}

#[test]
fn a_profile_that_cannot_be_used_says_where() {
    let whole =
        "[fetch]\n[post]\nL: {length}\n[post-text]\nL: {length}\n[event-stream]\n[upgrade]\nU: {protocol}\nK: {key}\n";
    Headers::parse("own", whole).unwrap();
    let without = |part: &str| whole.replacen(part, "", 1);
    for (text, says) in [
        ("[fetch]\nHost\n", &["line 2", "in [fetch]", "\"Host\""][..]),
        ("[fetch]\n[post]\n\nA b: c\n", &["line 4", "in [post]", "\"A b: c\""]),
        ("Host: {host}\n[fetch]\n", &["line 1", "before the first section", "Host: {host}"]),
        ("[fetch]\n[get]\n", &["line 2", "[get] is no kind of request", "[event-stream]"]),
        ("[fetch]\n\n[fetch]\n", &["line 3", "[fetch] is there twice"]),
        (&without("[post-text]\nL: {length}\n"), &["no section [post-text]", "[upgrade]"]),
        (&without("[event-stream]\n"), &["no section [event-stream]"]),
        ("", &["no section [fetch]"]),
        (&without("L: {length}\n"), &["[post]", "{length}"]),
        (&without("K: {key}\n"), &["[upgrade]", "{key}"]),
        (&without("U: {protocol}\n"), &["[upgrade]", "{protocol}"]),
    ] {
        let error = Headers::parse("own", text).unwrap_err().to_string();
        assert!(says.iter().all(|words| error.contains(words)), "{text:?}: {error}");
    }
    let unknown = Headers::built_in("netscape").unwrap_err();
    assert_eq!(unknown, HeadersError::Unknown { name: "netscape".to_owned() });
    for name in headers::names() {
        assert_eq!(Headers::built_in(name).unwrap().name(), name);
        assert!(unknown.to_string().contains(name), "{unknown}");
    }
    assert_eq!(headers::names().next(), Some("chromium"), "the default comes first");
}

#[test]
fn a_cookie_is_all_that_the_profile_with_one_has_beyond_the_other() {
    for lane in ["short-polling", "sse", "websocket", "socketio+polling"] {
        for (with, plain) in heads(lane, "chromium-cookie").iter().zip(heads(lane, "chromium")) {
            let (cookies, rest): (Vec<_>, Vec<_>) = with.split("\r\n").partition(|line| line.starts_with("Cookie: "));
            let [cookie] = cookies[..] else { panic!("one cookie was expected: {with}") };
            assert_eq!(cookie.len(), "Cookie: ".len() + 512);
            assert_eq!(rest.join("\r\n"), plain);
        }
    }
}

#[test]
fn a_cookie_stands_where_a_browser_has_it_and_replaces_the_one_that_was_there() {
    let cookie = "feedbench=1.2.ana; other=x";
    let kinds = [Kind::Fetch, Kind::Post, Kind::PostText, Kind::EventStream, Kind::Upgrade];
    let head = |profile: &Headers, kind| profile.head(kind, "h:1", "/p", &[], &[]);
    for kind in kinds {
        let [with, plain] = ["chromium-cookie", "chromium"].map(|name| Headers::built_in(name).unwrap());
        let captured = head(&with, kind);
        let (before, rest) = captured.split_once("\r\nCookie: ").unwrap();
        let (_, after) = rest.split_once("\r\n").unwrap();
        let expected = format!("{before}\r\nCookie: {cookie}\r\n{after}");
        assert_eq!(head(&with.with_cookie(cookie), kind), expected);
        assert_eq!(head(&plain.with_cookie("a=b").with_cookie(cookie), kind), expected);

        let minimal = Headers::built_in("minimal").unwrap();
        let head_before = head(&minimal, kind);
        let expected = format!("{}\r\nCookie: {cookie}\r\n\r\n", head_before.strip_suffix("\r\n\r\n").unwrap());
        assert_eq!(head(&minimal.with_cookie(cookie), kind), expected);
    }
    assert_eq!(Headers::built_in("minimal").unwrap().with_cookie(cookie).name(), "minimal");
}

#[test]
fn a_cookie_goes_with_the_first_request_of_every_lane_and_with_every_publish() {
    for spec in ALL {
        for profile in headers::names() {
            let headers = Headers::built_in(profile).unwrap().with_cookie("feedbench=1.2.ana");
            for head in heads_with(spec.id, headers) {
                assert_eq!(
                    head.matches("\r\nCookie: feedbench=1.2.ana\r\n").count(),
                    1,
                    "{} with {profile}:\n{head}",
                    spec.id
                );
                assert_eq!(head.matches("Cookie").count(), 1, "{} with {profile}:\n{head}", spec.id);
            }
        }
    }
}

#[test]
fn a_path_names_the_feed_where_to_start_and_what_else_is_asked() {
    let path = |after, query| Target { after, ..target() }.path("raw", query);
    let position = || After::Position("e.41".parse().unwrap());
    assert_eq!(path(After::Head, ""), "/v1/chat/lobby/raw");
    assert_eq!(path(After::Head, "wait=25s"), "/v1/chat/lobby/raw?wait=25s");
    assert_eq!(path(After::Earliest, ""), "/v1/chat/lobby/raw?after=earliest");
    assert_eq!(path(position(), ""), "/v1/chat/lobby/raw?after=e.41");
    assert_eq!(path(position(), "wait=25s"), "/v1/chat/lobby/raw?after=e.41&wait=25s");
}

#[test]
fn an_origin_is_a_host_and_a_port() {
    for (url, authority, address) in [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1", "127.0.0.1", "127.0.0.1:80"),
        ("http://[::1]:9", "[::1]:9", "[::1]:9"),
        ("http://[::1]", "[::1]", "[::1]:80"),
    ] {
        let origin = Origin::parse(url).unwrap();
        assert_eq!((origin.authority.as_str(), origin.address), (authority, address.parse().unwrap()), "{url}");
    }
}

#[test]
fn what_is_no_origin_is_refused_with_the_form_to_write() {
    for url in [
        "",
        "127.0.0.1:8080",
        "https://127.0.0.1",
        "ws://127.0.0.1",
        "HTTP://127.0.0.1",
        "http://",
        "http:///",
        "http://h/v1",
        "http://h?x",
        "http://h#x",
        "http://u@h",
        "http://a b",
        " http://h",
    ] {
        assert_eq!(Origin::parse(url), Err(AddressError::Form(url.to_owned())), "{url:?}");
    }
    assert!(Origin::parse("h").unwrap_err().to_string().contains("http://HOST:PORT"));
}

#[test]
fn a_lane_builds_drivers_that_do_not_share_anything() {
    let transport = Lane::plain(&ALL[0]).build();
    let (mut first, mut second) = (transport.driver(target()), transport.driver(target()));
    let (mut a, mut b) = (Out::default(), Out::default());
    first.start(START, &mut a);
    second.start(START, &mut b);
    assert_eq!(a.commands, b.commands);
}
