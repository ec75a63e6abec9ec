//! What goes over the wire, as pure functions: bytes to values and back, nothing opened.
//!
//! | file | format |
//! |---|---|
//! | [`name`] | namespaces, rooms and event names |
//! | [`position`] | `epoch.offset`, and where a subscription starts |
//! | [`session`] | who subscribes and publishes |
//! | [`publication`] | the JSON of one publication, equal on every transport |
//! | [`control`] | hello, gap, close, ack, error |
//! | [`item`] | one piece of a stream: a publication or a control item |
//! | [`uplink`] | what a client sends to publish |
//! | [`poll`] | the batch that answers a poll |
//! | [`problem`] | `application/problem+json` |
//! | [`duration`] | `250ms`, `25s` in queries, lanes and flags |
//! | [`websocket`] | RFC 6455 frames, both ways |
//! | [`length_prefixed`] | the framing of the control lane |
//! | [`sse`] | server-sent events, both ways |
//! | [`engine_io`] | Engine.IO packets, payloads and the handshake |
//! | [`socket_io`] | Socket.IO packets and their attachments |
//! | [`http1`] | HTTP/1.1 responses, every byte accounted for |
//!
//! The client drivers read with these codecs; the server writes with other people's libraries, so each checks the
//! other.

pub mod control;
pub mod duration;
pub mod engine_io;
pub mod http1;
pub mod item;
pub mod length_prefixed;
pub mod name;
pub mod poll;
pub mod position;
pub mod problem;
pub mod publication;
pub mod session;
pub mod socket_io;
pub mod sse;
pub mod uplink;
pub mod websocket;

pub use control::{Ack, Close, Control, Gap, GapReason, Hello, Refusal};
pub use item::Item;
pub use name::{NameError, RoomName};
pub use position::{After, Epoch, Position};
pub use publication::Publication;
pub use session::SessionId;
pub use uplink::Draft;

#[cfg(test)]
mod tests;
