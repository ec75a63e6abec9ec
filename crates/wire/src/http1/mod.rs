//! HTTP/1.1 (RFC 9112) from the client's side: requests out, responses in, every byte accounted for.
//!
//! Stricter than the RFC asks where leniency could hide a fault of a server under measurement: lines end with CR LF
//! and nothing else, and a response with two ways to find its end is an error.
//!
//! Not here: answers to HEAD and CONNECT, transfer codings other than `chunked`, the fields of trailers.
//!
//! | file | holds |
//! |---|---|
//! | `request` | the writer |
//! | `head` | status, fields, and how long the body is (section 6.3) |
//! | `read` | the reader of responses, chunks included (section 7.1) |
//! | `error` | what a server can do wrong |

mod error;
mod head;
mod read;
mod request;

pub use error::Error;
pub use head::{Head, MAX_FIELDS};
pub use read::{Event, Limits, ResponseReader};
pub use request::request;
