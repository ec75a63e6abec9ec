//! The page of `just demo` in a real Chromium, one look a test. `tests/outsiders/demo-page.mjs` looks.

use std::path::Path;

use serde::Deserialize;

use crate::programs::{INSTALL, node, serve};

/// What the script says of one look.
#[derive(Debug, Deserialize)]
struct Looked {
    look: String,
    wrong: Vec<String>,
}

/// Fails with everything that is wrong, seen on a server like that of `just demo`.
fn assert_nothing_wrong(what: &str) {
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {INSTALL}");
    let lanes =
        ["--listen", "127.0.0.1:0"].repeat(transport::ALL.iter().filter(|it| it.browser_module.is_some()).count());
    let flags = [&lanes[..], &["--watch-connections", "--publish-limit", "200"]].concat();
    let (_server, origin) = serve(&flags);
    let lines = node("demo-page.mjs", &[what, &origin]).end();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let Looked { look, wrong } = serde_json::from_str(line).unwrap();
    assert_eq!(look, what);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_lane_delivers_the_same_bytes_and_the_page_says_who_is_late_and_who_costs_most() {
    assert_nothing_wrong("lanes");
}

#[test]
fn the_bytes_of_a_lane_are_those_that_the_server_counted() {
    assert_nothing_wrong("bytes");
}

#[test]
fn a_lane_takes_every_transport_in_turn_and_loses_and_repeats_nothing() {
    assert_nothing_wrong("switching");
}

#[test]
fn lanes_that_are_cut_say_so_and_go_on_where_they_were() {
    assert_nothing_wrong("cutting");
}

#[test]
fn a_lane_that_stops_reading_gets_all_of_it_later() {
    assert_nothing_wrong("stopping");
}

#[test]
fn three_people_see_one_another_and_only_what_is_for_them() {
    assert_nothing_wrong("people");
}

#[test]
fn name_and_room_change_without_loading_the_page_again() {
    assert_nothing_wrong("rooms");
}

#[test]
fn on_one_port_lanes_starve_and_on_their_own_they_live() {
    assert_nothing_wrong("ports");
}

#[test]
fn what_is_not_counted_is_not_shown_and_what_is_not_cut_is_not_said_to_be() {
    assert_nothing_wrong("uncounted");
}

#[test]
fn a_lane_that_falls_back_is_shown_as_what_carries_it() {
    assert_nothing_wrong("falling");
}

#[test]
fn a_page_whose_session_is_forgotten_begins_another() {
    assert_nothing_wrong("forgotten");
}

#[test]
fn a_lane_that_fails_says_so_and_the_others_go_on() {
    assert_nothing_wrong("failing");
}

#[test]
fn the_tour_does_what_it_speaks_of() {
    assert_nothing_wrong("tour");
}

#[test]
fn the_page_keeps_the_rules_of_html() {
    assert_nothing_wrong("valid");
}

#[test]
fn nothing_serious_is_in_anybodys_way_in_light_in_dark_and_on_a_phone() {
    assert_nothing_wrong("accessible");
}

#[test]
fn at_fifty_a_second_nothing_jumps_and_frames_come() {
    assert_nothing_wrong("smooth");
}
