//! What a client sends to publish: the draft of a publication, and its form on a two-way stream.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::session::SessionId;

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
    /// Only this session gets it, and the one that publishes it; none for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<SessionId>,
    /// Whether the publisher's own session gets it too, on whatever lane it listens.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub echo: bool,
    /// What a publish that is tried again is known by: the same key gives the same position and no second publication. An
    /// `Idempotency-Key` header says the same.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
const fn is_yes(echo: &bool) -> bool {
    *echo
}

impl<'a> Draft<'a> {
    /// For everybody, the publisher too, and without a key.
    pub const fn new(event: Cow<'a, str>, data: &'a RawValue) -> Self {
        Self { event, data, to: None, echo: true, key: None }
    }

    /// The JSON text.
    #[expect(clippy::expect_used, reason = "serializing strings and checked JSON into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a draft is serializable")
    }
}

/// An item on the uplink of a two-way stream: `{"publish":{"event","data","to"?,"echo"?,"key"?},"ref":1}`.
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
