//! The driver that asks by the clock: when it asks, and what it does with a connection that ends between two polls.

use std::time::Duration;

use measure::Mono;

use super::{
    START, Script,
    polling::{asks, ready, requests},
    servers::{answer, batch, nothing_new, sized},
    target,
};
use crate::{DriverError, Event, Target};

const LANE: &str = "short-polling";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_request_goes_out_at_once_and_the_others_on_the_grid_of_the_phase() {
    let phase = START + Duration::from_millis(300);
    let mut script = Script::start(LANE, Target { phase: Some(phase), ..target() });
    assert_eq!(requests(&script, 0), [asks(LANE, None)]);
    script.pass(Duration::from_millis(20));
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    for k in 0..5 {
        assert_eq!(script.timer, Some(phase + SECOND * k), "instant {k}");
        script.fire();
        assert_eq!(requests(&script, 0).len(), 2 + k as usize);
        // However late the answer is, the grid stays.
        script.pass(Duration::from_millis(7 * u64::from(k)));
        script.feed(0, &nothing_new(204, "e.41"));
    }
}

#[test]
fn a_phase_that_has_passed_is_the_grid_all_the_same() {
    let phase = Mono::from_nanos(START.as_nanos() - 2_250_000_000);
    let script = ready(LANE, Target { phase: Some(phase), ..target() });
    assert_eq!(script.timer, Some(START + Duration::from_millis(750)));
}

#[test]
fn without_a_phase_the_grid_begins_with_the_first_answer() {
    let mut script = Script::start("short-polling+interval=250ms", target());
    script.pass(Duration::from_millis(40));
    script.feed(0, &answer(200, "", &batch("e.41", &[])));
    assert_eq!(script.timer, Some(START + Duration::from_millis(290)));
}

#[test]
fn a_wake_up_that_comes_late_does_not_move_the_grid() {
    let mut script = ready(LANE, target());
    script.pass(Duration::from_millis(2600));
    script.timer = None;
    script.ask(|driver, now, out| driver.on_timer(now, out));
    assert_eq!(requests(&script, 0).len(), 2, "what was missed is not caught up");
    assert_eq!(script.timer, Some(START + SECOND * 3));
}

#[test]
fn an_instant_is_skipped_while_an_answer_is_due() {
    let mut script = ready(LANE, target());
    script.fire();
    assert_eq!(requests(&script, 0).len(), 2);
    for k in 2..6 {
        assert_eq!(script.timer, Some(START + SECOND * k));
        script.fire();
        assert_eq!(requests(&script, 0).len(), 2, "never two in flight");
    }
    let late = nothing_new(204, "e.41");
    script.feed(0, &late[..10]);
    script.fire();
    assert_eq!(requests(&script, 0).len(), 2, "half an answer is none");
    script.feed(0, &late[10..]);
    assert_eq!(requests(&script, 0).len(), 2, "an answer is not an instant");
    assert_eq!(script.timer, Some(START + SECOND * 7));
    script.fire();
    assert_eq!(requests(&script, 0).len(), 3);
    assert_eq!(script.opened, [0]);
}

#[test]
fn a_connection_that_the_server_ended_between_polls_is_replaced_by_the_next_poll() {
    let mut script = ready(LANE, target());
    script.end(0);
    assert_eq!(script.opened, [0], "not before there is something to ask");
    assert_eq!(script.timer, Some(START + SECOND));
    script.fire();
    assert_eq!(script.opened, [0, 1]);
    assert_eq!(requests(&script, 1), [asks(LANE, Some("e.41"))]);
    script.feed(1, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
    assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.end(1);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_answer_that_does_not_come_is_a_failure_after_30_seconds_whatever_the_interval() {
    for lane in [LANE, "short-polling+interval=7s", "short-polling+interval=60s"] {
        let mut script = ready(lane, target());
        script.fire();
        let asked = script.now;
        // As many instants as the shortest interval here has in that time, and some more.
        for _instant in 0..40 {
            if script.events.is_empty() {
                script.fire();
            }
        }
        assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
        assert_eq!(script.now, asked + SECOND * 30, "{lane}");
        assert!(script.shut.contains(&0));
        assert_eq!(script.timer, None);
        script.end(0);
        assert_eq!(script.take_events(), []);
        script.assert_every_byte_is_charged_once();
    }
    let mut script = Script::start(LANE, target());
    script.fire();
    assert_eq!((script.now, script.take_events()), (START + SECOND * 30, vec![Event::Failed(DriverError::Silent)]));
}

#[test]
fn a_request_that_is_made_again_keeps_the_grid() {
    let mut script = ready(LANE, target());
    script.fire();
    script.pass(Duration::from_millis(400));
    script.end(0);
    assert_eq!(requests(&script, 1), [asks(LANE, Some("e.41"))]);
    assert_eq!(script.timer, Some(START + SECOND * 2));
    script.fire();
    assert_eq!(requests(&script, 1).len(), 1, "never two in flight");
    script.feed(1, &nothing_new(204, "e.41"));
    assert_eq!(script.timer, Some(START + SECOND * 3));
    script.fire();
    assert_eq!(requests(&script, 1).len(), 2);
    assert_eq!(script.rearmed, 0, "asking by the clock leaves no gap to be told");
}

#[test]
fn a_connection_that_replaced_an_idle_one_and_brought_nothing_is_not_asked_twice() {
    let mut script = ready(LANE, target());
    script.end(0);
    script.fire();
    script.end(1);
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Lost)]);
    assert_eq!(script.opened, [0, 1]);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn an_answer_that_nobody_asked_for_ends_the_subscription() {
    let mut script = ready(LANE, target());
    script.fire();
    script.feed(0, &[nothing_new(204, "e.41"), nothing_new(204, "e.41")].concat());
    assert!(matches!(
        &script.take_events()[..],
        [Event::Exchange { carried: 0 }, Event::Failed(DriverError::Protocol(_))]
    ));
    assert!(script.shut.contains(&0));
    script.end(0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn half_an_answer_that_nobody_asked_for_ends_with_its_connection() {
    let mut script = ready(LANE, target());
    script.feed(0, b"HTTP/1.1 20");
    script.end(0);
    script.fire();
    script.feed(1, &answer(200, "", &batch("e.42", &[sized(42, 9)])));
    assert!(matches!(&script.take_events()[..], [Event::Exchange { carried: 1 }, Event::Delivery(_)]));
    script.end(1);
    script.assert_every_byte_is_charged_once();
}
