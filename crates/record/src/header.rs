//! What was run, where, with what: the first line of a record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Environment;

/// The first line of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`crate::VERSION`] of the writer.
    pub version: u32,
    /// When it began, microseconds since 1970.
    pub at_us: u64,
    /// The command that repeats it, seed included.
    pub command: String,
    /// The round trip that was put between subscribers and server; none is loopback's own.
    pub rtt_ns: Option<u64>,
    /// The feed and its load, as resolved.
    pub scenario: Scenario,
    /// `quick` or `standard`.
    pub profile: String,
    /// Where every random choice of the run comes from.
    pub seed: u64,
    /// The header profile of the drivers.
    pub headers: String,
    /// The lanes in the order in which reports show them; the twin is not among them.
    pub lanes: Vec<Lane>,
    /// The lane that ran a second time in every block to show the noise.
    pub twin_of: Option<String>,
    /// The lane against which overhead is read.
    pub floor: Option<String>,
    /// How many blocks were planned.
    pub blocks: u32,
    /// The machine.
    pub host: Host,
    /// The newest calibration of the ruler on this machine; none when there was none, and in records older than it.
    pub calibration: Option<Calibration>,
    /// The program.
    pub tool: Tool,
    /// How the server under test was started, without paths.
    pub server: Vec<String>,
}

/// The feed and its load. Units in the names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its file's name without the ending.
    pub name: String,
    /// The question it answers.
    pub question: String,
    /// How many rooms share the load.
    pub rooms: u32,
    /// How many subscribers there are in all.
    pub subscribers: u32,
    /// Publications per second in each room.
    pub rate_hz: f64,
    /// `poisson` or `constant`.
    pub arrivals: String,
    /// Bytes of `data` in each publication.
    pub size_bytes: u32,
    /// The arrival window of a lane without an interval.
    pub window_ns: u64,
    /// The warm-up of a lane without an interval.
    pub warm_up_ns: u64,
    /// Who publishes.
    #[serde(default)]
    pub publisher: Publisher,
    /// How often the server was told to show that it lives; none is its own default.
    #[serde(default)]
    pub heartbeat_ns: Option<u64>,
    /// Subscriptions opened a second, where that is what was measured.
    #[serde(default)]
    pub connect_rate_hz: Option<f64>,
}

/// Who publishes in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publisher {
    /// One a room that is no subscriber, over the floor lane; in records that do not say it, too.
    #[default]
    Neutral,
    /// The subscribers of the room, each over its own lane's uplink.
    Members,
    /// Nobody: there are no deliveries.
    Nobody,
}

/// One column of the comparison, with all that a report needs to show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Its printed name: the key everywhere.
    pub lane: String,
    /// The id of the transport.
    pub transport: String,
    /// The transport's title for people.
    pub title: String,
    /// The lane's title for people, with the words of its options; none in records older than it.
    pub label: Option<String>,
    /// Which of its transport's lanes it is, 0 for the plain one: what tells lanes of one colour and mark apart.
    #[serde(default)]
    pub variant: u32,
    /// Hex colour on a light ground.
    pub colour_light: String,
    /// Hex colour on a dark ground.
    pub colour_dark: String,
    /// The name of its mark: `circle`, `square`, `triangle`, `diamond`, `cross`, `line`.
    pub mark: String,
    /// How often it asks, when it asks by the clock.
    pub interval_ns: Option<u64>,
    /// How long a server holds its request, when it asks again as soon as there was an answer.
    pub hold_ns: Option<u64>,
    /// Options that differ from the defaults; a flag's value is empty.
    pub options: BTreeMap<String, String>,
}

/// The machine a run was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Hash of the machine's id, its CPU model and core count; tells hosts apart and names none.
    pub id: String,
    /// CPUs that this process could use.
    pub cores: u32,
    /// The CPU's name for itself.
    pub cpu: String,
    /// The kernel's release.
    pub kernel: String,
    /// Both ends on one host over loopback.
    pub loopback: bool,
    /// Whether real-time scheduling was in force.
    pub realtime: bool,
    /// The CPU the server was pinned to.
    pub server_cpu: Option<u32>,
    /// The CPU the generator was pinned to.
    pub generator_cpu: Option<u32>,
    /// The file limit in force.
    pub file_limit: u64,
    /// What else can move a number; empty in records older than it.
    #[serde(default)]
    pub environment: Environment,
}

/// What came of holding the ruler against what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// When, microseconds since 1970.
    pub at_us: u64,
    /// How many checks there were.
    pub checks: u32,
    /// How many of them passed.
    pub passed: u32,
    /// The version of the program.
    pub version: String,
    /// The commit that it was built from, when known.
    pub commit: Option<String>,
}

/// The program that made the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its version.
    pub version: String,
    /// The commit it was built from, when known; `-dirty` when changed.
    pub commit: Option<String>,
    /// The build profile; anything but `release` is no measurement.
    pub build: String,
    /// The compiler that built it: `rustc 1.95.0`.
    pub rustc: Option<String>,
}
