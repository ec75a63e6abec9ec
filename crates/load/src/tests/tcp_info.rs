//! The kernel's counts of a connection, and none where there is no TCP.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
};

use super::tcp_pair;
use crate::tcp_info::read;

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
fn a_socket_that_is_not_tcp_has_no_counts() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert_eq!(read(&ours), None);
}
