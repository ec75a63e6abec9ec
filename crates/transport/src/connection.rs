//! The accepted connection as the server makes it, so that an upgrade finds the same type again.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A TCP connection that is counted for as long as it lives.
///
/// So a drain sees upgraded connections too, which their HTTP machinery has long forgotten.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    _counted: TaskTrackerToken,
}

impl Connection {
    /// Counts `tcp` with `counted` for as long as it lives.
    pub fn new(tcp: TcpStream, counted: TaskTrackerToken) -> Self {
        Self { tcp, _counted: counted }
    }

    /// The connection below.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
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

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
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
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}
