//! Why response time counts from the due instant: a server that stops for 1.4 s in a window of 10 s, once seen by an open
//! loop and once by a closed one. Pure arithmetic on hand-made instants.

use std::time::Duration;

use crate::{Mono, Recorder, Schedule};

const WINDOW: Duration = Duration::from_secs(10);
const SERVICE: Duration = Duration::from_millis(1);

/// The server stops from 4.0 s to 5.4 s.
fn stalled() -> (Mono, Mono) {
    (Mono::from_nanos(4_000_000_000), Mono::from_nanos(5_400_000_000))
}

/// When a request that arrives at `sent` is answered.
fn answered(sent: Mono) -> Mono {
    let (stop, go) = stalled();
    if stop <= sent + SERVICE && sent < go { go + SERVICE } else { sent + SERVICE }
}

fn is_near(shown_ns: Option<u64>, seconds: f64) -> bool {
    shown_ns.is_some_and(|ns| (Duration::from_nanos(ns).as_secs_f64() / seconds - 1.0).abs() < 0.05)
}

#[test]
fn open_loop_sees_the_stall_in_its_quantiles() {
    // The Poisson rate is that high for the test's sake: at 300/s chance alone moves this p90 by 15 %.
    for schedule in [Schedule::Constant { rate_hz: 300.0 }, Schedule::Poisson { rate_hz: 40_000.0 }] {
        let mut response = Recorder::new();
        for due in schedule.dues(2, WINDOW).into_iter().map(|due| Mono::from_nanos(0) + due) {
            response.record_ns(answered(due).signed_nanos_since(due));
        }
        assert!(is_near(response.quantile_ns(0.99), 1.3), "{schedule:?}");
        assert!(is_near(response.quantile_ns(0.9), 0.4), "{schedule:?}");
        assert!(is_near(response.quantile_ns(0.5), 0.001), "{schedule:?}");
    }
}

#[test]
fn closed_loop_hides_the_stall_in_one_sample() {
    let mut service = Recorder::new();
    let mut sent = Mono::from_nanos(0);
    while sent < Mono::from_nanos(0) + WINDOW {
        let done = answered(sent);
        service.record_ns(done.signed_nanos_since(sent));
        sent = done;
    }
    assert!(is_near(service.quantile_ns(0.99), 0.001));
    assert!(is_near(service.quantile_ns(0.999), 0.001));
    assert!(is_near(service.max_ns(), 1.4));
}
