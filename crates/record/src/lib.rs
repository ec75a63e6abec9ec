//! One run on disk: JSON lines, written while the run goes on, readable by every later version.
//!
//! A record is a text file, [`FILE_NAME`], with one JSON object per line: first a [`Header`], then [`Cell`]s and their
//! [`Publication`]s in the order they were measured, last an [`End`]. A record without an end is of a run that died; what it
//! holds is still true. Nothing here is computed from something else here: the numbers are as taken, and the report
//! derives the rest.

pub mod cell;
pub mod environment;
pub mod header;
pub mod reader;
pub mod writer;

pub use cell::{
    ByteCounts, Cell, Connects, Deliveries, Histogram, Kernel, Machine, Memory, MemoryPoint, Publication, Segments,
    ServerCost, Window,
};
pub use environment::{Environment, SocketOptions};
pub use header::{Calibration, Header, Host, Lane, Publisher, Scenario, Tool};
pub use reader::{ReadError, Record};
pub use writer::Writer;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The version of the format. Additions keep it; a changed meaning raises it.
pub const VERSION: u32 = 1;

/// The file's name in a run's folder.
pub const FILE_NAME: &str = "record.jsonl";

/// One line of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What was run, where and with what.
    Header(Box<Header>),
    /// One lane in one block.
    Cell(Box<Cell>),
    /// One publication of the cell before it.
    Publication(Publication),
    /// The run is over.
    End(End),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// Somebody ended it early.
    pub interrupted: bool,
    /// Cells that could not be run, in words.
    pub failures: Vec<String>,
}
