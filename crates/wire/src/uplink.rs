//! What a client sends to publish: the draft of a publication, and its form on a two-way stream.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A publication before the server has taken it: the body of a `POST`, or the inside of an uplink item.
///
/// Borrows from the text it was read from. Unknown members are refused, so that a misspelt one is not lost in silence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft<'a> {
    /// The event name; the server checks it.
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    /// The value, as source text not yet compacted.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

impl Draft<'_> {
    /// The JSON text.
    #[expect(clippy::expect_used, reason = "serializing strings and checked JSON into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a draft is serializable")
    }
}

/// An item on the uplink of a two-way stream: `{"publish":{"event","data"},"ref":1}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uplink<'a> {
    /// What to publish.
    #[serde(borrow)]
    pub publish: Draft<'a>,
    /// Comes back in the ack or the error.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<u64>,
}

impl Uplink<'_> {
    /// The JSON text.
    #[expect(clippy::expect_used, reason = "serializing strings, integers and checked JSON into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("an uplink item is serializable")
    }
}

/// The `ref` of an uplink item that is wrong otherwise, so that its error can name it.
pub fn reference_of(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Only {
        #[serde(rename = "ref")]
        reference: Option<u64>,
    }
    serde_json::from_str::<Only>(text).ok()?.reference
}
