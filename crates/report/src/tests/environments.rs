//! The environment in words: all that the record holds, and that something is not known.

use record::Environment;

use super::fixture::{dataset, record};
use crate::{environment::environment, render};

fn said(name: &str, record: &record::Record) -> String {
    let said = environment(&dataset(record));
    said.into_iter().find(|(known, _)| *known == name).expect("an entry").1
}

#[test]
fn what_was_read_is_said() {
    let record = record();
    for (name, words) in [
        ("timer interrupts", "250 a second (HZ)"),
        ("clock source", "tsc"),
        ("frequency governor", "not known"),
        ("stolen by the hypervisor", "0 % of a core in the worst cell"),
        ("used by others", "1.00 % of a core in the worst cell"),
        ("round trip of the path", "41.0 µs, the shortest handshake"),
        ("queueing on loopback", "noqueue"),
        ("sockets of the generator", "TCP_NODELAY on"),
        ("scheduling", "server SCHED_RR 10, generator SCHED_RR 10"),
        ("compiler", "rustc 1.95.0"),
    ] {
        assert_eq!(said(name, &record), words, "{name}");
    }
    assert!(render(&dataset(&record)).expect("rendered").contains("<dt>net.core.somaxconn</dt><dd>4096</dd>"));
}

#[test]
fn an_older_record_says_what_it_holds_and_no_more() {
    let mut older = record();
    older.header.host.environment = Environment::default();
    for (cell, _) in &mut older.cells {
        cell.machine = None;
    }
    for name in ["timer interrupts", "stolen by the hypervisor", "round trip of the path", "sockets of the generator"] {
        assert_eq!(said(name, &older), "not known", "{name}");
    }
    assert_eq!(said("scheduling", &older), "server and generator SCHED_RR");
    assert!(!render(&dataset(&older)).expect("rendered").contains("Settings of the kernel"));
}
