//! Golden vectors and properties of the codecs.

mod http1;
mod length_prefixed;
mod websocket;
