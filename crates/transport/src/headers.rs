//! Header profiles: the request heads that drivers send, because the bytes of a poll are mostly its head.
//!
//! A profile is a text with one section per kind of request and one header per line, in the order in which they go
//! over the wire; `{host}`, `{origin}`, `{protocol}`, `{key}` and `{length}` stand for what the request fills in.

use std::{collections::BTreeMap, sync::Arc};

/// The profiles that are built in, by the name that `--headers` takes; the first is the default.
const BUILT_IN: [(&str, &str); 3] = [
    ("chromium", include_str!("headers/chromium.txt")),
    ("chromium-cookie", include_str!("headers/chromium-cookie.txt")),
    ("minimal", include_str!("headers/minimal.txt")),
];

/// The names of the profiles that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// No profile of this name.
    #[error("there is no header profile {name:?}; there are {known}; or name a file, such as ./own.txt", known = known())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A line that is neither a comment, a section, nor a header.
    #[error("line {line} of the header profile, {place}, is not `Name: value`: {text:?}", place = place(section.as_deref()))]
    Line {
        /// Its number, from 1.
        line: usize,
        /// The section it stands in; none before the first.
        section: Option<String>,
        /// The line.
        text: String,
    },
    /// A section that no request has, or that was there before.
    #[error("line {line} of the header profile: [{section}] is {what}; there are {sections}", sections = sections())]
    Title {
        /// Its number, from 1.
        line: usize,
        /// What stands in the brackets.
        section: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A kind of request is missing.
    #[error("the header profile has no section [{0}]; there must be {sections}", sections = sections())]
    Section(&'static str),
    /// A head without something that its request cannot do without.
    #[error("the section [{section}] of the header profile has no header with {placeholder}")]
    Placeholder {
        /// The section.
        section: &'static str,
        /// What is missing.
        placeholder: &'static str,
    },
}

fn known() -> String {
    names().collect::<Vec<_>>().join(", ")
}

fn sections() -> String {
    Kind::ALL.map(|kind| format!("[{}]", kind.section())).join(", ")
}

fn place(section: Option<&str>) -> String {
    section.map_or_else(|| "before the first section".to_owned(), |section| format!("in [{section}]"))
}

/// The kind of request a head is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain request, as `fetch()` sends it.
    Fetch,
    /// A request with a body of JSON, as `fetch()` sends it.
    Post,
    /// A request with a body of text, as the official Socket.IO client sends it with `XMLHttpRequest`.
    PostText,
    /// A request for a stream of events, as `new EventSource()` sends it.
    EventStream,
    /// A request that leaves HTTP, as `new WebSocket()` sends it.
    Upgrade,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Fetch, Self::Post, Self::PostText, Self::EventStream, Self::Upgrade];

    const fn section(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Post => "post",
            Self::PostText => "post-text",
            Self::EventStream => "event-stream",
            Self::Upgrade => "upgrade",
        }
    }

    /// What a head of this kind must have filled in: without it the server cannot read the request to its end, or answer.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Fetch | Self::EventStream => &[],
            Self::Post | Self::PostText => &["{length}"],
            Self::Upgrade => &["{protocol}", "{key}"],
        }
    }
}

/// One profile. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Headers {
    name: Arc<str>,
    /// The head of each kind after the request line, line ends included, without the empty line.
    heads: Arc<BTreeMap<String, String>>,
    cookie: Option<Arc<str>>,
}

impl Headers {
    /// The profile that is built in under `name`.
    ///
    /// # Errors
    ///
    /// [`HeadersError::Unknown`] for any other name.
    pub fn built_in(name: &str) -> Result<Self, HeadersError> {
        let unknown = || HeadersError::Unknown { name: name.to_owned() };
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        Self::parse(name, text)
    }

    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// [`HeadersError`] for a line that is no header, for a section that no request has, for one that is missing, and for one
    /// that leaves out what its request needs.
    pub fn parse(name: &str, text: &str) -> Result<Self, HeadersError> {
        let mut heads = BTreeMap::<String, String>::new();
        let mut section: Option<&str> = None;
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim_end());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let bad = |what| HeadersError::Title { line: number, section: title.to_owned(), what };
                if Kind::ALL.iter().all(|kind| kind.section() != title) {
                    return Err(bad("no kind of request"));
                }
                if heads.insert(title.to_owned(), String::new()).is_some() {
                    return Err(bad("there twice"));
                }
                section = Some(title);
                continue;
            }
            let bad =
                || HeadersError::Line { line: number, section: section.map(str::to_owned), text: line.to_owned() };
            let is_header = line.split_once(": ").is_some_and(|(name, _)| !name.is_empty() && !name.contains(' '));
            let head = section.filter(|_| is_header).and_then(|title| heads.get_mut(title)).ok_or_else(bad)?;
            head.extend([line, "\r\n"]);
        }
        for kind in Kind::ALL {
            let section = kind.section();
            let head = heads.get(section).ok_or(HeadersError::Section(section))?;
            if let Some(placeholder) = kind.needs().iter().find(|needed| !head.contains(**needed)) {
                return Err(HeadersError::Placeholder { section, placeholder });
            }
        }
        Ok(Self { name: name.into(), heads: Arc::new(heads), cookie: None })
    }

    /// What `--headers` called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This profile with another `Cookie` in every section, under the same name: in the place of the one that was there, or
    /// where Chromium has it, behind `Accept-Language`; without that, last. `cookie` is the value, `name=value; name=value`.
    #[must_use]
    pub fn with_cookie(&self, cookie: &str) -> Self {
        let line = format!("Cookie: {cookie}\r\n");
        let put = |(title, head): (&String, &String)| {
            let is = |name: &'static str| {
                move |line: &&str| line.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name))
            };
            let mut lines: Vec<&str> = head.split_inclusive("\r\n").collect();
            let old = lines.iter().position(is("cookie:"));
            let behind = lines.iter().position(is("accept-language:")).map_or(lines.len(), |index| index + 1);
            match old {
                Some(index) => lines[index] = &line,
                None => lines.insert(behind, &line),
            }
            (title.clone(), lines.concat())
        };
        let heads = Arc::new(self.heads.iter().map(put).collect());
        Self { name: Arc::clone(&self.name), heads, cookie: Some(cookie.into()) }
    }

    /// What [`with_cookie`](Self::with_cookie) put in, for a lane whose head is no browser's; a profile's own is part of its
    /// imitation of one.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// A whole request head. `fill` has the values of the placeholders beside `{host}` and `{origin}`; `extra` are
    /// further headers.
    pub fn head(
        &self,
        kind: Kind,
        authority: &str,
        path: &str,
        fill: &[(&str, &str)],
        extra: &[(&str, &str)],
    ) -> String {
        let mut fields = self.heads.get(kind.section()).cloned().unwrap_or_default();
        let origin = format!("http://{authority}");
        for (placeholder, value) in [("{host}", authority), ("{origin}", &origin)].iter().chain(fill) {
            fields = fields.replace(placeholder, value);
        }
        for (name, value) in extra {
            fields.extend([name, ": ", value, "\r\n"]);
        }
        let method = match kind {
            Kind::Post | Kind::PostText => "POST",
            Kind::Fetch | Kind::EventStream | Kind::Upgrade => "GET",
        };
        format!("{method} {path} HTTP/1.1\r\n{fields}\r\n")
    }
}
