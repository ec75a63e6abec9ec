//! A TCP proxy that does to connections what networks do: late bytes, silence, small pieces, resets, half-closed ends.
//!
//! | file | holds |
//! |---|---|
//! | [`proxy`] | the listener and its connections |
//! | [`control`] | the handle that changes what happens to them, counts them, and plays scripts |
//! | [`script`] | steps, their conditions, and random scripts from a seed |
//! | `rules` | what a control tells connections, and what they count |
//! | `pump` | one direction of one connection |
//! | `queue` | bytes and when they came: pure |
//!
//! It knows bytes and nothing of what they mean. Nothing here is lost, changed or put in another order, except by
//! [`Control::cut`] and [`Control::half_close`], which lose what is on its way.

pub mod control;
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
