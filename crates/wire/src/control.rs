//! Control items: JSON objects with exactly one key, the same on every lane, never counted as publications.

use serde::{Deserialize, Serialize};

use crate::position::Position;

/// Close codes, with the same meaning on every lane: 3000 to 3499 may come back, 3500 to 3999 stay away.
pub mod codes {
    /// The server goes down in good order.
    pub const DRAIN: u16 = 3001;

    /// The session was ended by its owner.
    pub const SESSION_ENDED: u16 = 3501;

    /// Whether a subscriber that was sent away with `code` may come back.
    pub const fn comes_back(code: u16) -> bool {
        matches!(code, 3000..=3499)
    }
}

/// What a stream says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// First on every stream.
    Hello(Hello),
    /// Exactly once wherever publications are not delivered.
    Gap(Gap),
    /// Before a wanted end.
    Close(Close),
    /// A publish was taken.
    Ack(Ack),
    /// A publish or an item was refused.
    Error(Refusal),
}

impl Control {
    /// The JSON text.
    #[expect(clippy::expect_used, reason = "serializing strings and integers into memory cannot fail")]
    #[expect(clippy::missing_panics_doc, reason = "it never panics")]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a control item is serializable")
    }
}

/// Where a stream starts and how it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Everything after this position follows.
    pub position: Position,
    /// The session that the server knows this subscriber by.
    pub session: String,
    /// How often the server shows that it lives when it has nothing to say, in milliseconds.
    pub heartbeat_ms: u64,
}

/// Publications that this subscriber will not get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first offset missed; none when the epoch changed.
    pub from: Option<u64>,
    /// The last offset missed; none when the epoch changed.
    pub to: Option<u64>,
    /// How many were missed; none when the epoch changed, for nobody can know.
    pub missed: Option<u64>,
    /// Why.
    pub reason: GapReason,
    /// Where the subscriber stands now; the publications after it follow.
    pub position: Position,
}

/// Why publications are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// Asked for a position older than the oldest held.
    Trimmed,
    /// Read too slowly; the ring went on without it.
    Slow,
    /// Asked for a position of another history of the room.
    Epoch,
}

/// A wanted end. Codes 3000-3499 may come back, 3500-3999 stay away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// 3000 to 3999: see [`codes`].
    pub code: u16,
    /// For people.
    pub reason: String,
    /// Whether to come back.
    pub reconnect: bool,
    /// How long to wait before coming back, in milliseconds.
    pub retry_after_ms: u64,
}

/// The answer to a publish that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The `ref` that the publisher gave.
    #[serde(rename = "ref")]
    pub reference: Option<u64>,
    /// Where the publication stands.
    pub position: Position,
}

/// The answer to an item that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The `ref` that the publisher gave, when it could be read.
    #[serde(rename = "ref")]
    pub reference: Option<u64>,
    /// The HTTP status that a `POST` of the same would have got.
    pub status: u16,
    /// What was wrong and what to do.
    pub detail: String,
}
