//! The kernel's counts of a connection, and none where there is no TCP.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
};

use crate::tcp_info::{SEGMENT_BYTES, SYN_BYTES, read};

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}

#[test]
fn bytes_are_counted_on_both_ends_and_the_end_as_one() {
    let (mut ours, mut theirs) = tcp_pair();
    ours.write_all(&[7; 1000]).unwrap();
    theirs.read_exact(&mut [0; 1000]).unwrap();
    assert_eq!(read(&ours).unwrap().bytes_sent, 1000);
    assert_eq!(read(&theirs).unwrap().bytes_received, 1000);

    ours.shutdown(Shutdown::Write).unwrap();
    assert_eq!(theirs.read(&mut [0; 1]).unwrap(), 0);
    let (sender, receiver) = (read(&ours).unwrap(), read(&theirs).unwrap());
    assert_eq!((sender.bytes_sent - sender.bytes_retransmitted, sender.bytes_received), (1000, 0));
    assert_eq!((receiver.bytes_received, receiver.bytes_sent), (1001, 0));
    assert!(sender.segments_out >= 3 && receiver.segments_in >= 3, "{sender:?} {receiver:?}");
}

#[test]
fn header_bytes_are_the_same_from_both_ends() {
    let (mut ours, mut theirs) = tcp_pair();
    for _ in 0..3 {
        ours.write_all(b"question").unwrap();
        theirs.read_exact(&mut [0; 8]).unwrap();
        theirs.write_all(b"answer").unwrap();
        ours.read_exact(&mut [0; 6]).unwrap();
    }
    // On loopback a segment that was sent has come in.
    let (connecting, accepted) = (read(&ours).unwrap(), read(&theirs).unwrap());
    let bytes = |segments: u32| u64::from(segments) * SEGMENT_BYTES + SYN_BYTES;
    let both = (bytes(connecting.segments_in), bytes(connecting.segments_out));
    assert_eq!(accepted.header_bytes_accepted(), both, "{connecting:?} {accepted:?}");
}

#[test]
fn a_socket_that_is_not_tcp_has_no_counts() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert_eq!(read(&ours), None);
}
