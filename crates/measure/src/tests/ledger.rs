//! Every byte in exactly one cell, sums that hold, and names that records rely on.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{ByteLedger, Category, Direction};

#[test]
fn names_are_those_of_the_summary() {
    let categories = Category::ALL.map(Category::id);
    assert_eq!(
        categories,
        ["payload", "envelope", "framing", "http_head", "empty_polls", "heartbeat", "handshake", "tls"]
    );
    assert_eq!(Direction::ALL.map(Direction::id), ["down", "up"]);
}

#[test]
fn every_cell_is_its_own() {
    let mut ledger = ByteLedger::default();
    let cells: Vec<_> = ledger.iter().map(|(direction, category, _)| (direction, category)).collect();
    assert_eq!(cells.len(), 16);
    for (bytes, (direction, category)) in (1..).zip(&cells) {
        ledger.charge(*direction, *category, bytes);
    }
    assert_eq!(ledger.iter().map(|(.., bytes)| bytes).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
    assert_eq!(ledger.get(Direction::Up, Category::Payload), 9);
    assert_eq!(ledger.total(Direction::Down), (1..=8).sum::<u64>());
    assert_eq!(ledger.total(Direction::Up), (9..=16).sum::<u64>());
}

#[test]
fn a_difference_that_would_be_negative_is_none() {
    let (mut before, mut after) = (ByteLedger::default(), ByteLedger::default());
    before.charge(Direction::Up, Category::Tls, 2);
    after.charge(Direction::Up, Category::Tls, 1);
    after.charge(Direction::Up, Category::Payload, 100);
    assert_eq!(after.minus(&before), None);
}

proptest! {
    #[test]
    fn what_was_charged_is_the_sum_and_what_was_added_can_be_taken_away(
        charges in vec((0_usize..2, 0_usize..8, 0_u64..1 << 40), 0..50),
        split in 0_usize..50,
    ) {
        let charged = |charges: &[(usize, usize, u64)]| {
            let mut ledger = ByteLedger::default();
            for &(direction, category, bytes) in charges {
                ledger.charge(Direction::ALL[direction], Category::ALL[category], bytes);
            }
            ledger
        };
        let (early, late) = charges.split_at(split.min(charges.len()));
        let (early, late, whole) = (charged(early), charged(late), charged(&charges));
        let mut sum = early;
        sum.add(&late);
        prop_assert_eq!(sum, whole);
        prop_assert_eq!(whole.minus(&early), Some(late));
        let total: u64 = charges.iter().map(|(.., bytes)| bytes).sum();
        prop_assert_eq!(whole.total(Direction::Down) + whole.total(Direction::Up), total);
    }
}
