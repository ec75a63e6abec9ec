//! Real sockets on loopback, where time cannot be paused: only lower bounds of time are asserted.

mod faults;
mod golden;
mod plain;
mod queue;
mod scripts;
mod time;

use std::{io, net::Ipv4Addr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::yield_now,
};

use crate::{Control, Proxy};

const MIB: usize = 1024 * 1024;

/// A proxy, and the server behind it.
struct Net {
    proxy: Proxy,
    control: Control,
    upstream: TcpListener,
}

impl Net {
    async fn new() -> Self {
        let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Proxy::start(upstream.local_addr().unwrap()).unwrap();
        Self { control: proxy.control(), proxy, upstream }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.proxy.address()).await
    }

    /// Both ends of a new connection through the proxy: the client's and the server's.
    async fn pair(&self) -> (TcpStream, TcpStream) {
        let client = self.connect().await.unwrap();
        let (server, _) = self.upstream.accept().await.unwrap();
        (client, server)
    }
}

/// Bytes that show their place.
fn numbered(count: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(count).collect()
}

/// Reads exactly as much as `wanted` and compares.
async fn expect(from: &mut TcpStream, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    from.read_exact(&mut got).await.unwrap();
    assert!(got == wanted, "other bytes came");
}

/// Whether the end or an error comes before any byte.
async fn is_over(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0]).await, Ok(1..))
}

/// Writes `bytes` and the end, and meanwhile reads to the end.
async fn talk(stream: TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (mut from, mut to) = stream.into_split();
    let write = async {
        to.write_all(bytes).await?;
        to.shutdown().await
    };
    let mut got = Vec::new();
    tokio::try_join!(write, from.read_to_end(&mut got))?;
    Ok(got)
}

/// Both ends talk at once, and each must hear what the other said.
async fn exchange((client, server): (TcpStream, TcpStream), count: usize) {
    let (up, mut down) = (numbered(count), numbered(count));
    down.reverse();
    let (at_client, at_server) = tokio::try_join!(talk(client, &up), talk(server, &down)).unwrap();
    assert!(at_server == up, "other bytes came up");
    assert!(at_client == down, "other bytes came down");
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    while !holds() {
        yield_now().await;
    }
}
