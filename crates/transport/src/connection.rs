//! The accepted connection as the server makes it, so that an upgrade finds the same type again.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Is shown every byte of a connection, both ways and in order; dropped with it.
pub trait Tap: fmt::Debug + Send + Sync {
    /// The connection read `bytes`.
    fn was_read(&mut self, bytes: &[u8]);

    /// Calls `write`, which writes off the front of `bufs`, and gives what it gave.
    ///
    /// What was written is to be looked at before anything is that the other end says to it, on whatever connection.
    fn write(
        &mut self,
        bufs: &[IoSlice<'_>],
        write: &mut dyn FnMut() -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>>;
}

/// A TCP connection that is counted for as long as it lives, and fails when its peer does not read.
///
/// Both hold for upgraded connections too, which their HTTP machinery has long forgotten.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    /// How long a write may make no progress.
    slow_writer: Duration,
    /// Runs from the first write that had to wait to the next that did not.
    stalled: Option<Pin<Box<Sleep>>>,
    tap: Option<Box<dyn Tap>>,
    _counted: TaskTrackerToken,
}

impl Connection {
    /// Counts `tcp` with `counted` for as long as it lives, and shows its bytes to `tap`. Once not a byte could be written for
    /// `slow_writer`, writing fails.
    pub fn new(tcp: TcpStream, slow_writer: Duration, counted: TaskTrackerToken, tap: Option<Box<dyn Tap>>) -> Self {
        Self { tcp, slow_writer, stalled: None, tap, _counted: counted }
    }

    /// Waits until there is something to read, or the end.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn readable(&self) -> io::Result<()> {
        self.tcp.readable().await
    }

    /// Reads what is there.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when nothing is, and when the connection is gone.
    pub fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.tcp.try_read(buf)?;
        if let Some(tap) = &mut self.tap {
            tap.was_read(&buf[..length]);
        }
        Ok(length)
    }

    /// Waits for the upgrade of a request and takes its connection back out of HTTP, with the bytes that came behind the
    /// request's head.
    ///
    /// # Errors
    ///
    /// When the upgrade fails, or when the server did not accept the connection as a [`Connection`].
    pub async fn upgraded(upgrade: OnUpgrade) -> io::Result<(Self, BytesMut)> {
        let upgraded = upgrade.await.map_err(io::Error::other)?;
        let parts = upgraded
            .downcast::<TokioIo<Self>>()
            .map_err(|_other| io::Error::other("the server mounts this transport on connections of another type"))?;
        // A copy: what HTTP read holds on to all of its buffer.
        Ok((parts.io.into_inner(), BytesMut::from(&parts.read_buf[..])))
    }
}

impl Connection {
    /// Calls `write`, which writes off the front of `bufs`, in sight of the tap.
    fn in_sight(
        tap: &mut Option<Box<dyn Tap>>,
        bufs: &[IoSlice<'_>],
        write: &mut dyn FnMut() -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match tap {
            Some(tap) => tap.write(bufs, write),
            None => write(),
        }
    }

    /// Passes on what a write came to, and makes an error of a wait that has lasted too long.
    fn in_time(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let slow_writer = self.slow_writer;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(slow_writer))).as_mut().poll(cx));
        self.stalled = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        if let Some(tap) = &mut self.tap {
            tap.was_read(&buf.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { tcp, tap, .. } = &mut *self;
        let written = Self::in_sight(tap, &[IoSlice::new(buf)], &mut || Pin::new(&mut *tcp).poll_write(cx, buf));
        self.in_time(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { tcp, tap, .. } = &mut *self;
        let written = Self::in_sight(tap, bufs, &mut || Pin::new(&mut *tcp).poll_write_vectored(cx, bufs));
        self.in_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}
