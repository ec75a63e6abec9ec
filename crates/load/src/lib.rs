//! The load generator: runs a scenario over lanes against a server process and writes the record.
//!
//! It knows no server but its address, and no transport but the list it is given.
//!
//! | file | holds |
//! |---|---|
//! | `scenario` | what is asked: rooms, subscribers, rates; from TOML |
//! | `plan` | the cells of a run: blocks, shuffled lanes, seeds |
//! | `run` | the run: cells one after the other, the record |
//! | `cell` | one lane in one block, phase by phase |
//! | `repeat` | which cells are run again |
//! | `fleet` | opening a cell's clients |
//! | `feed` | the publications of one cell: due, sent, arrived |
//! | `reactor` | the one loop that receives and publishes |
//! | `socket` | one connection of it |
//! | `tally` | what comes out of drivers, counted |
//! | `server_process` | the server under test as a process |
//! | `distance` | a round trip between subscribers and server |
//! | `host` | what the machine is and does: CPUs, times, memory |
//! | `environment` | settings of the machine and the path to the server |
//! | `qdisc` | queueing disciplines of an interface |

mod cell;
mod distance;
mod environment;
mod feed;
mod fleet;
mod host;
mod plan;
mod qdisc;
mod reactor;
mod repeat;
mod run;
mod scenario;
mod server_process;
mod socket;
mod tally;

pub use host::host_id;
pub use plan::{Plan, PlanError, Profile, Stall};
pub use run::{Progress, RunError, run};
pub use scenario::{Arrivals, BUILT_IN, Publisher, Scenario, ScenarioError};
pub use server_process::ServerCommand;

#[cfg(test)]
mod tests;
