//! Plans: what a block holds, in which order, and what is refused before the first cell.

use std::{collections::BTreeSet, time::Duration};

use transport::{ALL, Headers, Lane, Role, lane};

use super::scenario;
use crate::{
    Plan, PlanError, Profile, Scenario,
    plan::{CellPlan, Times},
};

/// More files than any plan here needs.
const FILES: u64 = 1_000_000;

fn plan(seed: u64) -> Plan {
    Plan {
        scenario: scenario(&[]),
        profile: Profile::QUICK,
        lanes: lane::standard(ALL),
        seed,
        headers: Headers::built_in("minimal").unwrap(),
        catalog: ALL,
        rtt: None,
        stall: None,
        calibration: None,
        command: String::new(),
        commit: None,
    }
}

fn orders(plan: &Plan) -> Vec<Vec<String>> {
    let name = |cell: &CellPlan| format!("{}{}", cell.lane, if cell.twin { " twin" } else { "" });
    plan.cells().chunk_by(|a, b| a.block == b.block).map(|block| block.iter().map(name).collect()).collect()
}

#[test]
fn every_block_has_every_lane_and_the_twin_once() {
    let plan = plan(1);
    let blocks = orders(&plan);
    assert_eq!(blocks.len(), 6);
    let mut expected: Vec<_> = plan.lanes.iter().map(ToString::to_string).collect();
    expected.push(format!("{} twin", plan.twin().unwrap()));
    expected.sort();
    for mut block in blocks {
        block.sort();
        assert_eq!(block, expected);
    }
    let cells = plan.cells();
    let places: Vec<_> = cells.iter().map(|cell| (cell.block, cell.order)).collect();
    let lanes = u32::try_from(expected.len()).unwrap();
    let in_order: Vec<_> = (0..6).flat_map(|block| (0..lanes).map(move |order| (block, order))).collect();
    assert_eq!(places, in_order);
}

#[test]
fn the_seed_decides_orders_and_seeds_of_cells() {
    let drawn = |seed| plan(seed).cells().iter().map(|cell| (cell.lane.to_string(), cell.seed)).collect::<Vec<_>>();
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    let seeds: BTreeSet<_> = plan(1).cells().iter().map(|cell| cell.seed).collect();
    assert_eq!(seeds.len(), plan(1).cells().len(), "two cells share a seed");
}

#[test]
fn blocks_are_shuffled_one_by_one() {
    let differ = |seed| {
        let blocks = orders(&plan(seed));
        blocks.iter().any(|block| *block != blocks[0])
    };
    assert!((0..20).any(differ));
    let firsts: BTreeSet<_> = (0..20).flat_map(|seed| orders(&plan(seed))).map(|block| block[0].clone()).collect();
    assert_eq!(firsts.len(), plan(1).lanes.len() + 1, "some lane never runs first");
}

#[test]
fn the_twin_is_the_lane_whose_transport_says_so_else_the_first() {
    let mut plan = plan(1);
    assert_eq!(plan.twin().unwrap().spec().role, Role::Twin);
    plan.lanes.retain(|lane| lane.spec().role != Role::Twin);
    assert_eq!(plan.twin().unwrap().to_string(), plan.lanes[0].to_string());
    plan.lanes.clear();
    assert!(plan.twin().is_none());
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_what_to_do() {
    assert_eq!(plan(1).check(FILES), Ok(()));

    let nothing = Plan { lanes: Vec::new(), ..plan(1) };
    assert_eq!(nothing.check(FILES), Err(PlanError::NoLanes));
    assert!(PlanError::NoLanes.to_string().contains("feedbench list"));

    let mut twice = plan(1);
    twice.lanes.push(twice.lanes[0].clone());
    assert_eq!(twice.check(FILES), Err(PlanError::Twice(twice.lanes[0].to_string())));

    let no_floor = Plan { catalog: &[], ..plan(1) };
    assert_eq!(no_floor.check(FILES), Err(PlanError::NoFloor));
    assert_eq!(plan(1).publisher().unwrap().spec().role, Role::Floor);
}

#[test]
fn more_than_memory_holds_is_refused_before_it_is_tried() {
    for (pairs, what) in
        [(["rate_hz=40000", "rooms=60"], "publications"), (["rate_hz=5000", "subscribers=60000"], "deliveries")]
    {
        let error = Plan { scenario: scenario(&pairs), ..plan(1) }.check(u64::MAX).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("lower --rate"), "{error}");
    }
}

#[test]
fn every_lane_of_a_block_gets_the_same_feed_and_no_two_blocks_do() {
    let mut seeds: Vec<_> = plan(2).cells().iter().map(|cell| (cell.feed_seed, cell.block)).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 6, "one a block: {seeds:?}");
    seeds.dedup_by_key(|(seed, _)| *seed);
    assert_eq!(seeds.len(), 6, "each its own: {seeds:?}");
}

#[test]
fn every_connection_needs_a_file() {
    for (lane, each) in [("raw", 1), ("socketio+websocket", 1), ("socketio+polling", 2), ("socketio", 3)] {
        let lanes = vec![Lane::parse(lane, ALL).unwrap()];
        let plan = Plan { scenario: scenario(&["subscribers=300", "rooms=60"]), lanes, ..plan(1) };
        let needed = 300 * each + 60 + 64;
        assert_eq!(plan.check(needed), Ok(()));
        let error = plan.check(needed - 1).unwrap_err();
        assert_eq!(error, PlanError::Files { subscribers: 300, lane: lane.to_owned(), needed, limit: needed - 1 });
        assert!(error.to_string().ends_with("use fewer --clients"), "{error}");
    }
}

#[test]
fn an_uplink_may_take_a_file_and_a_proxy_takes_two() {
    let needed = |pairs: &[&str], rtt: Option<u64>, limit| {
        let lanes = vec![Lane::parse("sse", ALL).unwrap()];
        Plan { scenario: scenario(pairs), lanes, rtt: rtt.map(Duration::from_millis), ..plan(1) }.check(limit)
    };
    let members = ["publisher=members"];
    assert_eq!(needed(&members, None, 2 * 300 + 64), Ok(()));
    assert!(needed(&members, None, 2 * 300 + 63).is_err());
    assert_eq!(needed(&[], Some(50), 3 * 300 + 60 + 64), Ok(()));
    assert!(needed(&[], Some(50), 3 * 300 + 60 + 63).is_err());
}

#[test]
fn numbers_must_fit_into_the_smallest_data() {
    // 60 rooms in 3.0 s, the longest cell of the standard lanes: 90,000 are 500 a second in each.
    let check = |rate: &str, size: &str| Plan { scenario: scenario(&[rate, size]), ..plan(1) }.check(FILES);
    assert_eq!(check("rate_hz=499", "size_bytes=20"), Ok(()));
    let error = check("rate_hz=501", "size_bytes=20").unwrap_err().to_string();
    assert!(error.contains("size_bytes") && error.contains("at most 90000"), "{error}");
    assert_eq!(check("rate_hz=4990", "size_bytes=21"), Ok(()));
    assert!(check("rate_hz=5010", "size_bytes=21").is_err());
}

#[test]
fn a_fleet_that_hears_nothing_has_nothing_to_time_behind_a_round_trip() {
    let idle = Plan { scenario: Scenario::load("idle", &[]).unwrap(), ..plan(1) };
    assert_eq!(idle.check(FILES), Ok(()));
    let far = Plan { rtt: Some(Duration::from_millis(50)), ..idle };
    assert_eq!(far.check(FILES), Err(PlanError::NothingToTime("idle".to_owned())));
    let connect = Plan { scenario: Scenario::load("connect", &[]).unwrap(), ..far };
    assert_eq!(connect.check(FILES), Ok(()));
}

#[test]
fn a_round_trip_delays_the_window_and_lengthens_what_is_followed() {
    let lane = Lane::parse("websocket", ALL).unwrap().build();
    let near = plan(1).times(lane.as_ref());
    let far = Plan { rtt: Some(Duration::from_millis(200)), ..plan(1) }.times(lane.as_ref());
    assert_eq!((near.warm_up, near.follow), (Duration::from_millis(150), Duration::from_secs(1)));
    assert_eq!((far.warm_up, far.follow), (Duration::from_millis(400), Duration::from_millis(1800)));
    assert_eq!((near.window, near.tail), (far.window, far.tail));
}

#[test]
fn connecting_takes_as_long_on_a_lane_with_an_interval() {
    let scenario = Scenario::load("connect", &[]).unwrap();
    let times = Times::of(&scenario, Some(Duration::from_secs(5)));
    assert_eq!(times, Times::of(&scenario, None));
    assert_eq!((times.warm_up, times.window), (Duration::from_millis(250), Duration::from_millis(1250)));
}

#[test]
fn a_lane_that_is_pushed_to_takes_the_times_of_the_scenario() {
    let times = Times::of(&scenario(&["window=600ms", "warm_up=150ms"]), None);
    assert_eq!((times.warm_up, times.window), (Duration::from_millis(150), Duration::from_millis(600)));
    assert_eq!((times.tail, times.follow), (Duration::ZERO, Duration::from_secs(1)));
}

#[test]
fn a_lane_with_an_interval_is_watched_for_a_whole_number_of_them() {
    let scenario = scenario(&["window=600ms", "warm_up=150ms"]);
    // Interval, then warm-up, intervals in the window, follow; milliseconds.
    for (interval, warm_up, intervals, follow) in [
        (1000, 1000, 1, 2000),
        (600, 600, 1, 1200),
        (599, 599, 2, 1198),
        (250, 250, 3, 1000),
        (100, 150, 6, 1000),
        (7, 150, 86, 1000),
    ] {
        let interval = Duration::from_millis(interval);
        let times = Times::of(&scenario, Some(interval));
        let expected = Times {
            warm_up: Duration::from_millis(warm_up),
            window: interval * intervals,
            tail: interval,
            follow: Duration::from_millis(follow),
        };
        assert_eq!(times, expected, "{interval:?}");
    }
}

#[test]
fn an_estimate_covers_what_is_paced() {
    let plan = plan(1);
    let paced: Duration = plan
        .cells()
        .iter()
        .map(|cell| Times::of(&plan.scenario, cell.lane.build().interval()))
        .map(|times| times.warm_up + times.window + times.tail)
        .sum();
    assert!(plan.estimate() > paced);
    let twice = Plan { profile: Profile { name: "twice", blocks: 12 }, ..plan.clone() };
    assert_eq!(twice.estimate(), plan.estimate() * 2);
}
