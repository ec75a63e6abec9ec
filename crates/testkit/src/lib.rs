//! What tests share. Only ever a dev-dependency.
//!
//! | file | holds |
//! |---|---|
//! | [`process`] | the real server as a process, and a plain HTTP request to it |
//! | [`client`] | drivers on real sockets, without the load generator |
//! | [`dummy`] | a transport of no use, which shows that a new one needs no change elsewhere |

pub mod client;
pub mod dummy;
pub mod process;
