//! The feed contract as code: every promise times every lane, against a server that is only known by its URL.
//!
//! The suite names no lane and knows no server. It drives the same machines that the load generator drives, over real
//! sockets, publishes over HTTP and over the lanes' uplinks, and puts a proxy in between where the network has to
//! misbehave. `docs/CONFORMANCE.md` has the promises in words.
//!
//! | file | holds |
//! |---|---|
//! | [`promise`] | the table of promises |
//! | [`suite`] | the run: order, bound and deadline of cells |
//! | [`outcome`], [`report`] | what became of one cell, and of all |
//! | `checks` | the promises, one function each |
//! | `compare` | what was told against what was published: pure |
//! | `subscriber`, `publisher`, `http` | both ends of a feed, as checks use them |
//! | `visitor` | a named session |
//! | `spoiler` | a driver whose bytes are changed on their way out |
//! | [`client`] | a driver on real sockets |

mod checks;
pub mod client;
mod compare;
mod http;
pub mod outcome;
pub mod promise;
mod publisher;
pub mod report;
mod spoiler;
mod subscriber;
pub mod suite;
mod trial;
mod visitor;

pub use outcome::Outcome;
pub use promise::{PROMISES, Promise, UnknownPromise};
pub use report::{Cell, Report};
pub use suite::{NoServer, Options, Stop, run};

#[cfg(test)]
mod tests;
