//! What tests with clients that others wrote share: their processes, the lines they print, and a server to read from.
//!
//! The scripts in `tests/outsiders` print a JSON object a line, see [`Seen::take`]; `just test` installs what they need.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use testkit::process::ServerProcess;

use crate::{binary, text};

pub(crate) const INSTALL: &str = "is missing: run just test, which installs it";

/// How long an outsider may take for its next line. A browser starts within it on a machine that builds meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a script that has nothing more to say is silent.
const QUIET: Duration = Duration::from_millis(500);

pub(crate) const FEED: &str = "/v1/outside/lobby";

/// A process that prints lines, and does not outlive this value.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().display().to_string();
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{error}: {name} {INSTALL}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// The next line; none when there is none within this time.
    pub(crate) fn next_within(&self, patience: Duration) -> Option<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("it ended before it had said everything"),
        }
    }

    pub(crate) fn next(&self) -> String {
        self.next_within(PATIENCE).unwrap_or_else(|| panic!("it said nothing for {PATIENCE:?}"))
    }

    /// Sends SIGTERM and waits for its good end; gives what else it said.
    pub(crate) fn terminate(self) -> Vec<String> {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.end()
    }

    /// Closes its input and waits for its good end; gives what else it said.
    pub(crate) fn end(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status} after {rest:?}");
        rest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

pub(crate) fn node(script: &str, arguments: &[&str]) -> Program {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outsiders");
    assert!(folder.join("node_modules/.package-lock.json").exists(), "node_modules {INSTALL}");
    Program::start(Command::new("node").arg(folder.join(script)).args(arguments))
}

/// curl without what its user has configured; `-N`, so that a line is seen when it comes.
pub(crate) fn curl_command(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["-q", "-sSN", "--noproxy", "*", "--max-time", "60"]).args(arguments);
    command
}

/// What curl prints.
pub(crate) fn curl(arguments: &[&str]) -> String {
    let output = curl_command(arguments).output().unwrap_or_else(|error| panic!("{error}: curl {INSTALL}"));
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The answer to a poll, with the items as they were written.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch<'a> {
    pub(crate) position: String,
    #[serde(borrow)]
    pub(crate) items: Vec<&'a RawValue>,
}

impl<'a> Batch<'a> {
    pub(crate) fn read(body: &'a str) -> Self {
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.items.iter().map(|item| item.get().to_owned()).collect()
    }
}

/// Where the feed is now.
pub(crate) fn head(origin: &str) -> String {
    Batch::read(&curl(&[&format!("{origin}{FEED}/short-polling")])).position
}

/// Everything that the feed holds, as curl gets it.
pub(crate) fn held(origin: &str) -> Vec<String> {
    Batch::read(&curl(&[&format!("{origin}{FEED}/short-polling?after=earliest")])).texts()
}

/// Publishes and gives the position.
pub(crate) fn publish(origin: &str, data: &str) -> String {
    let body = format!(r#"{{"event":"message","data":{data}}}"#);
    let answer = curl(&["--fail-with-body", "-d", &body, &format!("{origin}{FEED}/messages")]);
    let position = serde_json::from_str::<Value>(&answer).unwrap()["position"].take();
    position.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Publishes in order and gives the positions.
pub(crate) fn publish_all(origin: &str, payloads: &[String]) -> Vec<String> {
    payloads.iter().map(|data| publish(origin, data)).collect()
}

/// What clients like to break, already without white space: it comes out as it went in.
pub(crate) fn payloads() -> Vec<String> {
    let awkward = [
        r#""she said \"hi\"""#,
        r#""a\\b\/c\td\r\n""#,
        r#""nul \u0000, \ud83d\ude00, \ud800""#,
        r#""😀 👩‍👩‍👧 é""#,
        "\"line\u{2028}paragraph\u{2029}\"",
        "12345678901234567890123",
        "1E400",
        r#"{"b":[[],{"a":null}],"":-0.0,"a":{"a":1,"a":2}}"#,
        r#""""#,
    ];
    awkward.map(str::to_owned).into_iter().chain([format!("\"{}\"", "x".repeat(10 * 1024))]).collect()
}

pub(crate) fn serve(flags: &[&str]) -> (ServerProcess, String) {
    let server = ServerProcess::start(binary(), flags);
    let origin = format!("http://{}", server.origin.authority);
    (server, origin)
}

pub(crate) fn assert_same(who: &str, got: &[String], wanted: &[String]) {
    for (n, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert_eq!(got, wanted, "{who}: item {n}");
    }
    assert_eq!(got.len(), wanted.len(), "{who}");
}

/// What a script has said of one lane.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) items: Vec<String>,
    pub(crate) controls: Vec<Value>,
}

impl Lane {
    /// The keys of the control items, in order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.controls.iter().flat_map(|control| control.as_object().unwrap().keys().map(String::as_str)).collect()
    }
}

/// What a script has said, lane by lane.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) BTreeMap<String, Lane>);

impl Seen {
    /// Takes in a line: a `lane`, and the text of an `item`, of a `control` item or of a `batch`.
    pub(crate) fn take(&mut self, line: &str) {
        let line: BTreeMap<String, String> = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let lane = self.0.entry(line["lane"].clone()).or_default();
        if let Some(item) = line.get("item") {
            lane.items.push(item.clone());
        } else if let Some(batch) = line.get("batch") {
            lane.items.extend(Batch::read(batch).texts());
        } else {
            lane.controls.push(serde_json::from_str(&line["control"]).unwrap());
        }
    }

    /// Reads on until it holds for each of these lanes.
    pub(crate) fn read(&mut self, script: &Program, lanes: &[&str], holds: impl Fn(&Lane) -> bool) {
        while !lanes.iter().all(|lane| self.0.get(*lane).is_some_and(&holds)) {
            self.take(&script.next());
        }
    }

    /// Reads on until it has said nothing for a while: whoever polls is held.
    pub(crate) fn settle(&mut self, script: &Program) {
        while let Some(line) = script.next_within(QUIET) {
            self.take(&line);
        }
    }

    /// Lets the script end; what it says by then counts.
    pub(crate) fn end(&mut self, script: Program) {
        script.end().iter().for_each(|line| self.take(line));
    }
}

/// A server at an address that its successor can have again: nobody takes a port of 127.0.0.2 to connect from.
pub(crate) fn serve_again(listen: &str) -> (Program, String) {
    let server = Program::start(Command::new(binary()).args(["serve", "--until-stdin-closes", "--listen", listen]));
    let ready: Value = serde_json::from_str(&server.next()).unwrap();
    (server, ready["listening"].as_str().unwrap().to_owned())
}
