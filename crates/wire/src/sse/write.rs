//! The writer. Lines end with LF, and one space follows each field's colon.

use std::time::Duration;

use memchr::{memchr2, memchr3};

/// A name or id that one line cannot hold. Nothing has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// CR, LF or NUL in the event's name.
    #[error("an event name has a line break or NUL in it")]
    Event,
    /// CR, LF or NUL in the id. A reader ignores an id with NUL.
    #[error("an id has a line break or NUL in it")]
    Id,
}

/// Appends an event to `out`: `event:`, `id:`, one `data:` for each line of `data`, and the blank line.
///
/// CR LF and CR in `data` are read back as LF, everything else as it is. Without `event`, or with an empty one, it is
/// read back as `message`; without `id` it has the id of the event before, with an empty one it has none.
///
/// # Errors
///
/// When `event` or `id` does not fit into one line; nothing is written then.
pub fn encode(event: Option<&str>, id: Option<&str>, data: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if event.is_some_and(has_break) {
        return Err(EncodeError::Event);
    }
    if id.is_some_and(has_break) {
        return Err(EncodeError::Id);
    }
    if let Some(event) = event {
        line("event: ", event, out);
    }
    if let Some(id) = id {
        line("id: ", id, out);
    }
    lines("data: ", data, out);
    out.push(b'\n');
    Ok(())
}

/// Appends a line to `out` that tells the reader how long to wait before it comes back; to be written before an event.
pub fn retry(after: Duration, out: &mut Vec<u8>) {
    line("retry: ", &after.as_millis().to_string(), out);
}

/// Appends a comment to `out`, one line for each line of `text`: a keep-alive. No blank line follows.
///
/// To be written between events or inside one; no reader hands `text` out.
pub fn comment(text: &str, out: &mut Vec<u8>) {
    lines(":", text, out);
}

fn has_break(value: &str) -> bool {
    memchr3(b'\r', b'\n', 0, value.as_bytes()).is_some()
}

fn lines(start: &str, mut text: &str, out: &mut Vec<u8>) {
    out.reserve(start.len() + text.len() + 2);
    while let Some(at) = memchr2(b'\r', b'\n', text.as_bytes()) {
        line(start, &text[..at], out);
        text = text[at..].strip_prefix("\r\n").unwrap_or(&text[at + 1..]);
    }
    line(start, text, out);
}

fn line(start: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(start.as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}
