//! Each kind of wrong is told from the others, and what is right passes.

use transport::Delivery;
use wire::{Epoch, Gap, GapReason, Position};

use crate::{
    compare::{Sent, accounted, disagreement, each_once, exactly, in_order, same_data},
    subscriber::Told,
};

fn position(offset: u64) -> Position {
    Position { epoch: Epoch::new("e").unwrap(), offset }
}

fn delivery(offset: u64) -> Told {
    let (json, data) = (format!("[{offset}]").into_boxed_str(), 1..2);
    Told::Delivery(Delivery { offset, json, data })
}

fn told(offsets: &[u64]) -> Vec<Told> {
    offsets.iter().copied().map(delivery).collect()
}

fn sent(offsets: &[u64]) -> Sent {
    offsets.iter().map(|offset| (*offset, offset.to_string())).collect()
}

fn gap(from: u64, to: u64) -> Gap {
    let missed = Some(to + 1 - from);
    Gap { from: Some(from), to: Some(to), missed, reason: GapReason::Trimmed, position: position(to) }
}

#[test]
fn order_complains_of_a_step_back_only() {
    assert_eq!(in_order(&told(&[1, 3, 3, 4])), Ok(()));
    assert_eq!(in_order(&told(&[1, 3, 2])).unwrap_err(), "offset 2 came after 3");
}

#[test]
fn each_once_complains_of_what_is_missing_twice_or_strange() {
    let due = sent(&[1, 2, 3]);
    assert_eq!(each_once(&told(&[3, 1, 2]), &due), Ok(()));
    for (offsets, complaint) in [
        (&[1, 3][..], "offset 2 never came"),
        (&[3], "offset 1 never came, and 1 more"),
        (&[1, 2, 2, 3], "offset 2 came more than once"),
        (&[1, 2, 3, 9], "offset 9 came but was not to"),
    ] {
        assert_eq!(each_once(&told(offsets), &due).unwrap_err(), complaint);
    }
}

#[test]
fn data_that_was_written_again_is_found() {
    assert_eq!(same_data(&told(&[1, 2]), &sent(&[1, 2])), Ok(()));
    let complaint = same_data(&told(&[1]), &Sent::from([(1, "1.0".to_owned())])).unwrap_err();
    assert_eq!(complaint, "the data of offset 1 came as 1, but was 1.0");
}

#[test]
fn exactly_looks_at_what_follows_the_start() {
    let due = sent(&[1, 2, 3]);
    assert_eq!(exactly(&told(&[2, 3]), 1, &due), Ok(()));
    for wrong in [&[1, 2, 3][..], &[3], &[3, 2], &[2, 2, 3]] {
        assert!(exactly(&told(wrong), 1, &due).is_err(), "{wrong:?}");
    }
    assert!(exactly(&[Told::Gap(gap(1, 1)), delivery(2), delivery(3)], 1, &due).is_err());
}

#[test]
fn every_offset_is_delivered_or_in_a_gap_with_exact_numbers() {
    let account = |told: &[Told]| accounted(told, &position(2), 6, GapReason::Trimmed);
    assert_eq!(account(&[Told::Gap(gap(3, 5)), delivery(6)]), Ok(()));
    assert_eq!(account(&[delivery(3), Told::Gap(gap(4, 6))]), Ok(()));
    let other = |change: fn(&mut Gap)| {
        let mut gap = gap(3, 5);
        change(&mut gap);
        [Told::Gap(gap), delivery(6)]
    };
    for wrong in [
        &other(|gap| gap.from = Some(2))[..],
        &other(|gap| gap.to = Some(4)),
        &other(|gap| gap.missed = Some(2)),
        &other(|gap| gap.missed = None),
        &other(|gap| gap.reason = GapReason::Slow),
        &other(|gap| gap.position = position(4)),
        &[delivery(6)],
        &[Told::Gap(gap(3, 5))],
        &[Told::Gap(gap(3, 5)), Told::Gap(gap(3, 5)), delivery(6)],
        &[delivery(3), Told::Gap(Gap { from: Some(4), to: Some(3), missed: Some(0), ..gap(3, 3) })],
    ] {
        assert!(account(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn those_who_differ_from_most_whole_readings_are_named() {
    let reading = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect::<Vec<Box<str>>>();
    let readings = [reading(&["a", "b"]), reading(&["a"]), reading(&["a"]), reading(&["a"]), reading(&["a", "x"])];
    let whole = |reading: &[Box<str>]| reading.len() == 2 && &*reading[1] == "b";
    let odd = disagreement(&readings, &[], whole);
    assert_eq!(odd.iter().map(|(reader, _)| *reader).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(odd[0].1, "place 2 holds nothing, where others have b");
    assert_eq!(disagreement(&readings, &[], |_| false).len(), 5, "nobody is right");
    assert!(disagreement(&readings[..1], &[], whole).is_empty());
}

#[test]
fn the_neutral_reading_decides_and_without_it_a_tie_names_everybody() {
    let reading = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect::<Vec<Box<str>>>();
    let readings = [reading(&["b"]), reading(&["a"]), reading(&["b"]), reading(&["a"])];
    let whole = |reading: &[Box<str>]| reading.len() == 1;
    let named = |neutral: &[&str]| -> Vec<usize> {
        disagreement(&readings, &reading(neutral), whole).into_iter().map(|(reader, _)| reader).collect()
    };
    assert_eq!(named(&["a"]), [0, 2]);
    assert_eq!(named(&["b"]), [1, 3]);
    assert_eq!(named(&["c"]), [0, 1, 2, 3]);
    assert_eq!(named(&["a", "b"]), [0, 1, 2, 3], "not whole, and so no reference");
}
