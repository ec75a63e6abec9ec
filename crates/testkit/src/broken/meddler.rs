//! A proxy that changes what goes over the connections of one lane: faults of an uplink, of whom a server takes somebody for,
//! and of what it answers.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::{
    io::{self, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The largest piece that is changed at once. What is looked for is small and goes out in one write, so it stands in one piece.
const PIECE_BYTES: usize = 64 * 1024;

/// What happens to bytes on their way; their number stays.
pub type Change = fn(&mut [u8]);

/// What is wrong with a lane.
#[derive(Debug, Clone, Copy)]
pub struct Meddling {
    /// What the first request of its connections has.
    pub on: &'static str,
    /// What happens to what clients send.
    pub up: Change,
    /// What happens to what the server sends.
    pub down: Change,
}

impl Meddling {
    /// Nothing is wrong with the lane whose requests have this.
    pub const fn with(on: &'static str) -> Self {
        Self { on, up: |_| {}, down: |_| {} }
    }
}

/// Starts a proxy in front of `server`, for as long as the runtime lives; gives its address.
///
/// # Panics
///
/// When there is no free port.
pub async fn start(server: SocketAddr, meddling: Meddling) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, server, meddling));
        }
    });
    address
}

async fn carry(mut client: TcpStream, server: SocketAddr, meddling: Meddling) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    for tcp in [&client, &server] {
        tcp.set_nodelay(true)?;
    }
    let mut first = vec![0; PIECE_BYTES];
    let length = client.read(&mut first).await?;
    first.truncate(length);
    let Meddling { mut up, mut down, on } = meddling;
    if !first.windows(on.len()).any(|window| window == on.as_bytes()) {
        Meddling { up, down, .. } = Meddling::with(on);
    }
    up(&mut first);
    server.write_all(&first).await?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::try_join!(pump(from_client, to_server, up), pump(from_server, to_client, down))?;
    Ok(())
}

async fn pump(
    mut from: impl io::AsyncRead + Unpin,
    mut to: impl io::AsyncWrite + Unpin,
    change: Change,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        change(&mut piece[..length]);
        to.write_all(&piece[..length]).await?;
    }
}

/// Puts `put`, which is as long, wherever `find` stands.
pub fn replace(bytes: &mut [u8], find: &str, put: &str) {
    for at in places(bytes, find) {
        bytes[at..at + find.len()].copy_from_slice(put.as_bytes());
    }
}

/// Puts spaces, which JSON passes over, in the place of `,"to":".."`: a direct publication is for everybody.
pub fn lose_target(bytes: &mut [u8]) {
    for at in places(bytes, r#","to":""#) {
        bytes[at..].iter_mut().take(r#","to":"0123456789abcdef""#.len()).for_each(|byte| *byte = b' ');
    }
}

/// Makes every key another one.
pub fn forget_keys(bytes: &mut [u8]) {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let start = r#""key":""#;
    for at in places(bytes, start) {
        bytes[at + start.len()] = b'A' + NEXT.fetch_add(1, Ordering::Relaxed) % 26;
    }
}

/// Adds one to the last digit of an ack's offset.
pub fn wrong_acks(bytes: &mut [u8]) {
    for at in places(bytes, r#"{"ack":"#) {
        let end = bytes[at..].iter().position(|byte| *byte == b'}').map(|end| at + end);
        let digit = end.and_then(|end| bytes[at..end].iter().rposition(u8::is_ascii_digit));
        if let Some(digit) = digit.map(|digit| at + digit) {
            bytes[digit] = b'0' + (bytes[digit] - b'0' + 1) % 10;
        }
    }
}

fn places(bytes: &[u8], find: &str) -> Vec<usize> {
    let windows = bytes.windows(find.len()).enumerate();
    windows.filter(|(_, window)| *window == find.as_bytes()).map(|(at, _)| at).collect()
}
