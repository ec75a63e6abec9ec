//! HTTP/1.1 (RFC 9112): requests out, responses in, and requests as who looks on reads them; every byte accounted for.
//!
//! Stricter than the RFC asks where leniency could hide a fault of a server under measurement: lines end with CR LF
//! and nothing else, and a message with two ways to find its end is an error.
//!
//! Not here: answers to CONNECT, transfer codings other than `chunked`, the fields of trailers.
//!
//! | file | holds |
//! |---|---|
//! | `request` | the writer |
//! | `head` | first line, fields, and how long the body is (section 6.3) |
//! | `read` | the reader of responses or of requests, chunks included (section 7.1) |
//! | `error` | what the other end can do wrong |

mod error;
mod head;
mod read;
mod request;

pub use error::Error;
pub use head::{Body, Head, MAX_FIELDS, RequestHead, Start};
pub use read::{Event, Limits, Reader, RequestReader, ResponseReader};
pub use request::request;
