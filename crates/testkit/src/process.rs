//! The real server as a process, and a plain HTTP request to it.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use measure::{Mono, clock};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use transport::Origin;

/// A server process that does not outlive this value.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub origin: Origin,
    /// The line it printed when it was ready.
    pub ready: serde_json::Value,
}

impl ServerProcess {
    /// Starts `program serve` on a free port of loopback with further arguments and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--until-stdin-closes"];
        let mut child = Command::new(program)
            .args(fixed.iter().chain(arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the ready line is JSON");
        let origin = Origin::parse(ready["listening"].as_str().expect("an address")).expect("an origin");
        Self { child, origin, ready }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    ///
    /// When there is no such process any more.
    pub fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a pid"));
        kill(pid, Signal::SIGTERM).expect("the server is there");
    }

    /// Waits for its end for at most `within`; gives how it ended and how long that took.
    ///
    /// # Panics
    ///
    /// When it has not ended by then.
    pub fn ended(&mut self, within: Duration) -> (ExitStatus, Duration) {
        let begin = Mono::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return (status, Mono::now().saturating_since(begin));
            }
            let waited = Mono::now().saturating_since(begin);
            assert!(waited < within, "the server has not ended {waited:?} after it was told to");
            clock::sleep_until(Mono::now() + Duration::from_millis(5));
        }
    }

    /// One request, `method path`, with a body; gives status, head and body.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub fn request(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let host = &self.origin.authority;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.exchange(request.as_bytes())
    }

    /// Writes `request` and reads the answer to its end.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub fn exchange(&self, request: &[u8]) -> (u16, String, String) {
        let mut tcp = TcpStream::connect(self.origin.address).expect("the server accepts");
        tcp.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        tcp.write_all(request).expect("the request goes out");
        let mut answer = Vec::new();
        match tcp.read_to_end(&mut answer) {
            Ok(_) => {}
            // An answer that is there counts even when the connection was then reset.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !answer.is_empty() => {}
            Err(error) => panic!("no answer: {error}; got {:?}", String::from_utf8_lossy(&answer)),
        }
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_owned(), body.to_owned())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}
