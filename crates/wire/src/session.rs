//! Sessions: one user agent over all its connections, as publications, presence and hellos name it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::name::{MAX_NAME_BYTES, NameError};

/// A text that names no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a session: it looks like 0123456789abcdef, as a hello or a list of who is there gave it")]
pub struct SessionIdError(String);

/// The public name of a session: 16 lower-case hexadecimal digits. Whoever knows it can write to the session, and not as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let parsed = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        parsed.map(Self).ok_or_else(|| SessionIdError(text.chars().take(80).collect()))
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Owned, because escapes are allowed in JSON even where nobody needs them.
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Checks the name that somebody wants to be known by.
///
/// # Errors
///
/// [`NameError::Session`] unless it has 1 to 64 bytes of UTF-8 without control characters and something to be seen.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits && !name.trim().is_empty() { Ok(()) } else { Err(NameError::Session) }
}
