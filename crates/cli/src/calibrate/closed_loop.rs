//! The other way of measuring, to show what it misses: one client that publishes, waits for the delivery, and publishes again.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use measure::{Mono, Recorder, clock};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use transport::Origin;
use wire::length_prefixed::{self, Event, Reader};

use super::{
    bench::{Bench, server_command},
    stall::{STALL, WINDOW},
};

/// The longest item: the size of a `data` and what is around it.
const MAX_ITEM_BYTES: usize = 64 * 1024;

/// No delivery takes longer, the stop included.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Killed with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[derive(Deserialize)]
struct Ready {
    listening: String,
}

/// The delays that the client sees in the same window with the same stop, of a golden server without a delay.
pub(super) fn run(bench: &Bench) -> anyhow::Result<Recorder> {
    let command = server_command(Some(&[]))?;
    let started =
        Command::new(command.program).args(command.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut server = Server(started.context("cannot start the golden server")?);
    let mut line = String::new();
    let stdout = server.0.stdout.take().context("the golden server has no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let ready: Ready = serde_json::from_str(&line).context("the golden server did not say where it listens")?;
    let mut client = Client::connect(&Origin::parse(&ready.listening)?)?;
    let pid = Pid::from_raw(i32::try_from(server.0.id())?).context("the golden server has no process")?;
    let start = Mono::now();
    let end = start + WINDOW;
    thread::scope(|scope| {
        let stopped = scope.spawn(move || {
            clock::sleep_until(start + STALL.after);
            kill_process(pid, Signal::STOP)?;
            clock::sleep_until(start + STALL.after + STALL.length);
            kill_process(pid, Signal::CONT)
        });
        let mut times = Recorder::new();
        let mut sent = Mono::now();
        while sent < end && !bench.is_interrupted() {
            client.publish_and_wait()?;
            let delivered = Mono::now();
            times.record_ns(delivered.signed_nanos_since(sent));
            sent = delivered;
        }
        let Ok(stopped) = stopped.join() else { bail!("the thread that stops the server panicked") };
        stopped?;
        Ok(times)
    })
}

/// A connection that publishes and receives.
struct Client {
    tcp: TcpStream,
    reader: Reader,
    /// One publication, ready to be written.
    publication: Vec<u8>,
}

impl Client {
    fn connect(origin: &Origin) -> io::Result<Self> {
        let mut tcp = TcpStream::connect(origin.address)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(ANSWER_WITHIN))?;
        let head = format!("GET /v1/bench/r0/closed HTTP/1.1\r\nHost: {}\r\nUpgrade: items\r\n\r\n", origin.authority);
        tcp.write_all(head.as_bytes())?;
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            tcp.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        let item = format!(r#"{{"publish":{{"event":"message","data":{{"pad":"{}"}}}}}}"#, "x".repeat(128));
        let mut publication = Vec::new();
        length_prefixed::encode(item.as_bytes(), &mut publication);
        Ok(Self { tcp, reader: Reader::new(MAX_ITEM_BYTES), publication })
    }

    /// Publishes, and returns when its delivery and its acknowledgement are here: one request in flight.
    fn publish_and_wait(&mut self) -> anyhow::Result<()> {
        self.tcp.write_all(&self.publication)?;
        let (mut delivered, mut acknowledged) = (false, false);
        let mut piece = [0; 4096];
        while !(delivered && acknowledged) {
            let length = self.tcp.read(&mut piece)?;
            if length == 0 {
                bail!("the golden server ended");
            }
            let mut input = &piece[..length];
            while let Some(event) = self.reader.next_event(&mut input)? {
                if let Event::Item(item) = event {
                    delivered |= item.starts_with(br#"{"offset""#);
                    acknowledged |= item.starts_with(br#"{"ack""#);
                }
            }
        }
        Ok(())
    }
}
