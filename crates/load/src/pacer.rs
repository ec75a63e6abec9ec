//! The pacing thread: the one send loop. It writes each publication at its instant and waits for nothing else.

use std::{
    io::{self, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use measure::{Mono, clock};
use thread_priority::RealtimeThreadSchedulePolicy;

use crate::host;

/// The longest sleep before the stop flag is looked at again.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// One write to make.
#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) at: Mono,
    /// The number of the publication.
    pub(crate) n: usize,
    /// Whose connection.
    pub(crate) room: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The thread. Its result is how many writes failed.
#[derive(Debug)]
pub(crate) struct Pacer {
    thread: JoinHandle<u64>,
    stop: Arc<AtomicBool>,
}

impl Pacer {
    /// Starts. `uplinks` has one connection a room; `sent` gets the instant of each write.
    ///
    /// The connections are shared with the receive loop, which reads them; what both write are single short writes, which
    /// the kernel does not interleave.
    pub(crate) fn start(sends: Vec<Send>, uplinks: Vec<TcpStream>, sent: Arc<Vec<AtomicU64>>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread =
            thread::Builder::new().name("pacer".to_owned()).spawn(move || pace(&sends, &uplinks, &sent, &stopped))?;
        Ok(Self { thread, stop })
    }

    /// Ends it early, or takes note of its end; gives the number of writes that failed.
    pub(crate) fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        // A panic there is a bug here; the run reports nothing sent.
        self.thread.join().unwrap_or_default()
    }
}

fn pace(sends: &[Send], uplinks: &[TcpStream], sent: &[AtomicU64], stop: &AtomicBool) -> u64 {
    // Above the receive loop on the same CPU; where it may not be, lateness is counted all the same.
    host::run_realtime(RealtimeThreadSchedulePolicy::Fifo, host::PACER_PRIORITY);
    let mut failed = 0;
    for send in sends {
        while send.at.saturating_since(Mono::now()) > LOOK_AROUND {
            if stop.load(Ordering::Acquire) {
                return failed;
            }
            clock::sleep_until(Mono::now() + LOOK_AROUND);
        }
        if stop.load(Ordering::Acquire) {
            return failed;
        }
        let now = clock::wait_until(send.at);
        match write(&uplinks[send.room as usize], &send.bytes) {
            Ok(()) => sent[send.n].store(now.as_nanos(), Ordering::Release),
            Err(_gone) => failed += 1,
        }
    }
    failed
}

/// Writes everything. A full send buffer is waited for: the delay is counted as publish delay of what comes after.
fn write(mut uplink: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match uplink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
