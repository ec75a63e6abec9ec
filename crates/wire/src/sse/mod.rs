//! Server-sent events (WHATWG HTML, section 9.2), both ways: `text/event-stream` in, events out, and back.
//!
//! Pure: the HTTP around the stream is [`http1`](crate::http1)'s; reconnecting, and with which `Last-Event-ID`, is the
//! caller's.
//!
//! | file | holds |
//! |---|---|
//! | `read` | lines, fields, dispatch (sections 9.2.5 and 9.2.6) |
//! | `write` | one event or comment at a time |

mod read;
mod write;

pub use read::{DEFAULT_MAX_EVENT_BYTES, Event, OversizeError, Reader};
pub use write::{EncodeError, comment, encode, retry};
