//! Positions: `epoch.offset`. The epoch names one history of a room, the offset a place in it.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest epoch that is read, in bytes; ours are shorter.
pub const MAX_EPOCH_BYTES: usize = 32;

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a position: it looks like k3x9.41, as a hello, a poll or an event id gave it")]
pub struct PositionError(String);

/// The name of one history of a room: 1 to 32 of `[A-Za-z0-9_-]`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Takes `text` when it has the form of an epoch.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=MAX_EPOCH_BYTES).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// The text of the epoch.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in one history of a room: everything up to and with `offset` has been seen.
///
/// Offset 0 is the place before the first publication. Its text form is `epoch.offset`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which history.
    pub epoch: Epoch,
    /// The last offset seen; offsets have no gaps and start at 1.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch.0, self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let parse = || {
            let (epoch, offset) = text.split_once('.')?;
            let canonical = offset == "0" || !offset.starts_with(['0', '+']);
            Some(Self { epoch: Epoch::new(epoch)?, offset: offset.parse().ok().filter(|_| canonical)? })
        };
        parse().ok_or_else(|| PositionError(text.chars().take(80).collect()))
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Owned, because a poll's answer may come in pieces that no `&str` spans.
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Where a subscription starts: the `after` of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum After {
    /// With the next publication; what the query without `after` means.
    #[default]
    Head,
    /// With the oldest publication still held: `earliest` or `0`.
    Earliest,
    /// With the publication after this one.
    Position(Position),
}

impl FromStr for After {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        match text {
            "earliest" | "0" => Ok(Self::Earliest),
            position => position.parse().map(Self::Position),
        }
    }
}
