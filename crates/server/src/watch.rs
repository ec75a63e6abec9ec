//! Whose the watched connections are, and what each session's carried.
//!
//! A connection belongs to the session of its last named request, with all that it carried before. A session sees its own
//! connections and no other's, and ends no other's.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, IoSlice},
    net::Shutdown,
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use measure::{Direction, tcp_info};
use socket2::SockRef;
use tokio::{net::TcpStream, time::Instant};
use transport::{
    Spec,
    connection::Tap,
    watch::{Row, Watcher, Watches},
};
use wire::SessionId;

/// Sessions that are kept. Beyond it, one without connections goes; when all have some, a new one's are not counted.
pub(crate) const MAX_SESSIONS: usize = 4096;

/// How long a session is kept that has no connection any more: longer than a person takes to come back to a page.
pub(crate) const FORGET_AFTER: Duration = Duration::from_mins(5);

/// A port that connections came to, and the transport they were for.
type Place = (u16, Option<&'static str>);

/// What a session's connections carried at one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    /// Connections that are open and were last used for this.
    pub(crate) open: u64,
    /// Connections that were ever used for this.
    pub(crate) ever: u64,
    /// Stream bytes by category, requests and deliveries.
    pub(crate) row: Row,
    /// Bytes of TCP and IP headers down and up, of connections that were last used for this.
    pub(crate) header_bytes: (u64, u64),
}

/// All watched connections of a server that belong to somebody.
#[derive(Debug)]
pub(crate) struct Registry {
    watches: Arc<Watches>,
    /// Held while bytes are written and looked at, and while bytes that came are looked at: on no connection is an answer
    /// looked at before its question, though clients answer on another one and other threads read it.
    turn: Mutex<()>,
    sessions: Mutex<HashMap<SessionId, Session>>,
}

/// One session's.
#[derive(Debug)]
struct Session {
    open: Vec<Arc<Line>>,
    /// One row at most for each port and transport of the server.
    closed: BTreeMap<Place, Sums>,
    /// Since when there has been no connection.
    idle: Instant,
}

/// One watched connection.
#[derive(Debug)]
pub(crate) struct Line {
    port: u16,
    watcher: Mutex<Watcher>,
    /// The connection once more, to end it and to ask the kernel; none once it is over, so that it is not kept open.
    socket: Mutex<Option<OwnedFd>>,
    owner: Mutex<Option<SessionId>>,
}

/// Shows a connection's bytes to its line, and tells when it is over.
#[derive(Debug)]
pub(crate) struct Tapped {
    registry: Arc<Registry>,
    pub(crate) line: Arc<Line>,
}

impl Registry {
    pub(crate) fn new(catalog: &[Spec]) -> Arc<Self> {
        Arc::new(Self { watches: Arc::new(Watches::new(catalog)), turn: Mutex::default(), sessions: Mutex::default() })
    }

    /// Watches a connection that nothing has been read from.
    ///
    /// # Errors
    ///
    /// When the connection is gone, or there is no file left for it.
    pub(crate) fn watch(self: &Arc<Self>, tcp: &TcpStream) -> io::Result<Tapped> {
        let line = Line {
            port: tcp.local_addr()?.port(),
            watcher: Mutex::new(Watcher::new(Arc::clone(&self.watches))),
            socket: Mutex::new(Some(tcp.as_fd().try_clone_to_owned()?)),
            owner: Mutex::default(),
        };
        Ok(Tapped { registry: Arc::clone(self), line: Arc::new(line) })
    }

    /// A request of `session` came on `line`.
    pub(crate) fn claim(&self, line: &Arc<Line>, session: SessionId) {
        let mut owner = lock(&line.owner);
        if *owner == Some(session) {
            return;
        }
        let mut sessions = lock(&self.sessions);
        if let Some(before) = owner.take().and_then(|before| sessions.get_mut(&before)) {
            before.let_go(line);
        }
        if !sessions.contains_key(&session) && sessions.len() >= MAX_SESSIONS {
            let idle = sessions.iter().filter(|(_, session)| session.open.is_empty());
            let Some(oldest) = idle.min_by_key(|(_, session)| session.idle).map(|(id, _)| *id) else { return };
            sessions.remove(&oldest);
        }
        let new = || Session { open: Vec::new(), closed: BTreeMap::new(), idle: Instant::now() };
        sessions.entry(session).or_insert_with(new).open.push(Arc::clone(line));
        *owner = Some(session);
    }

    /// What `session`'s connections carried, open or over, in the order of ports and transports.
    pub(crate) fn sums(&self, session: SessionId) -> BTreeMap<Place, Sums> {
        let sessions = lock(&self.sessions);
        let Some(session) = sessions.get(&session) else { return BTreeMap::new() };
        let mut sums = session.closed.clone();
        for line in &session.open {
            line.add_to(&mut sums, true);
        }
        sums
    }

    /// Ends `session`'s connections to `port` as a network would, but not `own`. Gives how many.
    pub(crate) fn cut(&self, session: SessionId, port: u16, own: &Arc<Line>) -> usize {
        let sessions = lock(&self.sessions);
        let open = sessions.get(&session).map_or(&[][..], |session| &session.open);
        open.iter().filter(|line| line.port == port && !Arc::ptr_eq(line, own) && line.cut()).count()
    }

    /// Forgets sessions whose connections are long over.
    pub(crate) fn sweep(&self, now: Instant) {
        let is_kept = |session: &Session| !session.open.is_empty() || now < session.idle + FORGET_AFTER;
        lock(&self.sessions).retain(|_, session| is_kept(session));
    }
}

impl Session {
    /// `line` is somebody else's, or over.
    fn let_go(&mut self, line: &Arc<Line>) {
        self.open.retain(|open| !Arc::ptr_eq(open, line));
        self.idle = Instant::now();
    }
}

impl Line {
    /// Adds what the connection carried. Nothing passes meanwhile.
    fn add_to(&self, sums: &mut BTreeMap<Place, Sums>, is_open: bool) {
        let watcher = lock(&self.watcher);
        for (transport, row) in watcher.rows() {
            let place = sums.entry((self.port, *transport)).or_default();
            place.ever += 1;
            place.row.add(row);
        }
        let place = sums.entry((self.port, watcher.last())).or_default();
        place.open += u64::from(is_open);
        let kernel = lock(&self.socket).as_ref().and_then(tcp_info::read);
        let (down, up) = kernel.map(|kernel| kernel.header_bytes_accepted()).unwrap_or_default();
        place.header_bytes.0 += down;
        place.header_bytes.1 += up;
    }

    /// Ends both directions without a word. False when they are over already.
    fn cut(&self) -> bool {
        lock(&self.socket).as_ref().is_some_and(|socket| SockRef::from(socket).shutdown(Shutdown::Both).is_ok())
    }
}

impl Tap for Tapped {
    fn was_read(&mut self, bytes: &[u8]) {
        let _turn = lock(&self.registry.turn);
        lock(&self.line.watcher).on_bytes(Direction::Up, bytes);
    }

    fn write(
        &mut self,
        bufs: &[IoSlice<'_>],
        write: &mut dyn FnMut() -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let _turn = lock(&self.registry.turn);
        let written = write();
        if let Poll::Ready(Ok(mut left)) = written {
            let mut watcher = lock(&self.line.watcher);
            for buf in bufs {
                let (part, _not_taken) = buf.split_at(left.min(buf.len()));
                left -= part.len();
                watcher.on_bytes(Direction::Down, part);
            }
        }
        written
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        lock(&self.line.watcher).on_end();
        let owner = lock(&self.line.owner);
        let mut sessions = lock(&self.registry.sessions);
        if let Some(session) = owner.and_then(|owner| sessions.get_mut(&owner)) {
            // Found as often as it is asked for: open until here, over from here on.
            self.line.add_to(&mut session.closed, false);
            session.let_go(&self.line);
        }
        drop(sessions);
        lock(&self.line.socket).take();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
