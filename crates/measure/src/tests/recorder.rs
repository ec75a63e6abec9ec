//! Quantiles against sorted vectors, merging, the samples outside the histogram, and the text form.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Recorder, RecorderTextError};

const QUANTILES: [f64; 9] = [0.0, 0.07, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];

fn recorded(samples_ns: &[i64]) -> Recorder {
    let mut recorder = Recorder::new();
    for &ns in samples_ns {
        recorder.record_ns(ns);
    }
    recorder
}

/// The definition of the quantile, in exact integers: `q` in thousandths.
fn exact(sorted: &[i64], per_mille: usize) -> i64 {
    sorted[(sorted.len() * per_mille).div_ceil(1_000).max(1) - 1]
}

fn assert_reads_back(recorder: &Recorder) {
    assert_eq!(&Recorder::from_text(&recorder.to_text()).unwrap(), recorder);
}

#[test]
fn a_thousand_known_samples_have_their_known_quantiles() {
    let recorder = recorded(&(1..=1_000).collect::<Vec<_>>());
    let quantiles = QUANTILES.map(|q| recorder.quantile_ns(q).unwrap());
    assert_eq!(quantiles, [1, 70, 500, 750, 900, 950, 990, 999, 1_000]);
    assert_eq!(recorder.max_ns(), Some(1_000));
    assert_eq!(recorder.len(), 1_000);
}

#[test]
fn a_rank_that_a_float_overshoots_is_not_rounded_up() {
    // 0.07 times 100 is 7.000000000000001.
    let hundred = recorded(&(1..=100).collect::<Vec<_>>());
    assert_eq!(hundred.quantile_ns(0.07), Some(7));
    assert_eq!(hundred.quantile_ns(0.071), Some(8));
}

#[test]
fn an_empty_recorder_has_no_quantile() {
    let recorder = Recorder::new();
    assert!(recorder.is_empty());
    assert_eq!(QUANTILES.map(|q| recorder.quantile_ns(q)), [None; 9]);
    assert_eq!(recorder.max_ns(), None);
    assert_eq!(recorder.buckets().count(), 0);
    assert_reads_back(&recorder);
}

#[test]
fn a_quantile_outside_zero_to_one_is_none() {
    let recorder = recorded(&[1, 2, 3]);
    assert_eq!([-0.1, 1.1, 99.0, f64::NAN].map(|q| recorder.quantile_ns(q)), [None; 4]);
}

#[test]
fn undelivered_samples_are_above_everything() {
    let mut recorder = recorded(&[10; 98]);
    recorder.record_undelivered(2);
    assert_eq!(recorder.len(), 100);
    assert_eq!(recorder.undelivered_count(), 2);
    assert_eq!(recorder.quantile_ns(0.98), Some(10));
    assert_eq!(recorder.quantile_ns(0.99), None);
    assert_eq!(recorder.max_ns(), None);
    assert_reads_back(&recorder);
}

#[test]
fn negative_samples_are_below_everything_and_keep_their_own_name() {
    let recorder = recorded(&[-5, 7, -900, 8, 9]);
    assert_eq!((recorder.negative_count(), recorder.most_negative_ns()), (2, Some(-900)));
    assert_eq!(recorder.quantile_ns(0.4), None);
    assert_eq!(recorder.quantile_ns(0.5), Some(7));
    assert_eq!(recorder.max_ns(), Some(9));
    assert_eq!(recorder.buckets().collect::<Vec<_>>(), [(7, 1), (8, 1), (9, 1)]);
    assert_eq!(recorded(&[0]).most_negative_ns(), None);
    assert_reads_back(&recorder);
}

#[test]
fn samples_above_the_range_are_counted_and_not_shown_as_its_end() {
    let end = 120_000_000_000;
    let recorder = recorded(&[0, end, end + 1, i64::MAX]);
    assert_eq!(recorder.saturated_count(), 2);
    assert_eq!(recorder.quantile_ns(0.25), Some(0));
    assert!(recorder.quantile_ns(0.5).is_some_and(|ns| ns >= end.unsigned_abs()));
    assert_eq!(recorder.quantile_ns(0.75), None);
    assert_reads_back(&recorder);
}

#[test]
fn only_a_recorders_own_text_is_read() {
    let good = recorded(&[1, 1_000_000, -1]).to_text();
    let fields: Vec<&str> = good.split(' ').collect();
    let with = |at: usize, field: &str| {
        let mut changed = fields.clone();
        changed[at] = field;
        Recorder::from_text(&changed.join(" "))
    };
    let other_bounds = recorded_with_bounds(1_000_000);
    assert!(matches!(Recorder::from_text(""), Err(RecorderTextError::Fields)));
    assert!(matches!(Recorder::from_text(&format!("{good} 1")), Err(RecorderTextError::Fields)));
    assert!(matches!(with(0, "-1"), Err(RecorderTextError::Number(_))));
    assert!(matches!(with(0, "0"), Err(RecorderTextError::Counts)));
    assert!(matches!(with(1, "0"), Err(RecorderTextError::Counts)));
    assert!(matches!(with(3, "18446744073709551615"), Err(RecorderTextError::Counts)));
    assert!(matches!(with(4, "*"), Err(RecorderTextError::Base64(_))));
    assert!(matches!(with(4, "AAAA"), Err(RecorderTextError::Header)));
    assert!(matches!(with(4, &fields[4][..fields[4].len() - 4]), Err(RecorderTextError::Header)));
    assert!(matches!(with(4, &other_bounds), Err(RecorderTextError::Header)));
}

fn recorded_with_bounds(highest: u64) -> String {
    use base64::Engine;
    use hdrhistogram::serialization::{Serializer, V2Serializer};
    let histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, highest, 3).unwrap();
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn quantiles_are_within_a_bucket_of_the_sorted_samples(mut samples in vec(0_i64..120_000_000_000, 1..300)) {
        let recorder = recorded(&samples);
        samples.sort_unstable();
        for per_mille in [0_u16, 70, 500, 750, 900, 950, 990, 999, 1_000] {
            let truth = exact(&samples, per_mille.into()).unsigned_abs();
            let shown = recorder.quantile_ns(f64::from(per_mille) / 1_000.0).unwrap();
            prop_assert!(truth <= shown && shown <= truth + truth / 1_024, "{per_mille}: {truth} shown as {shown}");
        }
    }

    #[test]
    fn merging_the_parts_of_k_workers_gives_the_recorder_of_one(
        parts in vec((vec(-1_000_i64..200_000_000_000, 0..50), 0_u64..5), 0..6),
    ) {
        let (mut one, mut merged) = (Recorder::new(), Recorder::new());
        for (samples, undelivered) in &parts {
            let mut part = recorded(samples);
            part.record_undelivered(*undelivered);
            merged.merge(&part);
            for &ns in samples {
                one.record_ns(ns);
            }
            one.record_undelivered(*undelivered);
        }
        prop_assert_eq!(&merged.to_text(), &one.to_text());
        prop_assert!(merged == one);
        prop_assert_eq!(merged.buckets().map(|(_, count)| count).sum::<u64>() + merged.negative_count()
            + merged.saturated_count() + merged.undelivered_count(), merged.len());
    }

    #[test]
    fn text_gives_the_recorder_back(samples in vec(-1_000_i64..200_000_000_000, 0..200), undelivered in 0_u64..100) {
        let mut recorder = recorded(&samples);
        recorder.record_undelivered(undelivered);
        let read = Recorder::from_text(&recorder.to_text()).unwrap();
        prop_assert!(read == recorder);
        prop_assert_eq!(read.to_text(), recorder.to_text());
    }
}
