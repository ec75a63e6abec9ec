//! The simulation of lanes that ask, where it can be followed by hand.

use std::time::Duration;

use load::Stall;

use crate::calibrate::model::{Asking, Feed, simulate};

const STALL: Stall = Stall { after: Duration::from_secs(4), length: Duration::from_secs(2) };

/// One room, in milliseconds.
fn feed(dues: &[i64]) -> Feed {
    Feed { window: Duration::from_secs(10), dues: dues.iter().map(|due| (0, due * 1_000_000)).collect() }
}

/// All waits in milliseconds, ascending, each as often as it was met.
fn waits(dues: &[i64], asking: &Asking) -> Vec<u64> {
    let times = simulate(&feed(dues), STALL, asking);
    let waits = times.buckets().flat_map(|(ns, count)| (0..count).map(move |_| ns / 1_000_000));
    waits.collect()
}

fn is_near(measured: &[u64], expected: &[u64]) -> bool {
    measured.len() == expected.len() && measured.iter().zip(expected).all(|(m, e)| m.abs_diff(*e) <= 1 + e / 1000)
}

#[test]
fn what_is_pushed_waits_for_the_end_of_the_stop() {
    let measured = waits(&[1000, 3999, 4000, 5500, 6000], &Asking::Never);
    assert!(is_near(&measured, &[0, 0, 0, 500, 2000]), "{measured:?}");
}

#[test]
fn what_is_due_outside_of_the_window_is_not_counted() {
    let measured = waits(&[-1, 0, 9_999, 10_000], &Asking::Never);
    assert_eq!(measured.len(), 2);
}

#[test]
fn a_shut_gate_delays_what_comes_right_after_an_answer() {
    let shut = Duration::from_millis(100);
    let measured = waits(&[1000, 1030, 1060, 3980, 3990, 5000], &Asking::AtOnce { shut });
    // 1030 and 1060 wait until 1100. 3990 would be answered at 4080, when the server stands still.
    assert!(is_near(&measured, &[0, 0, 40, 70, 1000, 2010]), "{measured:?}");
}

/// A grid at whole seconds; the 16 starts of the phases are reached by waits that are the same for all but the grid.
#[test]
fn a_grid_delays_by_up_to_its_interval_and_the_stop_delays_the_grid() {
    let asking = Asking::ByTheClock { interval: Duration::from_secs(1), phases: vec![0.0] };
    let measured = waits(&[1500], &asking);
    assert_eq!(measured.len(), 16);
    let mean = measured.iter().sum::<u64>() / 16;
    assert!((400..600).contains(&mean) && measured.iter().all(|wait| *wait <= 1001), "{measured:?}");
    // Every grid has a request that is queued in a stop of two seconds: before 4500 for half of them, which is answered without
    // the publication; it waits for the next instant of the grid then, 1 s after the stop at most.
    let measured = waits(&[4500], &asking);
    let later = measured.iter().filter(|wait| **wait > 1510).count();
    assert!((7..=9).contains(&later) && measured.iter().all(|wait| (1500..=2510).contains(wait)), "{measured:?}");
}
