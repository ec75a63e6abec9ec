//! Readings of the machine, from texts and bytes as the kernel writes them, and from this machine once.

use mio::net::TcpStream;

use super::tcp_pair;
use crate::{
    environment::{options, scheduling_in},
    qdisc::{self, Answer},
};

/// A message of a dump: header, then what it holds, filled up to a multiple of four.
fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The queueing discipline of an interface, with an attribute of another kind before its name.
fn discipline(interface: u32, name: &str) -> Vec<u8> {
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let mut payload = vec![0; 4];
    payload.extend(interface.to_ne_bytes());
    payload.resize(20, 0);
    payload.extend(attribute(7, &[1]));
    payload.extend(attribute(1, format!("{name}\0").as_bytes()));
    message(libc::RTM_NEWQDISC, &payload)
}

#[test]
fn the_disciplines_of_one_interface_are_read_from_a_dump_of_all() {
    let mut bytes = discipline(2, "fq_codel");
    bytes.extend(discipline(1, "netem"));
    bytes.extend(discipline(1, "tbf"));
    let kinds = vec!["netem".to_owned(), "tbf".to_owned()];
    assert_eq!(qdisc::read(&bytes, 1), Some(Answer { kinds: kinds.clone(), last: false }));
    bytes.extend(message(3, &[0; 4]));
    assert_eq!(qdisc::read(&bytes, 1), Some(Answer { kinds, last: true }));
}

#[test]
fn an_answer_that_is_an_error_or_cut_short_tells_nothing() {
    assert_eq!(qdisc::read(&message(2, &[0xff; 4]), 1), None);
    let whole = discipline(1, "noqueue");
    for length in 1..whole.len() {
        assert_eq!(qdisc::read(&whole[..length], 1), None, "{length} bytes");
    }
    // A length of less than its own header must end the reading, not repeat it.
    assert_eq!(qdisc::read(&[0; 16], 1), None);
}

#[test]
fn this_machine_tells_what_queues_on_loopback() {
    let kinds = qdisc::kinds("lo").unwrap();
    assert!(kinds.iter().all(|kind| !kind.is_empty() && kind.is_ascii()), "{kinds:?}");
    assert_eq!(qdisc::kinds("no such interface"), None);
}

#[test]
fn the_policy_and_its_priority_are_read_behind_a_name_with_spaces() {
    let stat = |priority: u32, policy: u32| {
        let between = "0 ".repeat(36);
        format!("17 (a (b) c) S {between}{priority} {policy} 0 0 0\n")
    };
    for (priority, policy, words) in
        [(10, 2, Some("SCHED_RR 10")), (1, 1, Some("SCHED_FIFO 1")), (0, 0, Some("SCHED_OTHER")), (0, 99, None)]
    {
        assert_eq!(scheduling_in(&stat(priority, policy)).as_deref(), words);
    }
    assert_eq!(scheduling_in("17 (short) S 1 2\n"), None);
    assert!(scheduling_in(&std::fs::read_to_string("/proc/thread-self/stat").unwrap()).is_some());
}

#[test]
fn options_are_what_the_kernel_holds_and_not_what_was_asked_for() {
    let (ours, _theirs) = tcp_pair();
    ours.set_nodelay(true).unwrap();
    socket2::SockRef::from(&ours).set_send_buffer_size(50_000).unwrap();
    let options = options(&TcpStream::from_std(ours));
    assert_eq!(options.no_delay, Some(true));
    // The kernel doubles it for what it holds beside the bytes (socket(7)).
    assert_eq!(options.send_buffer_bytes, Some(100_000));
    assert!(options.congestion.is_some_and(|name| !name.is_empty() && !name.contains('\0')));
}
