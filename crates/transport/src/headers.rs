//! Header profiles: the request heads that drivers send, because the bytes of a poll are mostly its head.
//!
//! A profile is a text with one section per kind of request and one header per line, in the order in which they go
//! over the wire; `{host}`, `{origin}`, `{protocol}`, `{key}` and `{length}` stand for what the request fills in.

use std::{collections::BTreeMap, sync::Arc};

/// The profiles that are built in, by the name that `--headers` takes; the first is the default.
const BUILT_IN: [(&str, &str); 2] =
    [("chromium", include_str!("headers/chromium.txt")), ("minimal", include_str!("headers/minimal.txt"))];

/// The names of the profiles that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// No profile of this name.
    #[error("there is no header profile {0:?}; there are chromium and minimal")]
    Unknown(String),
    /// A line that is neither a comment, a section, nor a header.
    #[error("line {line} of the header profile is not `Name: value`: {text:?}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A kind of request is missing.
    #[error("the header profile has no section [{0}]")]
    Section(&'static str),
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
}

/// One profile. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Headers {
    name: Arc<str>,
    /// The head of each kind after the request line, line ends included, without the empty line.
    heads: Arc<BTreeMap<String, String>>,
}

impl Headers {
    /// The profile that is built in under `name`.
    ///
    /// # Errors
    ///
    /// [`HeadersError::Unknown`] for any other name.
    pub fn built_in(name: &str) -> Result<Self, HeadersError> {
        let unknown = || HeadersError::Unknown(name.to_owned());
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        Self::parse(name, text)
    }

    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// [`HeadersError`] for a line that is no header and for a missing section.
    pub fn parse(name: &str, text: &str) -> Result<Self, HeadersError> {
        let mut heads = BTreeMap::<String, String>::new();
        let mut section = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = Some(heads.entry(title.to_owned()).or_default());
                continue;
            }
            let bad = || HeadersError::Line { line: index + 1, text: line.to_owned() };
            let head = section.as_mut().filter(|_| line.contains(": ")).ok_or_else(bad)?;
            head.push_str(line);
            head.push_str("\r\n");
        }
        for kind in Kind::ALL {
            if !heads.contains_key(kind.section()) {
                return Err(HeadersError::Section(kind.section()));
            }
        }
        Ok(Self { name: name.into(), heads: Arc::new(heads) })
    }

    /// What `--headers` called it.
    pub fn name(&self) -> &str {
        &self.name
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
