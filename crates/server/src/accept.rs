//! Sockets: the listener, what is set on each connection, and the connection's life until HTTP hands it on.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hub::Limits;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use transport::connection::{Connection, Tap};

use crate::{
    gate::{Gate, Gated},
    watch::Tapped,
};

/// The largest request head. 16 KiB: a browser's with the cookies it may have for a site, and twice what common servers take.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long accepting pauses when no file is left: long enough for some to close, short enough for a backlog to hold.
const OUT_OF_FILES: Duration = Duration::from_millis(50);

/// A listener with a backlog that takes a crowd at once.
pub(crate) fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart need not wait for the connections of the process before it.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// Accepts for ever. Every connection is a task, counted in `connections` until its socket is closed, upgraded or not.
pub(crate) async fn serve(
    listener: TcpListener,
    gate: &Arc<Gate>,
    app: Router,
    limits: &Limits,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let tap = prepare(&tcp, limits)
                    .and_then(|()| gate.registry.as_ref().map(|registry| registry.watch(&tcp)).transpose());
                let tap = match tap {
                    Ok(tap) => tap,
                    Err(error) => {
                        tracing::debug!(%error, "a connection ended before it began");
                        continue;
                    }
                };
                let line = tap.as_ref().map(|tap| Arc::clone(&tap.line));
                let app = Gated { gate: Arc::clone(gate), app: app.clone(), peer, line };
                let (limits, stop) = (limits.clone(), stop.clone());
                let counted = connections.token();
                tokio::spawn(async move {
                    // Most clients end a kept connection without a word; that is no error of ours.
                    if let Err(error) = http(tcp, tap, counted, app, &limits, &stop).await {
                        tracing::debug!(%error, "a connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept; the file limit bounds the connections of this process");
                sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// Sets what matters on a connection.
fn prepare(tcp: &TcpStream, limits: &Limits) -> io::Result<()> {
    // A delivery goes out at once, not when the one before it is acknowledged.
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(tcp);
    // A reader that stops is seen after 16 KiB and not after megabytes.
    socket.set_tcp_notsent_lowat(limits.send_backlog_bytes)?;
    // A peer that is gone without a word, or does not read, holds its place no longer than this.
    socket.set_tcp_user_timeout(Some(limits.user_timeout))
}

/// HTTP on one connection, until it ends, upgrades, or `stop` ends it between two requests.
async fn http(
    tcp: TcpStream,
    tap: Option<Tapped>,
    counted: tokio_util::task::task_tracker::TaskTrackerToken,
    app: Gated,
    limits: &Limits,
    stop: &CancellationToken,
) -> Result<(), hyper::Error> {
    // HTTP's buffers are only made for a connection that says something.
    tokio::select! {
        readable = timeout(limits.first_byte, tcp.readable()) => if !matches!(readable, Ok(Ok(()))) { return Ok(()) },
        () = stop.cancelled() => return Ok(()),
    }
    let tap = tap.map(|tap| Box::new(tap) as Box<dyn Tap>);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also runs between the requests of a kept connection, so it is longer than any poll interval.
        .header_read_timeout(limits.head)
        // A client that is gone ends the handler that waits for it; one that only stops sending is not served on.
        .half_close(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Connection::new(tcp, limits.slow_writer, counted, tap)), app)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
