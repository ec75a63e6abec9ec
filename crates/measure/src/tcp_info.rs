//! The kernel's own count of what a connection carried: `TCP_INFO` (linux/tcp.h).

use std::os::fd::AsFd;

use nix::{getsockopt_impl, sockopt_impl, sys::socket::getsockopt};

/// IP and TCP headers of a segment with the timestamp option.
pub const SEGMENT_BYTES: u64 = 52;

/// What the first segment of either direction of a connection has beyond that: its options.
pub const SYN_BYTES: u64 = 60 - SEGMENT_BYTES;

sockopt_impl!(
    /// The option as the kernel fills it.
    Counts,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    libc::tcp_info
);

/// Counts over a connection's life so far, seen from this end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Bytes sent, retransmissions included: equal to the stream's only where nothing was lost, as on loopback.
    pub bytes_sent: u64,
    /// Bytes of it that were sent again.
    pub bytes_retransmitted: u64,
    /// Bytes received in order; the end of the stream counts as one.
    pub bytes_received: u64,
    /// Segments sent, with and without data.
    pub segments_out: u32,
    /// Segments received.
    pub segments_in: u32,
}

impl TcpInfo {
    /// Header bytes of TCP and IP, read at the end that accepted the connection: sent by it, then received.
    pub fn header_bytes_accepted(&self) -> (u64, u64) {
        // Linux counts the SYN that came in, but not the one that it answered before there was a socket.
        let bytes = |segments: u64| segments * SEGMENT_BYTES + SYN_BYTES;
        (bytes(u64::from(self.segments_out) + 1), bytes(u64::from(self.segments_in)))
    }
}

/// Reads the counts; none when the socket is gone.
pub fn read(socket: &impl AsFd) -> Option<TcpInfo> {
    let info = getsockopt(socket, Counts).ok()?;
    Some(TcpInfo {
        bytes_sent: info.tcpi_bytes_sent,
        bytes_retransmitted: info.tcpi_bytes_retrans,
        bytes_received: info.tcpi_bytes_received,
        segments_out: info.tcpi_segs_out,
        segments_in: info.tcpi_segs_in,
    })
}
