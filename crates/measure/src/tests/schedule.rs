//! Schedules are deterministic, have the rate they name, and phases are even without order.

use std::time::Duration;

use proptest::prelude::*;

use crate::Schedule;
use crate::schedule::stratified_phases;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn constant_dues_are_the_multiples_of_the_period_without_drift() {
    let dues = Schedule::Constant { rate_hz: 3.0 }.dues(1, 100_000 * SECOND);
    assert_eq!(dues.len(), 300_000);
    assert_eq!(dues[0], Duration::ZERO);
    assert_eq!(dues[1], Duration::from_nanos(333_333_333));
    assert_eq!(dues[299_997], 99_999 * SECOND);
}

#[test]
fn a_due_at_the_end_of_the_span_is_outside() {
    let dues = Schedule::Constant { rate_hz: 4.0 }.dues(1, SECOND);
    assert_eq!(dues, [0, 250, 500, 750].map(Duration::from_millis));
}

#[test]
fn poisson_dues_of_a_seed_are_the_same_for_ever() {
    let dues = Schedule::Poisson { rate_hz: 5.0 }.dues(42, 10 * SECOND);
    let first: Vec<u128> = dues.iter().take(4).map(Duration::as_nanos).collect();
    // From a second implementation of ChaCha8, its seeding and -ln(1 - u)/5.
    assert_eq!(first, [229_075_502, 829_326_633, 940_880_872, 1_138_309_646]);
    assert_ne!(dues, Schedule::Poisson { rate_hz: 5.0 }.dues(43, 10 * SECOND));
}

#[test]
fn poisson_has_the_mean_rate_and_exponential_gaps() {
    let dues = Schedule::Poisson { rate_hz: 5.0 }.dues(7, 20_000 * SECOND);
    // Four standard deviations of a Poisson count of 100,000.
    assert!(dues.len().abs_diff(100_000) < 1_265, "{}", dues.len());
    let long = dues.windows(2).filter(|pair| pair[1] > pair[0] + Duration::from_millis(200)).count();
    // 1/e of the gaps are longer than the mean gap.
    assert!(long.abs_diff(36_788) < 1_000, "{long}");
}

#[test]
fn a_rate_that_is_no_rate_is_silence() {
    for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Schedule::Constant { rate_hz }.dues(1, SECOND).is_empty());
        assert!(Schedule::Poisson { rate_hz }.dues(1, SECOND).is_empty());
    }
    assert!(Schedule::Poisson { rate_hz: 1e-300 }.dues(1, SECOND).is_empty());
}

#[test]
fn phases_hold_one_client_per_stratum() {
    let mut phases = stratified_phases(3, 1_000, SECOND);
    phases.sort_unstable();
    for (stratum, phase) in (0..).zip(phases) {
        let low = Duration::from_millis(stratum);
        assert!(low <= phase && phase < low + Duration::from_millis(1), "{stratum}: {phase:?}");
    }
}

#[test]
fn phases_inside_the_strata_are_uniform() {
    let inside: Vec<u32> =
        stratified_phases(3, 10_000, 10 * SECOND).iter().map(|p| p.subsec_nanos() % 1_000_000).collect();
    for tenth in 0..10 {
        let count = inside.iter().filter(|&&nanos| nanos / 100_000 == tenth).count();
        // Four standard deviations of a binomial over 10,000 at 1/10.
        assert!(count.abs_diff(1_000) < 120, "{tenth}: {count}");
    }
}

#[test]
fn neighbours_do_not_get_neighbouring_phases() {
    let phases = stratified_phases(3, 1_000, SECOND);
    let near = phases.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < Duration::from_millis(10)).count();
    // Of random pairs 2 % are that near; unshuffled all would be.
    assert!(near < 60, "{near}");
}

#[test]
fn more_clients_than_nanoseconds_still_get_phases() {
    assert_eq!(stratified_phases(1, 3, Duration::from_nanos(2)).len(), 3);
    assert_eq!(stratified_phases(1, 2, Duration::ZERO), [Duration::ZERO; 2]);
    assert!(stratified_phases(1, 0, SECOND).is_empty());
}

proptest! {
    #[test]
    fn dues_are_in_order_and_in_the_span(seed: u64, rate_hz in 0.001..2_000.0_f64, millis in 0_u64..3_000) {
        let span = Duration::from_millis(millis);
        for schedule in [Schedule::Constant { rate_hz }, Schedule::Poisson { rate_hz }] {
            let dues = schedule.dues(seed, span);
            prop_assert!(dues.is_sorted());
            prop_assert!(dues.iter().all(|due| *due < span));
            prop_assert_eq!(dues, schedule.dues(seed, span));
        }
    }

    #[test]
    fn phases_are_in_the_interval(seed: u64, n in 0_usize..300, nanos in 1_u64..10_000) {
        let phases = stratified_phases(seed, n, Duration::from_nanos(nanos));
        prop_assert_eq!(phases.len(), n);
        prop_assert!(phases.iter().all(|phase| phase.as_nanos() < u128::from(nanos)));
    }
}
