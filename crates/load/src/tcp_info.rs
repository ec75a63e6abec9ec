//! The kernel's own count of what a connection carried: `TCP_INFO` (linux/tcp.h).

use std::os::fd::AsFd;

use nix::{getsockopt_impl, sockopt_impl, sys::socket::getsockopt};

sockopt_impl!(Raw, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, libc::tcp_info);

/// Counts over a connection's life so far, seen from this end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpInfo {
    /// Bytes sent, retransmissions included: equal to the stream's only where nothing was lost, as on loopback.
    pub(crate) bytes_sent: u64,
    /// Bytes of it that were sent again.
    pub(crate) bytes_retransmitted: u64,
    /// Bytes received in order; the end of the stream counts as one.
    pub(crate) bytes_received: u64,
    /// Segments sent, with and without data.
    pub(crate) segments_out: u32,
    /// Segments received.
    pub(crate) segments_in: u32,
}

/// Reads the counts; none when the socket is gone.
pub(crate) fn read(socket: &impl AsFd) -> Option<TcpInfo> {
    let info = getsockopt(socket, Raw).ok()?;
    Some(TcpInfo {
        bytes_sent: info.tcpi_bytes_sent,
        bytes_retransmitted: info.tcpi_bytes_retrans,
        bytes_received: info.tcpi_bytes_received,
        segments_out: info.tcpi_segs_out,
        segments_in: info.tcpi_segs_in,
    })
}
