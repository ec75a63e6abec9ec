//! The promises, one function each. A check has a fresh room of its own and says what it tried.

pub(crate) mod audience;
mod bad_bytes;
pub(crate) mod bad_input;
pub(crate) mod crowd;
pub(crate) mod drain;
pub(crate) mod gaps;
pub(crate) mod liveness;
pub(crate) mod network;
pub(crate) mod order;
pub(crate) mod origin;
pub(crate) mod payloads;
pub(crate) mod presence;
pub(crate) mod resume;
pub(crate) mod slow;
pub(crate) mod uplinks;
