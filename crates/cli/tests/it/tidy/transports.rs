//! What a transport's folder holds, and that nobody outside it knows the transport.

use super::{assert_kept, code, files_below, list, read, sources, words};

const SRC: &str = "crates/transport/src";
const LIST: &str = "crates/transport/src/lib.rs";

/// How the list of all transports begins in its file.
const ALL: &str = "ALL: &[Spec] =";

const FILES: [&str; 3] = ["client.rs", "mod.rs", "server.rs"];
const BROWSER_HALF: &str = "browser.js";

/// The comparison in prose: every transport answers the same five, in this order.
const HEADINGS: [&str; 5] = ["On the wire", "Order and loss", "Resume", "Liveness", "Cost"];

/// Words of those who stand on the hub.
const CARRYING: &str = "eventsource http poll poller polling polls socket sockets sse websocket websockets";

/// Where the name of a protocol or of a lane is no knowledge of a transport: the codecs, whose formats have tokens of
/// that name, and what only tests use.
const FREE: [&str; 2] = ["crates/wire/", "crates/testkit/"];

/// A transport as its folder shows it.
#[derive(Debug)]
struct Transport {
    folder: String,
    id: String,
    /// Names of its options, which may be another transport's id: inside the folder they are its own words.
    options: Vec<String>,
}

/// The `id` in the spec of a `mod.rs`.
fn id(text: &str) -> Option<&str> {
    text.split_once("id: \"")?.1.split('"').next()
}

/// The names of options in the specs of a `mod.rs`.
fn options(text: &str) -> Vec<String> {
    let names = text.split("OptionSpec {").skip(1).filter_map(|spec| spec.split_once("name: \"")?.1.split('"').next());
    names.map(str::to_owned).collect()
}

/// The text before, inside and after the initializer of `ALL`.
fn around_all(lib: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = lib.split_once(ALL)?;
    let (inside, after) = rest.split_once('[')?.1.split_once(']')?;
    Some((before, inside, after))
}

/// The folders in `ALL`, in its order.
fn listed(lib: &str) -> Vec<&str> {
    let inside = around_all(lib).map_or("", |(_, inside, _)| inside);
    inside.split(',').filter_map(|entry| entry.trim().strip_suffix("::SPEC")).collect()
}

fn folder_is_whole(folder: &str, files: &[String], text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let id = id(text).unwrap_or_default();
    if id.replace('-', "_") != folder {
        found.push(format!("{folder}: its id is {id:?}, which is another name"));
    }
    let for_browsers = !text.contains("browser_module: None");
    for file in FILES.into_iter().chain(for_browsers.then_some(BROWSER_HALF)) {
        if !files.iter().any(|name| name == file) {
            found.push(format!("{folder} lacks {file}"));
        }
    }
    let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
    if headings != HEADINGS {
        found.push(format!("{folder}/mod.rs has the headings {headings:?}, not {HEADINGS:?}"));
    }
    found
}

fn list_is_whole(folders: &[&str], lib: &str) -> Vec<String> {
    let listed = listed(lib);
    let mut found = Vec::new();
    for folder in folders {
        let times = listed.iter().filter(|entry| *entry == folder).count();
        if times != 1 {
            found.push(format!("{folder} stands in ALL {times} times"));
        }
    }
    let homeless = listed.iter().filter(|entry| !folders.contains(entry));
    found.extend(homeless.map(|entry| format!("{entry} has no folder")));
    found
}

/// Whether `code` goes into the module `folder` of the transport crate. Unqualified names count only in the crate's root,
/// where the modules are in scope, and not inside `ALL`.
fn enters(path: &str, code: &str, folder: &str) -> bool {
    let (before, after) = around_all(code).map_or((code, ""), |(before, _, after)| (before, after));
    let prefixes: &[&str] =
        if path.starts_with(SRC) { &["crate::", "super::", "transport::"] } else { &["transport::"] };
    let name = format!("{folder}::");
    [before, after].into_iter().any(|code| {
        code.match_indices(&name).any(|(at, _)| {
            let before = &code[..at];
            let bare = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            prefixes.iter().any(|prefix| before.ends_with(prefix)) || (bare && path == LIST)
        })
    })
}

fn knows_no_transport(path: &str, text: &str, transports: &[Transport]) -> Vec<String> {
    let is_test = path.contains("/tests/") || FREE.iter().any(|free| path.starts_with(free));
    let code = code(text);
    let mut found = Vec::new();
    let inside = |folder: &str| path.starts_with(&format!("{SRC}/{folder}/"));
    let own = transports.iter().find(|transport| inside(&transport.folder));
    for Transport { folder, id, .. } in transports {
        if is_test || inside(folder) {
            continue;
        }
        let is_option = own.is_some_and(|own| own.options.contains(id));
        if !is_option && ['"', '\'', '`'].iter().any(|quote| code.contains(&format!("{quote}{id}{quote}"))) {
            found.push(format!("{path} knows the transport {id:?}"));
        }
        if enters(path, &code, folder) {
            found.push(format!("{path} goes into the transport's folder {folder}"));
        }
    }
    found
}

fn says_no_word_of(path: &str, text: &str, banned: &[&str]) -> Vec<String> {
    let (words, text) = (words(text), text.to_lowercase());
    let said = banned.iter().filter(|word| words.contains(**word) || (word.contains('-') && text.contains(**word)));
    said.map(|word| format!("{path} says {word:?}")).collect()
}

fn transports() -> Vec<Transport> {
    let folders = list(SRC).into_iter().filter_map(|name| name.strip_suffix('/').map(str::to_owned));
    let with_module =
        folders.filter(|folder| folder != "tests" && list(&format!("{SRC}/{folder}")).contains(&"mod.rs".to_owned()));
    let found: Vec<_> = with_module
        .map(|folder| {
            let text = read(&format!("{SRC}/{folder}/mod.rs"));
            let id = id(&text).unwrap_or_else(|| panic!("{folder}/mod.rs has no `id: \"..\"`")).to_owned();
            Transport { folder, id, options: options(&text) }
        })
        .collect();
    assert!(!found.is_empty(), "no transport below {SRC}");
    found
}

#[test]
fn every_transport_has_its_files_and_headings() {
    let text =
        "//! # On the wire\n//! # Order and loss\n//! # Resume\n//! # Liveness\n//! # Cost\nid: \"two-words\",\n";
    let files = ["browser.js", "client.rs", "mod.rs", "server.rs"].map(str::to_owned);
    let none = Vec::<String>::new();
    assert_eq!(folder_is_whole("two_words", &files, text), none);
    assert_eq!(folder_is_whole("other", &files, text).len(), 1);
    assert_eq!(folder_is_whole("two_words", &files[1..], text).len(), 1);
    assert_eq!(folder_is_whole("two_words", &files[1..], &format!("{text}browser_module: None,\n")), none);
    assert_eq!(folder_is_whole("two_words", &files[..3], text).len(), 1);
    assert_eq!(folder_is_whole("two_words", &files, &text.replace("Resume", "Cost")).len(), 1);

    let modules: Vec<_> = transports().iter().map(|transport| format!("{SRC}/{}/mod.rs", transport.folder)).collect();
    assert_kept(&modules, |path, text| {
        let folder = path.trim_end_matches("/mod.rs");
        folder_is_whole(folder.trim_start_matches("crates/transport/src/"), &list(folder), text)
    });
}

#[test]
fn every_transport_is_listed_once() {
    let lib = "mod a;\npub const ALL: &[Spec] = &[\n    a::SPEC,\n    b::SPEC,\n];\n";
    assert_eq!(listed(lib), ["a", "b"]);
    assert_eq!(list_is_whole(&["b", "a"], lib), Vec::<String>::new());
    assert_eq!(list_is_whole(&["a", "b", "c"], lib), ["c stands in ALL 0 times"]);
    assert_eq!(list_is_whole(&["a", "b"], &lib.replace("b::", "a::")).len(), 2);
    assert_eq!(list_is_whole(&["a"], lib), ["b has no folder"]);

    let transports = transports();
    let folders: Vec<_> = transports.iter().map(|transport| transport.folder.as_str()).collect();
    assert_kept(&[LIST.to_owned()], |_, lib| list_is_whole(&folders, lib));
}

#[test]
fn nothing_outside_a_folder_knows_its_transport() {
    let other = "id: \"other\", OptionSpec { name: \"two-words\", title: \"\" }";
    let two = [("two_words", "two-words", ""), ("other", "other", other)].map(|(folder, id, text)| Transport {
        folder: folder.to_owned(),
        id: id.to_owned(),
        options: options(text),
    });
    let count = |path: &str, text: &str| knows_no_transport(path, text, &two).len();
    for (path, planted) in [
        ("crates/load/src/run.rs", "if id == \"two-words\" {"),
        ("web/app.js", "if (id === 'two-words')"),
        ("crates/server/src/lib.rs", "use transport::two_words::SPEC;"),
        ("crates/transport/src/raw/client.rs", "use super::super::two_words::Driver; use super::two_words::x;"),
        ("crates/transport/src/other/client.rs", "crate::two_words::Driver"),
        ("crates/transport/src/lane.rs", "let a = [1];\nlet spec = crate::two_words::SPEC;"),
        ("crates/transport/src/lib.rs", "pub const ALL: &[Spec] = &[two_words::SPEC];\nfn f() { two_words::g(); }"),
    ] {
        assert_eq!(count(path, planted), 1, "{path}: {planted}");
    }
    for (path, fine) in [
        ("crates/load/src/run.rs", "// of \"two-words\"\nuse wire::two_words::Frame;"),
        ("crates/load/src/run.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    \"two-words\"\n}\n"),
        ("crates/transport/src/other/mod.rs", other),
        ("crates/transport/src/two_words/mod.rs", "id: \"two-words\", use crate::two_words::client;"),
        ("crates/transport/src/lib.rs", "mod two_words;\npub const ALL: &[Spec] = &[two_words::SPEC];\n"),
    ] {
        assert_eq!(count(path, fine), 0, "{path}: {fine}");
    }

    let transports = transports();
    let shipped: Vec<_> =
        sources(&["rs", "js"]).into_iter().filter(|path| path.contains("/src/") || path.starts_with("web/")).collect();
    assert_kept(&shipped, |path, text| knows_no_transport(path, text, &transports));
}

#[test]
fn lower_floors_do_not_speak_of_upper_ones() {
    let carrying: Vec<_> = CARRYING.split(' ').collect();
    for planted in ["//! as a WebSocket does\n", "let http_head = 1;", "// polls\n"] {
        assert!(!says_no_word_of("a.rs", planted, &carrying).is_empty(), "{planted}");
    }
    assert_eq!(says_no_word_of("a.rs", "// Two-words", &["two-words"]).len(), 1);
    assert_eq!(says_no_word_of("a.rs", "assess pollution", &carrying), Vec::<String>::new());
    assert_kept(&files_below("crates/hub/src", &["rs"]), |path, text| says_no_word_of(path, text, &carrying));

    let transports = transports();
    let ids: Vec<_> = transports.iter().map(|transport| transport.id.as_str()).collect();
    assert_kept(&files_below("crates/measure/src", &["rs"]), |path, text| says_no_word_of(path, text, &ids));
}
