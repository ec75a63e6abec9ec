//! WebSocket (RFC 6455), both ways: frames out, messages and control frames in, and the two keys of the handshake.
//!
//! Pure: the HTTP exchange around the handshake is [`http1`](crate::http1)'s, answering pings and closes is the
//! caller's. No extensions: a frame with a reserved bit set is an error.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | opcodes, the frame header both ways, masking (sections 5.2, 5.3) |
//! | `read` | frames to messages (sections 5.4 to 5.6, 8.1) |
//! | `error` | what a peer can do wrong and the close code that says so (section 7.4.1) |
//! | `handshake` | `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` (sections 4.1, 4.2.2) |

mod error;
mod frame;
mod handshake;
mod read;

pub use error::Error;
pub use frame::{MAX_CONTROL_PAYLOAD_BYTES, Opcode, encode, encode_close, encode_fragment, header_len};
pub use handshake::{accept_key, client_key};
pub use read::{Close, Content, Event, Limits, Reader, Role};
