//! The command line, as the parser knows it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    limits::{LimitArgs, Span},
    values::{blocks, one, rtt},
};

/// Which transport should carry my realtime feed? Measured, not guessed.
#[derive(Debug, Parser)]
#[command(name = "feedbench", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serves the feeds over every transport, with the web page at /
    Serve(Box<ServeArgs>),
    /// Runs a scenario over lanes and writes a report
    Bench(BenchArgs),
    /// Renders a run again from its record, or the list of a folder of runs
    Report(ReportArgs),
    /// Checks the ruler itself: measured against what is known
    Calibrate(CalibrateArgs),
    /// Checks that a server keeps the feed contract: every promise on every lane
    Conform(ConformArgs),
    /// Shows lanes, scenarios and header profiles
    List(ListArgs),
    /// Serves the feed of known behaviour that calibrate measures
    #[command(hide = true)]
    Golden(GoldenArgs),
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How the result of a run is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people.
    Text,
    /// A table for a pull request.
    Markdown,
    /// A row for each lane, for a spreadsheet.
    Csv,
    /// For programs: `summary.json`.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. May be given again: all serve the same
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: Vec<SocketAddr>,
    /// A TOML file with limits, named as the flags with _ for -; flags win
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Ends when standard input closes, for a program that starts the server
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    /// Mounts echoes for outside protocol suites in place of the feeds at /socket.io/, and /engine.io/ and /echo
    #[arg(long)]
    pub(crate) test_endpoints: bool,
    /// Counts what every byte of a connection was for; a session sees its own at /v1/connections, and can cut them. Costs CPU
    /// and a second file a connection: for a page that shows it, not for a measurement
    #[arg(long)]
    pub(crate) watch_connections: bool,
    #[command(flatten)]
    pub(crate) sessions: SessionArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Who may use a server, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sessions and origins")]
pub(crate) struct SessionArgs {
    /// A file with what session cookies are signed with, 32 bytes at least; white space around it is left out
    #[arg(long, value_name = "FILE", conflicts_with = "session_secret")]
    pub(crate) session_secret_file: Option<PathBuf>,
    /// The same on the command line, where everybody on this host can read it
    #[arg(long, value_name = "TEXT")]
    pub(crate) session_secret: Option<String>,
    /// How long a session's cookie is good
    #[arg(long, value_name = "TIME", default_value = "604800s")]
    pub(crate) session_life: Span,
    /// Browsers send the cookie over TLS alone: for a server behind a proxy that has TLS
    #[arg(long)]
    pub(crate) secure_cookies: bool,
    /// Refuses publications of callers without a session
    #[arg(long)]
    pub(crate) require_session: bool,
    /// An origin whose pages may use this server; may be given again
    #[arg(long = "allow-origin", value_name = "https://HOST[:PORT]")]
    pub(crate) allowed_origins: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A built-in scenario or a TOML file
    #[arg(default_value = "feed")]
    pub(crate) scenario: String,
    /// How much evidence: quick ends within 75 s
    #[arg(long, default_value = "quick")]
    pub(crate) profile: String,
    /// Lanes, comma-separated; the scenario's when left out, or those that `feedbench list` shows
    #[arg(long, value_delimiter = ',', value_name = "LANE,..")]
    pub(crate) lanes: Vec<String>,
    /// The folder in which the run's folder is made
    #[arg(long, default_value = "reports", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Where random choices come from; another one every time when left out
    #[arg(long, value_parser = one::<u64>)]
    pub(crate) seed: Option<u64>,
    /// Blocks to run instead of the scenario's or the profile's; fewer than 6 give no intervals
    #[arg(long, value_parser = blocks)]
    pub(crate) blocks: Option<u32>,
    /// Sets a value of the scenario, such as --set arrivals=constant
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Subscribers in all
    #[arg(long, value_name = "N", value_parser = one::<u32>)]
    pub(crate) clients: Option<u32>,
    /// Rooms that share the load
    #[arg(long, value_name = "N", value_parser = one::<u32>)]
    pub(crate) rooms: Option<u32>,
    /// Publications per second in each room
    #[arg(long, value_name = "HZ", value_parser = one::<f64>)]
    pub(crate) rate: Option<f64>,
    /// Bytes of data in each publication
    #[arg(long, value_name = "BYTES", value_parser = one::<u32>)]
    pub(crate) size: Option<u32>,
    /// The interval of every lane that asks by the clock, such as 250ms; a lane for each of several: 250ms,1s,5s
    #[arg(long, value_delimiter = ',', value_name = "TIME,..")]
    pub(crate) interval: Vec<String>,
    /// The window in which is counted, in each block, such as 2s
    #[arg(long, value_name = "TIME", value_parser = one::<String>)]
    pub(crate) duration: Option<String>,
    /// A round trip put between subscribers and server, such as 50ms; only times are measured behind it
    #[arg(long, value_name = "TIME", value_parser = rtt)]
    pub(crate) rtt: Option<Duration>,
    /// The request heads that drivers send: chromium, chromium-cookie, minimal, or a file such as ./own.txt
    #[arg(long, default_value = "chromium", value_name = "PROFILE")]
    pub(crate) headers: String,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: RunFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The folder of a run, or its record; for a folder of runs, the list of them is made
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Where the page goes; into the run's folder when left out
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Prints a figure of the page as SVG that stands alone, such as latency-quantiles, and writes nothing
    #[arg(long, value_name = "FIGURE", conflicts_with_all = ["out", "format"])]
    pub(crate) svg: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: RunFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Checks, comma-separated; all when left out
    #[arg(long, value_delimiter = ',', value_name = "CHECK,..")]
    pub(crate) only: Vec<String>,
    /// Where random choices come from; another one every time when left out
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The folder in which the run's folder is made
    #[arg(long, default_value = "reports", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct GoldenArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Ends when standard input closes, for a program that starts the server
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    /// From reading a publication to writing it
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = wire::duration::parse)]
    pub(crate) delay: Duration,
    /// Two writes a delivery, on sockets that leave Nagle's algorithm on
    #[arg(long)]
    pub(crate) two_writes: bool,
    /// Bytes allocated and written to for every connection
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub(crate) touch: usize,
    /// Deliveries to leave out, of every subscriber
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) lose: u32,
    /// Deliveries to make twice, of every subscriber
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) double: u32,
    /// Deliveries to swap with the next one, of every subscriber
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) swap: u32,
    /// The first offset of a room at which something may go wrong
    #[arg(long, default_value_t = 1, value_name = "OFFSET")]
    pub(crate) first: u64,
    /// The last such offset
    #[arg(long, default_value_t = 0, value_name = "OFFSET")]
    pub(crate) last: u64,
    /// Which deliveries go wrong
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// At the end, a line of JSON with what was done is added to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) tell: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ConformArgs {
    /// The server, as http://HOST:PORT
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Lanes, comma-separated; those that `feedbench list` shows when left out
    #[arg(long, value_delimiter = ',', value_name = "LANE,..")]
    pub(crate) lanes: Vec<String>,
    /// Promises, comma-separated; all when left out
    #[arg(long, value_delimiter = ',', value_name = "PROMISE,..")]
    pub(crate) only: Vec<String>,
    /// The server's process, which is told to stop at the very end to see what it says then
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) pid: Option<i32>,
    /// Waits for what takes longer than seconds, such as a death at the default heartbeat
    #[arg(long)]
    pub(crate) patient: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
}
