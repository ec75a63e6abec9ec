//! The server under test: a process of its own, on a CPU of its own, fresh for every cell.

use std::{
    io::{self, BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use measure::{Mono, clock};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use transport::Origin;

use crate::host;

/// How long a server has to end after it was told to: its drain, and some.
const END_WITHIN: Duration = Duration::from_secs(8);

/// How to start the server under test.
#[derive(Debug, Clone)]
pub struct ServerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments. It must listen on a free port of loopback, print one line of JSON with its address as `listening`
    /// when it does, and end when its standard input closes.
    pub arguments: Vec<String>,
}

/// Why no server could be started. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// The program does not start.
    #[error("cannot start the server {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended, or said something else than its address.
    #[error("the server did not say where it listens, but {0:?}")]
    NotReady(String),
}

/// A process that does not outlive this value.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Killed,
    pub(crate) origin: Origin,
}

#[derive(Deserialize)]
struct ReadyLine {
    listening: String,
}

impl ServerProcess {
    /// Starts it on `cpu` and waits until it listens.
    pub(crate) fn start(command: &ServerCommand, cpu: Option<u32>, back_to: Option<u32>) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Start { program: command.program.display().to_string(), source };
        // A child inherits the CPU of the thread that starts it, from its first instruction on.
        host::pin(cpu).map_err(failed)?;
        let spawned = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        host::pin(back_to).map_err(failed)?;
        let mut child = Killed(spawned.map_err(failed)?);
        let mut line = String::new();
        if let Some(stdout) = child.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
        }
        let ready: Option<ReadyLine> = serde_json::from_str(&line).ok();
        let origin = ready.and_then(|ready| Origin::parse(&ready.listening).ok());
        origin.map(|origin| Self { child, origin }).ok_or(ServerError::NotReady(line))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Stops it where it stands.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// Tells it to end and waits; true when it did so in good order and in time.
    pub(crate) fn stop(mut self) -> bool {
        if self.signal(Signal::SIGTERM).is_err() {
            return false;
        }
        let deadline = Mono::now() + END_WITHIN;
        while Mono::now() < deadline {
            match self.child.0.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => clock::sleep_until(Mono::now() + Duration::from_millis(2)),
                Err(_) => return false,
            }
        }
        false
    }
}
