//! Publications go out from the loop: in order, not before they are due, and never waited for.

use std::{io::Read as _, time::Duration};

use measure::Mono;

use super::Rig;
use crate::{
    reactor::{Task, What},
    tests::{pattern, peer},
};

#[test]
fn everything_is_written_in_order_and_not_before_it_is_due() {
    let (address, served) = peer(|mut stream| {
        let mut bytes = vec![0; 1 + 160];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    });
    let mut rig = Rig::connected(address, b"!");
    let start = Mono::now() + Duration::from_millis(2);
    let due = |n: usize| start + Duration::from_micros(500) * u32::try_from(n / 2).unwrap();
    let send = |n| Task { at: due(n), client: 0, what: What::Write { n, bytes: format!("{n:04}").into_bytes() } };
    rig.reactor.schedule((0..40).map(send).collect());
    rig.until(|rig| rig.log.sent.len() == 40);
    for (expected, (n, at)) in rig.log.sent.iter().enumerate() {
        assert_eq!(*n, expected);
        assert!(*at >= due(*n), "{n} was written before it was due");
    }
    let expected: Vec<u8> = (0..40).flat_map(|n| format!("{n:04}").into_bytes()).collect();
    assert_eq!(served.join().unwrap()[1..], expected);
}

#[test]
fn a_full_send_buffer_holds_up_nothing_and_loses_nothing() {
    const LENGTH: usize = 16 * 1024 * 1024;
    let (address, served) = peer(|mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let mut rig = Rig::connected(address, b"");
    let now = Mono::now();
    let large = Task { at: now, client: 0, what: What::Write { n: 0, bytes: pattern(LENGTH) } };
    let small = Task { at: now, client: 0, what: What::Write { n: 1, bytes: b"last".to_vec() } };
    rig.reactor.schedule(vec![large, small]);
    rig.turn();
    assert_eq!(rig.log.sent.len(), 2, "the second is not kept back by the first");
    rig.stop(0);
    rig.ended();
    let received = served.join().unwrap();
    assert!(received[..LENGTH] == pattern(LENGTH) && received[LENGTH..] == *b"last", "bytes are missing or misplaced");
}

#[test]
fn publications_of_a_connection_that_is_gone_are_not_sent() {
    let (address, served) = peer(drop);
    let mut rig = Rig::connected(address, b"");
    served.join().unwrap();
    rig.ended();
    rig.reactor.schedule(vec![Task { at: Mono::now(), client: 0, what: What::Write { n: 0, bytes: b"x".to_vec() } }]);
    rig.turn();
    rig.turn();
    assert_eq!(rig.log.sent, []);
}

#[test]
fn a_client_is_started_and_publishes_at_its_instants() {
    let (address, served) = peer(|mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let mut rig = Rig::new(address);
    let client = rig.add_unstarted(b"!");
    let start = Mono::now() + Duration::from_millis(2);
    let data = serde_json::value::RawValue::from_string("17".to_owned()).unwrap();
    let publish = Task { at: start + Duration::from_millis(1), client, what: What::Publish { n: 3, data } };
    rig.reactor.schedule(vec![Task { at: start, client, what: What::Start }, publish]);
    rig.until(|rig| rig.log.sent.len() == 1);
    let [(started, at)] = rig.log.started[..] else { panic!("{:?}", rig.log.started) };
    assert!(started == client && at >= start);
    assert_eq!(rig.log.sent[0].0, 3);
    rig.stop(client);
    rig.ended();
    assert_eq!(served.join().unwrap(), b"!17");
}
