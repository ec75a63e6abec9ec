//! Instants by hand, the half-open window, and the few things that can be said of the real clock without a tolerance.

use std::time::Duration;

use crate::clock::sleep_until;
use crate::{Mono, Window};

fn at(nanos: u64) -> Mono {
    Mono::from_nanos(nanos)
}

#[test]
fn differences_keep_their_sign_or_stop_at_zero_as_named() {
    assert_eq!(at(700).signed_nanos_since(at(200)), 500);
    assert_eq!(at(200).signed_nanos_since(at(700)), -500);
    assert_eq!(at(u64::MAX).signed_nanos_since(at(0)), i64::MAX);
    assert_eq!(at(0).signed_nanos_since(at(u64::MAX)), i64::MIN);
    assert_eq!(at(700).saturating_since(at(200)), Duration::from_nanos(500));
    assert_eq!(at(200).saturating_since(at(700)), Duration::ZERO);
}

#[test]
fn sums_stop_at_both_ends_of_time() {
    assert_eq!(at(5) + Duration::from_secs(1), at(1_000_000_005));
    assert_eq!(at(5) + Duration::MAX, at(u64::MAX));
    assert_eq!((at(7) - Duration::from_nanos(5), at(7) - Duration::MAX), (at(2), at(0)));
}

#[test]
fn windows_end_to_end_share_no_instant_and_miss_none() {
    let first = Window { start: at(100), length: Duration::from_nanos(50) };
    let second = Window { start: first.end(), length: Duration::from_nanos(50) };
    assert!(!first.contains(at(99)));
    assert!(first.contains(at(100)));
    assert!(first.contains(at(149)));
    assert!(!first.contains(at(150)));
    assert!(second.contains(at(150)));
    assert!(!Window { start: at(100), length: Duration::ZERO }.contains(at(100)));
}

#[test]
fn no_sleep_ends_before_its_instant() {
    for ahead in [Duration::ZERO, Duration::from_micros(100), Duration::from_micros(600)] {
        let due = Mono::now() + ahead;
        sleep_until(due);
        assert!(Mono::now() >= due);
    }
    sleep_until(at(1));
}

#[test]
fn wall_clock_is_after_this_was_written() {
    assert!(crate::unix_time_us() > 1_760_000_000_000_000);
}
