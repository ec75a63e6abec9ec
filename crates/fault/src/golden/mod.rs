//! The golden server: a feed whose behaviour is known, against which `feedbench calibrate` holds the ruler.
//!
//! It speaks the upgrade to length-prefixed items that the neutral publisher and the floor's subscribers use, keeps no
//! history and knows no other lane. It shares no code with the servers under test but the codecs: blocking sockets, one thread
//! a connection, and one thread that delivers everything. No runtime and none of its timers: a delay is one
//! `clock_nanosleep` to an absolute instant, so that what the ruler shows beyond it is the ruler's.
//!
//! | file | holds |
//! |---|---|
//! | `faults` | which deliveries are lost, doubled or swapped: pure |
//! | `rooms` | who is in which room, and the numbers of its publications |
//! | `connection` | one connection: the upgrade, then items |
//! | `delivery` | the one thread that waits and writes |

mod connection;
mod delivery;
pub mod faults;
mod rooms;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use faults::Faults;

/// Publications that wait for their delivery at most; beyond, publishers are not read from.
///
/// At 100 ms, the longest delay that is calibrated, it lets 655,360 publications a second through.
const WAITING: usize = 65_536;

/// A thread of a connection holds one item and little else.
const STACK_BYTES: usize = 256 * 1024;

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// From reading a publication to writing it to its subscribers.
    pub delay: Duration,
    /// Writes every delivery in two pieces, its length and its item, on sockets that leave Nagle's algorithm on. Otherwise one
    /// write, and the algorithm is off.
    ///
    /// Behind the item goes a heartbeat, which the client answers: Linux keeps back the acknowledgements of a connection that
    /// talks both ways, and sends those of a mere reader at once, which leaves Nagle's algorithm nothing to wait for.
    pub two_writes: bool,
    /// Bytes that are allocated and written to for every connection, and kept until it ends.
    pub touch_bytes: usize,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// What the server did, all connections together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Publications that came in.
    pub publications: u64,
    /// Items written to subscribers, second copies included.
    pub written: u64,
    /// Deliveries that were left out.
    pub lost: u64,
    /// Deliveries that were written twice.
    pub doubled: u64,
    /// Deliveries that were written after the one that follows them.
    pub swapped: u64,
}

/// A running server. Its threads live as long as the process.
#[derive(Debug)]
pub struct Golden {
    address: SocketAddr,
    rooms: Arc<rooms::Rooms>,
}

impl Golden {
    /// Listens and serves on threads of its own, which inherit CPU and scheduling of the caller.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub fn start(listen: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let rooms = Arc::new(rooms::Rooms::new(behaviour.faults));
        let (queue, waiting) = sync_channel(WAITING);
        let delivering = Arc::clone(&rooms);
        thread::Builder::new().spawn(move || delivery::run(&waiting, &delivering, behaviour.two_writes))?;
        let accepting = Arc::clone(&rooms);
        thread::Builder::new().spawn(move || {
            // A connection that failed before it was accepted is nobody's; the next one may be well.
            for tcp in listener.incoming().flatten() {
                let (rooms, queue) = (Arc::clone(&accepting), queue.clone());
                let serve = move || connection::serve(tcp, behaviour, &rooms, &queue);
                // Without a thread the connection is dropped, and its client sees the end.
                let _refused = thread::Builder::new().stack_size(STACK_BYTES).spawn(serve);
            }
        })?;
        Ok(Self { address, rooms })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it did so far.
    pub fn told(&self) -> Told {
        self.rooms.told()
    }
}
