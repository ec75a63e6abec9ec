//! Order statistics against exact binomial sums and against random samples of a known median.

use proptest::collection::vec;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::intervals::{coverage, median, median_interval};

fn up_to(n: u32) -> Vec<f64> {
    (1..=n).map(f64::from).collect()
}

/// The binomial sum itself. Up to 50 coins every number in it is an integer that a float holds exactly.
fn exact_coverage(n: u32, k: u32) -> f64 {
    let mut choose = 1.0;
    let mut below = 0.0;
    for i in 0..k {
        below += choose;
        choose = choose * f64::from(n - i) / f64::from(i + 1);
    }
    let whole = f64::from(n).exp2();
    (whole - 2.0 * below) / whole
}

#[test]
fn medians_of_odd_and_even_counts() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    assert_eq!(median(&[7.0]), Some(7.0));
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[1.0, f64::NAN, 2.0]), None);
    assert_eq!(median(&[f64::INFINITY, 1.0, 2.0]), Some(2.0));
}

#[test]
fn intervals_are_those_of_the_design() {
    assert_eq!(median_interval(&up_to(5)), None);
    assert_eq!(median_interval(&up_to(6)), Some((1.0, 6.0)));
    assert_eq!(median_interval(&up_to(8)), Some((1.0, 8.0)));
    assert_eq!(median_interval(&up_to(9)), Some((2.0, 8.0)));
    assert_eq!(median_interval(&up_to(12)), Some((3.0, 10.0)));
    assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0, f64::NAN]), None);
}

#[test]
fn coverages_are_those_of_the_design() {
    let shown = [(6, 1), (9, 2), (12, 3), (5, 1)].map(|(n, k)| format!("{:.2}", 100.0 * coverage(n, k)));
    assert_eq!(shown, ["96.88", "96.09", "96.14", "93.75"]);
}

#[test]
fn coverage_is_the_binomial_sum() {
    for n in 1..=50_u32 {
        for k in 1..=n.div_ceil(2) {
            let error = coverage(n as usize, k as usize) - exact_coverage(n, k);
            assert!(error.abs() < 1e-9, "{n} {k}: {error}");
        }
    }
}

#[test]
fn coverage_holds_where_a_float_has_no_two_to_the_minus_n() {
    // From the sum in integers of any length.
    assert!((coverage(10_000, 4_902) - 0.951_167_050_103_618).abs() < 1e-12);
    assert!(coverage(10_000, 5_000) < 0.02);
    assert!((coverage(10, 0) - 1.0).abs() < 1e-12);
    assert!(coverage(10, 9) <= 0.0);
}

#[test]
fn intervals_of_random_samples_hold_the_true_median_as_often_as_they_say() {
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    for (n, k) in [(6, 1), (9, 2), (12, 3)] {
        let held = (0..20_000).filter(|_| {
            // Any shape will do; this one is skewed, with its median at 1/8.
            let sample: Vec<f64> = (0..n).map(|_| generator.random::<f64>().powi(3)).collect();
            median_interval(&sample).is_some_and(|(low, high)| low <= 0.125 && 0.125 <= high)
        });
        let share = f64::from(u32::try_from(held.count()).unwrap()) / 20_000.0;
        // Four standard deviations of a share near 0.96.
        assert!((share - coverage(n, k)).abs() < 0.006, "{n}: {share}");
    }
}

proptest! {
    #[test]
    fn no_narrower_interval_would_do(values in vec(-1e9..1e9_f64, 6..100)) {
        let n = values.len();
        let (low, high) = median_interval(&values).unwrap();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let k = (1..=n).rev().find(|&k| coverage(n, k) >= 0.95).unwrap();
        prop_assert_eq!((low, high), (sorted[k - 1], sorted[n - k]));
        let middle = median(&values).unwrap();
        prop_assert!(low <= middle && middle <= high);
    }
}
