//! Loss, duplicates and reordering, judged against a set that remembers everything.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Verdict::{Duplicate, First, Reordered};
use crate::{Deliveries, Sequence, Verdict};

fn totals(offsets: &[u64]) -> Deliveries {
    let mut totals = Deliveries::default();
    for verdict in judged(&mut Sequence::new(0), offsets) {
        totals.count(verdict);
    }
    totals
}

fn judged(sequence: &mut Sequence, offsets: &[u64]) -> Vec<Verdict> {
    offsets.iter().map(|&offset| sequence.delivered(offset)).collect()
}

#[test]
fn jumps_forward_are_normal() {
    assert_eq!(judged(&mut Sequence::new(0), &[1, 2, 5, 9]), [First; 4]);
}

#[test]
fn what_comes_twice_is_a_duplicate_and_what_comes_late_is_reordered_once() {
    let verdicts = judged(&mut Sequence::new(0), &[1, 1, 4, 2, 2, 4, 3, 5]);
    assert_eq!(verdicts, [First, Duplicate, First, Reordered, Duplicate, Duplicate, Reordered, First]);
}

#[test]
fn what_lies_before_the_subscription_counts_as_seen() {
    assert_eq!(judged(&mut Sequence::new(41), &[41, 40, 42]), [Duplicate, Duplicate, First]);
}

#[test]
fn a_hole_survives_being_split() {
    let verdicts = judged(&mut Sequence::new(0), &[10, 5, 3, 7, 5, 4, 6, 9, 1]);
    let late = Reordered;
    assert_eq!(verdicts, [First, late, late, late, Duplicate, late, late, late, late]);
}

#[test]
fn the_bound_forgets_the_oldest_hole_first() {
    let mut sequence = Sequence::new(0);
    let odd: Vec<u64> = (0..33).map(|n| 2 * n + 2).collect();
    assert!(judged(&mut sequence, &odd).iter().all(|&verdict| verdict == First));
    assert_eq!(judged(&mut sequence, &[1, 3, 65]), [Duplicate, Reordered, Reordered]);
}

#[test]
fn totals_count_what_was_judged() {
    let counted = Deliveries { delivered: 4, duplicated: 1, reordered: 1, ..Deliveries::default() };
    assert_eq!(totals(&[1, 2, 2, 5, 4]), counted);
}

#[test]
fn injected_loss_duplicates_and_swaps_are_counted_exactly() {
    // Of 10,000: every 100th lost, the one before it twice, the 50th after each swapped with its successor.
    let mut arrivals = Vec::new();
    for hundred in 0..100 {
        let base = hundred * 100;
        arrivals.extend((1..50).map(|n| base + n));
        arrivals.extend([base + 51, base + 50]);
        arrivals.extend((52..100).map(|n| base + n));
        arrivals.push(base + 99);
    }
    let totals = totals(&arrivals);
    assert_eq!((totals.duplicated, totals.reordered, totals.delivered), (100, 100, 9_900));
}

proptest! {
    #[test]
    fn verdicts_agree_with_a_set_that_remembers_everything(offsets in vec(1_u64..60, 0..120)) {
        let (mut sequence, mut seen, mut last) = (Sequence::new(0), HashSet::new(), 0);
        for offset in offsets {
            let truth = match seen.insert(offset) {
                false => Duplicate,
                true if offset > last => First,
                true => Reordered,
            };
            last = last.max(offset);
            prop_assert_eq!(sequence.delivered(offset), truth);
        }
    }
}
