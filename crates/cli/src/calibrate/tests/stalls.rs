//! The stop of a server as rulers with and without mistakes see it.

use measure::{Mono, Recorder, Schedule, Window};

use crate::calibrate::stall::{STALL, WINDOW, judge_closed, judge_pushed};

const RATE_HZ: f64 = 200.0;

/// Which publications a ruler takes.
#[derive(Clone, Copy)]
enum Rule {
    Due,
    Arrived,
}

/// When something that happens at `at` has its effect, in a server that stands still for a while.
fn served(start: Mono, at: Mono) -> Mono {
    let (stop, go) = (start + STALL.after, start + STALL.after + STALL.length);
    if stop <= at && at < go { go } else { at }
}

/// A feed that begins with the window and goes on beyond it, measured in `window` by `rule`.
fn measured(window: Window, start: Mono, rule: Rule) -> Recorder {
    let mut times = Recorder::new();
    for due in (Schedule::Constant { rate_hz: RATE_HZ }).dues(0, WINDOW * 2).into_iter().map(|due| start + due) {
        let arrived = served(start, due);
        let at = match rule {
            Rule::Due => due,
            Rule::Arrived => arrived,
        };
        if window.contains(at) {
            times.record_ns(arrived.signed_nanos_since(due));
        }
    }
    times
}

fn passes(times: &Recorder) -> bool {
    judge_pushed("lane", times, times).iter().all(|row| row.passed)
}

fn start() -> Mono {
    Mono::from_nanos(60_000_000_000)
}

#[test]
fn a_ruler_without_mistakes_sees_the_stop() {
    let window = Window { start: start(), length: WINDOW };
    let times = measured(window, start(), Rule::Due);
    assert!(passes(&times), "{:?}", judge_pushed("lane", &times, &times));
}

#[test]
fn a_window_that_is_shifted_or_cut_short_fails() {
    let shifted = Window { start: start() - WINDOW / 20, length: WINDOW };
    let short = Window { start: start(), length: WINDOW.mul_f64(0.95) };
    for window in [shifted, short] {
        assert!(!passes(&measured(window, start(), Rule::Due)), "{window:?}");
    }
}

#[test]
fn a_window_over_what_arrived_in_it_fails() {
    let window = Window { start: start(), length: WINDOW };
    assert!(!passes(&measured(window, start(), Rule::Arrived)));
}

#[test]
fn a_service_time_that_forgives_the_stop_fails_beside_a_right_response_time() {
    let window = Window { start: start(), length: WINDOW };
    let response = measured(window, start(), Rule::Due);
    let mut service = Recorder::new();
    (0..response.len()).for_each(|_| service.record_ns(1_000_000));
    let rows = judge_pushed("lane", &response, &service);
    assert_eq!(rows.iter().filter(|row| row.passed).count(), 2);
}

#[test]
fn what_was_never_delivered_is_no_number_and_fails() {
    let window = Window { start: start(), length: WINDOW };
    let mut times = measured(window, start(), Rule::Due);
    times.record_undelivered(times.len());
    assert!(!passes(&times));
}

#[test]
fn a_closed_loop_misses_the_stop_and_an_open_one_in_its_place_fails() {
    let (start, service) = (start(), std::time::Duration::from_millis(1));
    let (mut closed, mut sent) = (Recorder::new(), start);
    while sent < start + WINDOW {
        let done = served(start, sent) + service;
        closed.record_ns(done.signed_nanos_since(sent));
        sent = done;
    }
    assert!(judge_closed(&closed).iter().all(|row| row.passed), "{:?}", judge_closed(&closed));
    assert!(!passes(&closed));
    let open = measured(Window { start, length: WINDOW }, start, Rule::Due);
    assert!(!judge_closed(&open).iter().all(|row| row.passed));
}
