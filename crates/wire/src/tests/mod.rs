//! Golden vectors and properties of the codecs.

mod compaction;
mod engine_io;
mod feed;
mod http1;
mod length_prefixed;
mod names;
mod requests;
mod socket_io;
mod sse;
mod websocket;
