//! A TCP proxy that does to connections what networks do: late bytes, silence, small pieces, resets, half-closed ends; and a
//! server whose behaviour is known.
//!
//! | file | holds |
//! |---|---|
//! | [`proxy`] | the listener and its connections |
//! | [`control`] | the handle that changes what happens to them, counts them, and plays scripts |
//! | [`script`] | steps, their conditions, and random scripts from a seed |
//! | `rules` | what a control tells connections, and what they count |
//! | `pump` | one direction of one connection |
//! | `queue` | bytes and when they came: pure |
//! | [`golden`] | the server of known behaviour, which the ruler is held against |
//!
//! The proxy knows bytes and nothing of what they mean. It loses, changes and reorders nothing, except by
//! [`Control::cut`] and [`Control::half_close`], which lose what is on its way.

pub mod control;
pub mod golden;
pub mod proxy;
mod pump;
mod queue;
mod rules;
pub mod script;

pub use control::Control;
pub use proxy::Proxy;
pub use rules::Way;
pub use script::{Action, After, Kind, Script, Step};

#[cfg(test)]
mod tests;
