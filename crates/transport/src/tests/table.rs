//! The list of all transports: what every entry keeps, so that nothing made from the list can go wrong.

use std::collections::BTreeSet;

use crate::{ALL, Lane, Look, OptionKind, Role, Spec, lane::standard};

fn is_kebab_case(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split('-').all(word)
}

fn distinct<T: Ord>(of: impl Fn(&'static Spec) -> T) -> usize {
    ALL.iter().map(of).collect::<BTreeSet<_>>().len()
}

#[test]
fn names_colours_and_marks_are_taken_once() {
    assert_eq!(distinct(|spec| spec.id), ALL.len());
    assert_eq!(distinct(|spec| spec.title), ALL.len());
    assert_eq!(distinct(|spec| spec.prefix), ALL.len());
    assert_eq!(distinct(|spec| spec.look.light), ALL.len());
    assert_eq!(distinct(|spec| spec.look.dark), ALL.len());
    assert_eq!(distinct(|spec| spec.look.mark), ALL.len());
}

#[test]
fn ids_and_options_are_in_kebab_case() {
    for spec in ALL {
        assert!(is_kebab_case(spec.id), "{}", spec.id);
        for option in spec.options {
            assert!(is_kebab_case(option.name), "{}+{}", spec.id, option.name);
            assert!(!option.help.is_empty() && !option.title.is_empty(), "{}+{}", spec.id, option.name);
        }
        let names: BTreeSet<_> = spec.options.iter().map(|option| option.name).collect();
        assert_eq!(names.len(), spec.options.len(), "{}", spec.id);
    }
}

#[test]
fn the_default_of_an_option_lies_within_its_bounds() {
    for option in ALL.iter().flat_map(|spec| spec.options) {
        if let OptionKind::Duration { default, min, max } = option.kind {
            assert!(min <= default && default <= max, "{}", option.name);
        }
    }
}

#[test]
fn what_a_flag_excludes_is_another_flag_of_its_transport() {
    for spec in ALL {
        for option in spec.options {
            let OptionKind::Flag { excludes } = option.kind else { continue };
            for name in excludes {
                let other = spec.options.iter().find(|other| other.name == *name);
                let is_flag = other.is_some_and(|other| matches!(other.kind, OptionKind::Flag { .. }));
                assert!(is_flag && *name != option.name, "{}+{} excludes {name}", spec.id, option.name);
            }
        }
    }
}

#[test]
fn every_variant_is_a_lane_that_is_printed_as_it_is_written() {
    let lanes = standard(ALL);
    assert_eq!(lanes.len(), ALL.iter().map(|spec| 1 + spec.variants.len()).sum::<usize>(), "one is refused");
    let names: BTreeSet<_> = lanes.iter().map(ToString::to_string).collect();
    let titles: BTreeSet<_> = lanes.iter().map(Lane::title).collect();
    assert_eq!((names.len(), titles.len()), (lanes.len(), lanes.len()), "{names:?} {titles:?}");
    for (spec, options) in ALL.iter().flat_map(|spec| spec.variants.iter().map(move |options| (spec, options))) {
        assert!(names.contains(&format!("{}+{options}", spec.id)), "{}+{options}", spec.id);
    }
}

#[test]
fn the_prefix_of_a_transport_is_its_id_below_a_room_or_a_protocols_own_path() {
    for spec in ALL {
        let below_a_room = spec.prefix == format!("/v1/{{namespace}}/{{room}}/{}", spec.id);
        let of_its_own = spec.prefix.starts_with('/') && !spec.prefix.starts_with("/v1/") && spec.prefix.len() > 1;
        assert!(below_a_room || of_its_own, "{}", spec.prefix);
    }
}

#[test]
fn there_is_one_floor_and_one_twin() {
    let count = |role| ALL.iter().filter(|spec| spec.role == role).count();
    assert_eq!((count(Role::Floor), count(Role::Twin)), (1, 1));
}

#[test]
fn every_transport_is_drawn_as_it_always_was() {
    let look = |id: &str| ALL.iter().find(|spec| spec.id == id).map(|spec| spec.look);
    let expected = |light, dark, mark| Some(Look { light, dark, mark });
    assert_eq!(look("raw"), expected("#6B7280", "#9CA3AF", "line"));
    assert_eq!(look("short-polling"), expected("#C2410C", "#FB923C", "circle"));
    assert_eq!(look("long-polling"), expected("#A16207", "#FACC15", "square"));
    assert_eq!(look("sse"), expected("#047857", "#34D399", "triangle"));
    assert_eq!(look("websocket"), expected("#1D4ED8", "#60A5FA", "diamond"));
    assert_eq!(look("socketio"), expected("#A21CAF", "#E879F9", "cross"));
    for Look { light, dark, .. } in ALL.iter().map(|spec| spec.look) {
        for colour in [light, dark] {
            let digits = colour.strip_prefix('#').unwrap();
            assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{colour}");
        }
    }
}

#[test]
fn a_browser_half_is_a_checked_module_that_subscribes() {
    for (id, module) in ALL.iter().filter_map(|spec| Some((spec.id, spec.browser_module?))) {
        assert!(module.starts_with("// @ts-check"), "{id}");
        assert!(module.contains("export function open("), "{id}");
    }
}
