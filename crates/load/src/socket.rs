//! One connection of the generator: what its driver wrote, what is still to be written, and what its bytes were for.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr},
};

use measure::ByteLedger;
use mio::net::TcpStream;
use nix::{setsockopt_impl, sockopt_impl, sys::socket::setsockopt};
use socket2::{Domain, Protocol, SockRef, Socket as NewSocket, Type};
use transport::ConnectionId;

use crate::reactor::ClientId;

// IP_BIND_ADDRESS_NO_PORT of ip(7).
sockopt_impl!(BindAddressNoPort, SetOnly, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, bool);

/// Connections from one source address before the next one is used: well below the 28,232 ports that Linux gives out.
const CONNECTIONS_PER_SOURCE: usize = 10_000;

/// Unsent bytes that a socket's buffer takes; the same as on the server's side.
const SEND_BACKLOG_BYTES: u32 = 16 * 1024;

/// See the file.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(super) tcp: TcpStream,
    pub(super) client: ClientId,
    pub(super) connection: ConnectionId,
    /// What could not be written yet, and how much of it has been.
    unsent: Vec<u8>,
    written: usize,
    pub(super) connected: bool,
    pub(super) shut: bool,
    /// Whether the sending direction has been ended. Ending it again would make the socket ready again, for ever.
    half_closed: bool,
    pub(super) ledger: ByteLedger,
}

impl Socket {
    /// Begins the `index`-th connection of the generator to `server`, for `connection` of `client`.
    pub(super) fn open(
        server: SocketAddr,
        index: usize,
        client: ClientId,
        connection: ConnectionId,
    ) -> io::Result<Self> {
        Ok(Self {
            tcp: connect(server, index / CONNECTIONS_PER_SOURCE)?,
            client,
            connection,
            unsent: Vec::new(),
            written: 0,
            connected: false,
            shut: false,
            half_closed: false,
            ledger: ByteLedger::default(),
        })
    }

    /// Writes `bytes` after all before them, as far as the socket takes them now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.flush()
    }

    /// Writes what could not be written before.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.connected && self.written < self.unsent.len() {
            match self.tcp.write(&self.unsent[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written == self.unsent.len() {
            self.unsent.clear();
            self.written = 0;
            if self.shut && self.connected && !std::mem::replace(&mut self.half_closed, true) {
                // It may be over already; its end is an event of its own.
                let _over = self.tcp.shutdown(Shutdown::Write);
            }
        }
        Ok(())
    }

    /// Ends the sending direction once everything is written.
    pub(super) fn shut(&mut self) {
        self.shut = true;
        // A write that fails shows as the connection's end.
        let _flushed = self.flush();
    }
}

/// Begins a connection from the `source`-th loopback address, when the server is on loopback, else from any.
pub(super) fn connect(server: SocketAddr, source: usize) -> io::Result<TcpStream> {
    let socket = NewSocket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let (IpAddr::V4(address), Ok(source)) = (server.ip(), u8::try_from(source + 1))
        && address.is_loopback()
    {
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, source), 0));
        // The port is chosen with the connection, where one that another server's connection still holds is no obstacle.
        setsockopt(&socket, BindAddressNoPort, &true)?;
        socket.bind(&from.into())?;
    }
    match socket.connect(&server.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
        _ => {}
    }
    SockRef::from(&socket).set_tcp_notsent_lowat(SEND_BACKLOG_BYTES)?;
    Ok(TcpStream::from_std(socket.into()))
}
