//! Mistakes of a ruler, each before the check that has to find it.

use fault::golden::Told;
use measure::{Ratio, Recorder, Schedule, compare::paired_ratio, schedule::stratified_phases};
use record::Deliveries;
use report::{Status, calibration::Row};
use std::time::Duration;

use crate::calibrate::{delay, ledger, memory, nagle, overload, phases, same};

fn all_pass(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.passed)
}

#[test]
fn a_delay_that_is_shown_as_it_is_passes_and_one_that_is_rounded_up_fails() {
    let without = [0.11, 0.12, 0.13, 0.12, 0.11, 0.12];
    let with = |delay: f64, error: f64| without.map(|p50| p50 + delay + error);
    assert!(delay::judge(10.0, &with(10.0, 0.15), &without).passed);
    // A runtime's timer of 1 ms, woken at the next step and one more.
    assert!(!delay::judge(10.0, &with(10.0, 1.5), &without).passed);
    // Half of a round trip.
    assert!(!delay::judge(10.0, &with(5.0, 0.0), &without).passed);
    // A quantile that is no number.
    assert!(!delay::judge(10.0, &[f64::NAN; 6], &without).passed);
    assert!(!delay::judge(10.0, &[], &[]).passed);
}

#[test]
fn a_stamp_that_waits_for_the_decoder_fails() {
    let without = [0.1; 6];
    // What is decoded first delays the stamps of the rest of its batch, and batches are larger behind a delay.
    assert!(!delay::judge(1.0, &[1.1 + 0.6; 6], &without).passed);
}

#[test]
fn a_row_says_bias_and_spread() {
    let row = delay::judge(10.0, &[10.0, 10.1, 10.2, 10.3, 10.4, 10.9], &[0.0; 6]);
    assert!((row.bias.unwrap() - 0.25).abs() < 1e-9, "{row:?}");
    assert!((row.spread.unwrap() - 0.9).abs() < 1e-9, "{row:?}");
}

const TOLD: Told = Told { publications: 400, written: 8000, lost: 40, doubled: 40, swapped: 40 };
const LEDGER: Deliveries =
    Deliveries { expected: 4000, delivered: 3960, lost: 40, duplicated: 40, reordered: 40, replayed: 0, gaps_told: 0 };

#[test]
fn a_ledger_that_is_off_by_one_anywhere_fails() {
    assert!(all_pass(&ledger::judge(&LEDGER, &TOLD, 40)));
    for off in [
        Deliveries { lost: 41, ..LEDGER },
        Deliveries { duplicated: 39, ..LEDGER },
        Deliveries { reordered: 41, ..LEDGER },
        Deliveries { delivered: 3961, ..LEDGER },
        Deliveries { expected: 4001, ..LEDGER },
    ] {
        assert!(!all_pass(&ledger::judge(&off, &TOLD, 40)), "{off:?}");
    }
    // A ledger that agrees with a server that did not do what it was told to.
    let idle = Deliveries { delivered: 4000, lost: 0, duplicated: 0, reordered: 0, ..LEDGER };
    assert!(!all_pass(&ledger::judge(&idle, &Told::default(), 40)));
}

#[test]
fn phases_that_are_locked_on_fail_where_stratified_ones_pass() {
    let interval = Duration::from_secs(1);
    let even: Vec<f32> =
        stratified_phases(1, 100, interval).iter().map(|phase| phase.div_duration_f32(interval)).collect();
    assert!(all_pass(&phases::judge(&[&even, &even])));
    let locked = vec![even[0]; even.len()];
    assert!(!all_pass(&phases::judge(&[&even, &locked])));
    let first_half: Vec<f32> = even.iter().map(|phase| phase / 2.0).collect();
    assert!(!all_pass(&phases::judge(&[&first_half])));
    assert!(!all_pass(&phases::judge(&[])));
}

/// As many deliveries at each millisecond as given.
fn deliveries(at_ms: &[(i64, u32)]) -> Recorder {
    let mut times = Recorder::new();
    for &(ms, count) in at_ms {
        (0..count).for_each(|index| times.record_ns(ms * 1_000_000 + i64::from(index) * 4_000_000 / i64::from(count)));
    }
    times
}

#[test]
fn a_second_mode_at_40_ms_is_told_and_a_slow_or_an_even_lane_is_not() {
    let (first, wall) = ((7, 200), (40, 200));
    assert!(nagle::judge(&deliveries(&[first, wall]), true).passed);
    assert!(!nagle::judge(&deliveries(&[first]), true).passed);
    assert!(!nagle::judge(&deliveries(&[first, wall]), false).passed);
    assert!(nagle::judge(&deliveries(&[first]), false).passed);
    // As late as that, all of it.
    assert!(nagle::judge(&deliveries(&[wall]), false).passed);
    // By the clock: as many at 40 ms as anywhere.
    let even: Vec<(i64, u32)> = (0..25).map(|step| (4 * step, 50)).collect();
    assert!(nagle::judge(&deliveries(&even), false).passed);
}

#[test]
fn memory_that_misses_a_page_of_sixteen_fails() {
    let without = [9.0, 9.1];
    assert!(memory::judge(&[73.0, 73.1], &without).passed);
    assert!(!memory::judge(&[69.0, 69.1], &without).passed);
    assert!(!memory::judge(&[], &[]).passed);
}

#[test]
fn an_overload_that_is_called_valid_or_is_none_fails() {
    assert!(all_pass(&overload::judge(&[99.0, 98.0], Status::Invalid)));
    assert!(!all_pass(&overload::judge(&[99.0, 98.0], Status::Suspect)));
    assert!(!all_pass(&overload::judge(&[40.0, 45.0], Status::Invalid)));
    assert!(!all_pass(&overload::judge(&[], Status::Invalid)));
}

/// Forty medians around 1 ms.
fn medians() -> Vec<f64> {
    let gaps = Schedule::Poisson { rate_hz: 1.0 }.dues(3, Duration::from_secs(1000));
    gaps.windows(2).take(40).map(|pair| 1.0 + 0.1 * (pair[1].as_secs_f64() - pair[0].as_secs_f64())).collect()
}

#[test]
fn equal_lanes_are_rarely_called_different_and_a_narrower_interval_fails() {
    let medians = medians();
    assert_eq!(medians.len(), 40);
    assert!(all_pass(&same::judge(&medians, 1, paired_ratio)));
    // From the second to the fifth of six: it covers 78 %.
    let narrower = |a: &[f64], b: &[f64]| {
        let mut ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Some(Ratio { point: ratios[2], low: ratios[1], high: ratios[4] })
    };
    assert!(!all_pass(&same::judge(&medians, 1, narrower)));
    assert!(!all_pass(&same::judge(&medians[..11], 1, paired_ratio)));
    assert!(!all_pass(&same::judge(&medians, 1, |_, _| None)));
}
