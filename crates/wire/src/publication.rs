//! One publication, as the JSON text that is equal on every transport.
//!
//! `{"offset":17,"event":"message","from":"ana","at_us":1732090000123456,"data":{"text":"hi"}}`
//!
//! `data` is any JSON value and travels as its compacted source text: numbers beyond 2^53, escapes and the order of
//! keys stay as the publisher wrote them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::session::SessionId;

/// The largest `data`, in bytes after compaction.
///
/// 64 KiB: far above a chat's text, small enough that a ring of 1,000 cannot surprise a server's memory.
pub const MAX_DATA_BYTES: usize = 64 * 1024;

/// The deepest nesting of arrays and objects in `data`.
///
/// 64: half of what common JSON parsers refuse (128), so no reader fails on what the server took.
pub const MAX_DATA_DEPTH: usize = 64;

/// One item of a feed. Borrows from the text it was read from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Publication<'a> {
    /// Its place in the room, from 1, without gaps.
    pub offset: u64,
    /// What kind of publication: see [`crate::name::check_event`].
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    /// The name of the session that published it; none for an anonymous one.
    pub from: Option<Cow<'a, str>>,
    /// The session that it is for, with its publisher's own; none for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<SessionId>,
    /// When the server took it, microseconds since 1970. For people, never for measuring.
    pub at_us: u64,
    /// The value, as its compacted source text.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

impl<'a> Publication<'a> {
    /// Reads one publication. Unknown members are passed over.
    ///
    /// # Errors
    ///
    /// When the text is not the JSON of a publication.
    pub fn decode(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The text that every transport carries.
    #[expect(clippy::expect_used, reason = "serializing strings, integers and checked JSON into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a publication is serializable")
    }
}

/// Why a `data` is refused.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not one JSON value.
    #[error("`data` is not valid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Larger than the limit after compaction.
    #[error("`data` has {size_bytes} bytes; at most {limit_bytes} are carried")]
    TooLarge {
        /// Its size in bytes.
        size_bytes: usize,
        /// The limit in force, in bytes.
        limit_bytes: usize,
    },
    /// Nested deeper than [`MAX_DATA_DEPTH`].
    #[error("`data` is nested deeper than {MAX_DATA_DEPTH} levels")]
    TooDeep,
}

/// Removes the white space outside strings from one JSON value, and nothing else.
///
/// # Errors
///
/// [`DataError`] for text that is not JSON, is larger than `limit_bytes` afterwards, or is nested too deep.
pub fn compact(text: &str, limit_bytes: usize) -> Result<Box<RawValue>, DataError> {
    // Checks the syntax without building a value; nesting cannot overflow a stack here.
    let source: &RawValue = serde_json::from_str(text)?;
    let mut kept = String::with_capacity(source.get().len());
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for character in source.get().chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            match character {
                ' ' | '\t' | '\n' | '\r' => continue,
                '"' => in_string = true,
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            if depth > MAX_DATA_DEPTH {
                return Err(DataError::TooDeep);
            }
        }
        kept.push(character);
    }
    if kept.len() > limit_bytes {
        return Err(DataError::TooLarge { size_bytes: kept.len(), limit_bytes });
    }
    Ok(RawValue::from_string(kept)?)
}
