//! Timers: in order, not early, and only the newest wish of a driver.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use measure::Mono;

use super::Rig;
use crate::reactor::ClientId;

/// A reactor with this many toys that do not connect.
fn resting(toys: usize) -> Rig {
    let mut rig = Rig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    for _ in 0..toys {
        rig.add(None);
    }
    rig.log.told.clear();
    rig
}

/// Sets a timer and gives the instant.
fn set(rig: &mut Rig, client: ClientId, milliseconds: u64) -> Mono {
    let due = Mono::now() + Duration::from_millis(milliseconds);
    rig.ask(client, |_, out| out.timer = Some(due));
    rig.log.told.clear();
    due
}

#[test]
fn timers_fire_in_the_order_in_which_they_are_due_and_not_before() {
    let mut rig = resting(3);
    let dues = [(0, 30), (1, 5), (2, 15)].map(|(client, milliseconds)| set(&mut rig, client, milliseconds));
    rig.until(|rig| (0..3).all(|client| !rig.seen(client).fired.is_empty()));
    assert_eq!(rig.log.told.iter().map(|(client, _)| *client).collect::<Vec<_>>(), [1, 2, 0]);
    for (client, due) in dues.into_iter().enumerate() {
        let fired = &rig.seen(client).fired;
        assert!(fired.len() == 1 && fired[0] >= due, "{fired:?} for {due:?}");
    }
}

#[test]
fn a_timer_that_was_put_off_does_not_fire_at_its_first_instant() {
    let mut rig = resting(1);
    set(&mut rig, 0, 2);
    let due = set(&mut rig, 0, 20);
    rig.until(|rig| !rig.seen(0).fired.is_empty());
    assert!(rig.seen(0).fired[0] >= due);
    rig.turn();
    assert_eq!(rig.seen(0).fired.len(), 1);
}

#[test]
fn a_timer_that_was_brought_forward_fires_once() {
    let mut rig = resting(1);
    set(&mut rig, 0, 40);
    let due = set(&mut rig, 0, 1);
    rig.until(|rig| !rig.seen(0).fired.is_empty());
    assert!(rig.seen(0).fired[0] >= due);
    let after_both = due + Duration::from_millis(60);
    rig.until(|_| Mono::now() >= after_both);
    assert_eq!(rig.seen(0).fired.len(), 1);
}

#[test]
fn the_same_instant_asked_for_twice_fires_once() {
    let mut rig = resting(1);
    let due = Mono::now() + Duration::from_millis(2);
    rig.ask(0, |_, out| out.timer = Some(due));
    rig.ask(0, |_, out| out.timer = Some(due));
    rig.until(|rig| !rig.seen(0).fired.is_empty());
    rig.turn();
    assert_eq!(rig.seen(0).fired.len(), 1);
}

#[test]
fn a_timer_in_the_past_fires_at_once() {
    let mut rig = resting(1);
    rig.ask(0, |_, out| out.timer = Some(Mono::from_nanos(0)));
    rig.turn();
    assert_eq!(rig.seen(0).fired.len(), 1);
}

#[test]
fn a_turn_without_events_ends_at_its_instant() {
    let mut rig = resting(1);
    for _ in 0..3 {
        let until = Mono::now() + Duration::from_millis(3);
        // A wait may be interrupted; the caller turns again.
        while Mono::now() < until {
            rig.reactor.turn(until, &mut rig.log).unwrap();
        }
    }
    assert!(rig.log.told.is_empty());
}
