//! Golden vectors and properties of the codecs.

mod compaction;
mod feed;
mod http1;
mod length_prefixed;
mod names;
mod sse;
mod websocket;
