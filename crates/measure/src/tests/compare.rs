//! Ratios, the noise floor, ranks; and the A/A test: one lane split in two must not differ from itself.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::compare::{is_difference, paired_ratio, rank};
use crate::{NoiseFloor, Ranked, Ratio};

fn floor(factor: f64) -> NoiseFloor {
    NoiseFloor::from_twin(&Ratio { point: 1.0, low: 1.0, high: factor })
}

fn ratio(low: f64, high: f64) -> Ratio {
    Ratio { point: (low * high).sqrt(), low, high }
}

fn close(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-12
}

fn ranks(ranked: &[Ranked]) -> Vec<(usize, usize)> {
    ranked.iter().map(|ranked| (ranked.lane, ranked.rank)).collect()
}

/// Latencies as they are: log-normal, with a spread of about 20 %.
fn cell(generator: &mut impl Rng) -> f64 {
    let normal: f64 = (0..12).map(|_| generator.random::<f64>()).sum::<f64>() - 6.0;
    1e6 * (0.2 * normal).exp()
}

#[test]
fn ratio_is_the_median_of_the_blocks_ratios() {
    let base = [100.0, 900.0, 20.0, 50.0, 7.0, 300.0];
    let factors = [2.0, 3.0, 2.5, 1.5, 4.0, 2.4];
    let other: Vec<f64> = base.iter().zip(factors).map(|(base, factor)| base * factor).collect();
    let seen = paired_ratio(&other, &base).unwrap();
    assert!(close(seen.low, 1.5) && close(seen.high, 4.0), "{seen:?}");
    assert!(close(seen.point, (2.4_f64 * 2.5).sqrt()), "{seen:?}");
    let inverse = paired_ratio(&base, &other).unwrap();
    assert!(close(inverse.low, 1.0 / 4.0) && close(inverse.high, 1.0 / 1.5), "{inverse:?}");
}

#[test]
fn no_ratio_is_stated_from_unusable_values() {
    let six = [1.0; 6];
    assert!(paired_ratio(&six, &six).is_some());
    assert_eq!(paired_ratio(&six, &[1.0; 7]), None);
    assert_eq!(paired_ratio(&[1.0; 5], &[1.0; 5]), None);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(paired_ratio(&six, &[1.0, 1.0, bad, 1.0, 1.0, 1.0]), None);
        assert_eq!(paired_ratio(&[1.0, 1.0, bad, 1.0, 1.0, 1.0], &six), None);
    }
}

#[test]
fn floor_is_the_twins_farthest_bound() {
    assert!(close(NoiseFloor::from_twin(&ratio(0.95, 1.2)).factor(), 1.2));
    assert!(close(NoiseFloor::from_twin(&ratio(0.8, 1.2)).factor(), 1.25));
    assert!(close(NoiseFloor::from_twin(&ratio(0.8, 0.9)).factor(), 1.25));
    assert!(close(NoiseFloor::from_twin(&ratio(1.0, 1.0)).factor(), 1.0));
}

#[test]
fn a_difference_lies_wholly_beyond_the_floor() {
    for (low, high, claimed) in [
        (1.3, 1.6, true),
        (0.5, 0.7, true),
        (0.9, 1.6, false),
        (1.1, 1.6, false),
        (1.05, 1.15, false),
        (0.7, 0.9, false),
        (1.25, 1.6, false),
        (0.5, 0.8, false),
        (0.5, 2.0, false),
    ] {
        assert_eq!(is_difference(&ratio(low, high), floor(1.25)), claimed, "{low} {high}");
    }
    assert!(!is_difference(&ratio(1.0, 1.0), floor(1.0)));
}

#[test]
fn a_lane_does_not_differ_from_itself() {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let mut cells: Vec<f64> = (0..40).map(|_| cell(&mut generator)).collect();
    let excluded = (0..1_000).filter(|_| {
        cells.shuffle(&mut generator);
        let seen = paired_ratio(&cells[..6], &cells[6..12]).unwrap();
        is_difference(&seen, floor(1.0))
    });
    // The interval of 6 leaves out 3.1 %.
    let excluded = excluded.count();
    assert!((1..=60).contains(&excluded), "{excluded}");
}

#[test]
fn clear_differences_rank_and_ties_share() {
    let blocks = [1.0, 1.1, 0.9, 1.3, 1.0, 0.8];
    let lane = |factor: f64| blocks.map(|block| block * factor);
    let wobble = [1.02, 0.99, 1.01, 0.98, 1.03, 0.99];
    let near: Vec<f64> = blocks.iter().zip(wobble).map(|(block, wobble)| block * wobble).collect();
    let lanes = [lane(5.0).to_vec(), lane(1.0).to_vec(), near, lane(2.0).to_vec()];
    let ranked = rank(&lanes, floor(1.1)).unwrap();
    let places: Vec<_> = ranked.iter().map(|r| (r.lane, r.rank, r.ties_with.as_slice())).collect();
    let none: &[usize] = &[];
    assert_eq!(places[2..], [(3, 3, none), (0, 4, none)]);
    let mut first: Vec<_> = places[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, [(1, 1, &[2][..]), (2, 1, &[1][..])]);
}

#[test]
fn ties_that_do_not_carry_over_are_named_across_ranks() {
    // Steps of 20 % under a floor of 30 %: neighbours tie, the ends differ.
    let lanes = [[1.0; 6], [1.2; 6], [1.44; 6]];
    let expected = [
        Ranked { lane: 0, rank: 1, ties_with: vec![1] },
        Ranked { lane: 1, rank: 1, ties_with: vec![0, 2] },
        Ranked { lane: 2, rank: 3, ties_with: vec![1] },
    ];
    assert_eq!(rank(&lanes, floor(1.3)).unwrap(), expected);
}

#[test]
fn lanes_proven_different_never_share_a_rank() {
    // The first is too noisy to differ from anything; the other two differ from each other.
    let lanes = [[0.1, 9.0, 0.2, 8.0, 0.3, 0.4], [1.0; 6], [2.0; 6]];
    let ranked = rank(&lanes, floor(1.1)).unwrap();
    assert_eq!(ranks(&ranked), [(0, 1), (1, 1), (2, 3)]);
    assert_eq!(ranked[0].ties_with, [1, 2]);
    assert_eq!(ranked[2].ties_with, [0]);
}

#[test]
fn a_proof_outweighs_the_order_of_medians() {
    // The first is lower in eight of nine blocks, yet its median is the higher one.
    let first = [1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 100.0];
    let second = [1.3, 2.6, 3.9, 5.2, 7.8, 9.1, 10.4, 11.7, 0.5];
    let ranked = rank(&[second, first], floor(1.1)).unwrap();
    assert_eq!(ranks(&ranked), [(1, 1), (0, 2)]);
}

#[test]
fn no_ranking_is_made_up() {
    assert_eq!(rank(&[vec![1.0; 6], vec![1.0; 5]], floor(1.0)), None);
    assert_eq!(rank(&[vec![1.0; 5], vec![9.0; 5]], floor(1.0)), None);
    assert_eq!(rank(&[Vec::<f64>::new()], floor(1.0)), None);
    assert_eq!(rank(&[[0.0; 0]; 0], floor(1.0)), Some(Vec::new()));
}
