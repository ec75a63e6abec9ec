//! Durations as people write them in queries, lanes and flags: an integer with `ms` or `s`.

use std::time::Duration;

/// A text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write an integer with ms or s, such as 250ms or 5s")]
pub struct DurationError(String);

/// Reads `250ms` or `5s`.
///
/// # Errors
///
/// For anything else, a bare number included.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let parsed = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => digits(number).map(Duration::from_millis),
        (None, Some(number)) => digits(number).map(Duration::from_secs),
        (None, None) => None,
    };
    parsed.ok_or_else(|| DurationError(text.to_owned()))
}

/// Writes the shorter of `s` and `ms` that is exact; fractions of a millisecond are cut off.
pub fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) { format!("{}s", milliseconds / 1000) } else { format!("{milliseconds}ms") }
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
