//! The driver that asks again at once: how often it asks, and how long it waits.

use std::time::Duration;

use super::{
    START, Script,
    polling::{asks, ready, requests},
    servers::{answer, batch, chunked, gap, nothing_new, sized},
    target,
};
use crate::{DriverError, Event};

const LANE: &str = "long-polling";
const HOLD: Duration = Duration::from_secs(25);
const BEYOND: Duration = Duration::from_secs(30);

#[test]
fn a_request_follows_every_answer_at_once_and_says_so() {
    let mut script = Script::start(LANE, target());
    assert_eq!((requests(&script, 0), script.rearmed), (vec![asks(LANE, None)], 0));
    let answers = [
        answer(200, "", &batch("e.41", &[])),
        answer(200, "", &batch("e.43", &[sized(42, 9), sized(43, 9)])),
        nothing_new(204, "e.43"),
        nothing_new(304, "e.43"),
        chunked(200, &batch("e.50", &[gap(44, 50)])),
        answer(200, "", &batch("e.51", &[sized(51, 300)])),
    ];
    for (answered, bytes) in (1..).zip(&answers) {
        script.pass(Duration::from_millis(3));
        for piece in bytes.chunks(7) {
            assert_eq!(
                (requests(&script, 0).len(), script.rearmed),
                (answered, answered - 1),
                "half an answer is none"
            );
            script.feed(0, piece);
        }
        assert_eq!((requests(&script, 0).len(), script.rearmed), (answered + 1, answered));
        assert_eq!(script.timer, Some(script.now + HOLD + BEYOND));
    }
    let after = ["e.41", "e.43", "e.43", "e.43", "e.50", "e.51"].map(|after| asks(LANE, Some(after)));
    assert_eq!(requests(&script, 0)[1..], after);
    assert_eq!(script.opened, [0]);
    script.end_all();
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_phase_is_for_those_who_ask_by_the_clock() {
    let phase = Some(START + Duration::from_millis(300));
    let script = ready(LANE, crate::Target { phase, ..target() });
    assert_eq!((requests(&script, 0).len(), script.rearmed), (2, 1));
    assert_eq!(script.timer, Some(START + HOLD + BEYOND));
}

#[test]
fn an_answer_is_overdue_30_seconds_after_the_hold_and_not_before() {
    for is_first in [true, false] {
        let mut script = if is_first { Script::start(LANE, target()) } else { ready(LANE, target()) };
        let asked = requests(&script, 0).len();
        script.timer = None;
        for part in [HOLD, BEYOND.saturating_sub(Duration::from_nanos(1))] {
            // A wake-up that comes too early changes nothing.
            script.pass(part);
            script.ask(|driver, now, out| driver.on_timer(now, out));
            assert_eq!((script.take_events(), script.timer), (Vec::new(), Some(START + HOLD + BEYOND)));
        }
        script.fire();
        assert_eq!(
            (script.now, script.take_events()),
            (START + HOLD + BEYOND, vec![Event::Failed(DriverError::Silent)])
        );
        assert!(script.shut.contains(&0));
        assert_eq!((requests(&script, 0).len(), script.timer), (asked, None));
        script.end(0);
        assert_eq!((script.take_events(), &script.opened[..]), (Vec::new(), &[0][..]));
        script.assert_every_byte_is_charged_once();
    }
}

#[test]
fn half_an_answer_does_not_put_off_when_it_is_overdue() {
    let mut script = ready(LANE, target());
    script.pass(HOLD + BEYOND / 2);
    script.feed(0, &nothing_new(204, "e.41")[..12]);
    assert_eq!(script.timer, Some(START + HOLD + BEYOND));
    script.fire();
    assert_eq!(script.take_events(), [Event::Failed(DriverError::Silent)]);
    script.end(0);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_request_that_is_made_again_has_the_whole_hold_and_is_no_rearming() {
    let mut script = ready(LANE, target());
    script.pass(Duration::from_secs(10));
    script.end(0);
    assert_eq!((requests(&script, 1), script.rearmed), (vec![asks(LANE, Some("e.41"))], 1));
    assert_eq!(script.timer, Some(START + Duration::from_secs(10) + HOLD + BEYOND));
    script.feed(1, &nothing_new(204, "e.41"));
    assert_eq!((requests(&script, 1).len(), script.rearmed), (2, 2));
    script.fire();
    assert_eq!(script.take_events().last(), Some(&Event::Failed(DriverError::Silent)));
    script.end(1);
    script.assert_every_byte_is_charged_once();
}

#[test]
fn a_client_that_has_stopped_does_not_ask_again_when_the_answer_comes() {
    let mut script = ready(LANE, target());
    script.stop();
    script.feed(0, &nothing_new(204, "e.41"));
    assert_eq!((requests(&script, 0).len(), script.rearmed), (2, 1));
    assert_eq!(script.take_events(), [Event::Exchange { carried: 0 }]);
    script.end(0);
    script.assert_every_byte_is_charged_once();
}
