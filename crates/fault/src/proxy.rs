//! The listener and its connections: one task for the listener, one for each connection, all owned by the [`Proxy`].

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    select,
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

use crate::{
    control::Control,
    pump::Pump,
    rules::{Rules, Shared, Way},
};

/// How many connections may wait to be accepted: a whole fleet may come at once, and one that finds no place waits a
/// second for the kernel's next try.
const BACKLOG: u32 = 4096;

/// The pause after an accept that failed, so that a lack of descriptors is no busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A proxy on a free port of 127.0.0.1 in front of one address.
///
/// Every connection is accepted at once and gets one of its own to the upstream address, both with `TCP_NODELAY`. If
/// that cannot be made, the client is reset. The end of one side is forwarded as the shutdown of the other side's
/// writing half; an error on one side resets both. The handshake itself costs no delay.
///
/// Each direction reads up to 16 KiB at once and holds up to 256 KiB in up to 4096 reads; when one of them is full, it
/// stops reading, and the sender feels it as soon as the kernel's buffers are full too.
///
/// Dropping it ends everything it started soon afterwards: nobody can connect, and both ends of each connection see
/// an end or a reset. What was on its way is lost.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    control: Control,
    task: AbortHandle,
}

impl Proxy {
    /// Listens and begins to forward to `upstream`, which is only looked for when a client comes.
    ///
    /// # Errors
    ///
    /// When the listener cannot be made.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let control = Control::new(Arc::clone(&shared));
        let task = tokio::spawn(accept(listener, upstream, shared)).abort_handle();
        Ok(Self { address, control, task })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle to change what happens and to see what happened.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Accepts for ever. The connections' tasks end with it, because it owns them.
async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let born = *shared.rules.borrow();
        shared.counts.send_modify(|counts| counts.accepted += 1);
        if born.refusing {
            reset(&client);
            continue;
        }
        let open = Open::new(Arc::clone(&shared));
        connections.spawn(async move { carry(client, upstream, &open.0, &born).await });
    }
}

/// One connection among those that are open, until it is dropped.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.counts.send_modify(|counts| counts.open += 1);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.open -= 1);
    }
}

/// One connection from its start to its end. `born` are the rules it was accepted under.
async fn carry(mut client: TcpStream, upstream: SocketAddr, shared: &Shared, born: &Rules) {
    let mut rules = shared.rules.subscribe();
    let connected = select! {
        biased;
        () = cut(&mut rules, born) => return reset(&client),
        connected = TcpStream::connect(upstream) => connected,
    };
    let Ok(mut server) = connected else { return reset(&client) };
    let carried = select! {
        biased;
        () = cut(&mut rules, born) => Err(io::ErrorKind::ConnectionReset.into()),
        carried = forward(&mut client, &mut server, shared, born) => carried,
    };
    if carried.is_err() {
        reset(&client);
        reset(&server);
    }
}

/// Resolves when all connections are cut. Cancel safe.
async fn cut(rules: &mut watch::Receiver<Rules>, born: &Rules) {
    rules.wait_for(|rules| rules.cuts != born.cuts).await.ok();
}

/// Forwards both ways until both have ended in order.
async fn forward(client: &mut TcpStream, server: &mut TcpStream, shared: &Shared, born: &Rules) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = Pump::new(Way::Up, from_client, to_server, shared, born);
    let down = Pump::new(Way::Down, from_server, to_client, shared, born);
    tokio::try_join!(up.run(), down.run())?;
    Ok(())
}

/// Makes the coming drop of `stream` a reset. An error means that it has none left to be told.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().ok();
}
