//! The batch that answers a poll: `{"position":"k3x9.41","items":[..],"retry_after_ms":1000}`.
//!
//! `items` holds publications and, where something is missing, a gap. `position` is what the next poll asks after; it
//! may lie beyond the last item, when the rest was not for this subscriber.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::position::Position;

/// The longest an answer can be beyond its items: wrapper, position and hint.
pub const WRAPPER_BYTES: usize = 128;

/// One batch, as read. Items keep their source text: [`crate::Item::decode`] reads them.
#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    /// What to ask after next.
    pub position: Position,
    /// The items in order, each its own JSON text.
    #[serde(borrow)]
    pub items: Vec<&'a RawValue>,
    /// When the server would like the next poll, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Batch<'a> {
    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// When the text is not a batch.
    pub fn decode(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// Writes the body of an answer from items that are encoded already.
pub fn encode<'a>(
    position: &Position,
    items: impl IntoIterator<Item = &'a str>,
    retry_after_ms: Option<u64>,
    out: &mut String,
) {
    out.push_str(r#"{"position":""#);
    // Writing into a `String` cannot fail; neither can a position hold a character that JSON escapes.
    let _infallible = write!(out, "{position}");
    out.push_str(r#"","items":["#);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(item);
    }
    out.push(']');
    if let Some(milliseconds) = retry_after_ms {
        let _infallible = write!(out, r#","retry_after_ms":{milliseconds}"#);
    }
    out.push('}');
}
