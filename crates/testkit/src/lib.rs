//! What tests share. Only ever a dev-dependency.
//!
//! | file | holds |
//! |---|---|
//! | [`process`] | the real server as a process, and a plain HTTP request to it |
//! | [`dummy`] | a transport of no use, which shows that a new one needs no change elsewhere |
//! | [`broken`] | the real transports, one of them with a fault that the conformance suite must find |

pub mod broken;
pub mod dummy;
pub mod process;
