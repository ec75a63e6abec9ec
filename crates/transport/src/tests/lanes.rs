//! Lanes and their options: what a text names, how it is printed, and what an error tells.

use std::time::Duration;

use proptest::prelude::*;

use super::lane;
use crate::{ALL, Lane, LaneError, Look, OptionError, OptionKind, OptionSpec, Options, Role, Spec, lane::standard};

const fn seconds(name: &'static str, title: &'static str) -> OptionSpec {
    let (default, min, max) = (Duration::from_secs(5), Duration::from_millis(100), Duration::from_mins(1));
    OptionSpec { name, title, kind: OptionKind::Duration { default, min, max }, help: "" }
}

const fn flag(name: &'static str, title: &'static str, excludes: &'static [&'static str]) -> OptionSpec {
    OptionSpec { name, title, kind: OptionKind::Flag { excludes }, help: "" }
}

/// In an order that is not the alphabet's. Of two that exclude each other, one says so.
static OPTIONS: [OptionSpec; 5] = [
    seconds("wait", "held for"),
    seconds("interval", "every"),
    flag("slow", "slowly", &[]),
    flag("fast", "fast", &["slow"]),
    flag("loud", "loudly", &[]),
];
static CATALOG: [Spec; 1] = [Spec {
    id: "demo",
    title: "Demo",
    look: Look { light: "#000000", dark: "#FFFFFF", mark: "circle" },
    role: Role::Choice,
    prefix: "/demo",
    options: &OPTIONS,
    variants: &["fast", "loud+interval=1s"],
    preference: None,
    browser_module: None,
    watch: ALL[0].watch,
    build: |_options| (ALL[0].build)(&Options::default()),
}];

fn demo(text: &str) -> Result<String, LaneError> {
    Lane::parse(text, &CATALOG).map(|lane| lane.to_string())
}

fn message(text: &str) -> String {
    Lane::parse(text, ALL).expect_err(text).to_string()
}

#[test]
fn every_transport_is_a_lane_by_its_id() {
    for spec in ALL {
        let lane = lane(spec.id);
        assert_eq!((lane.spec().id, lane.to_string()), (spec.id, spec.id.to_owned()));
        assert_eq!(Lane::plain(spec).to_string(), spec.id);
        assert_eq!(lane.options(), Lane::plain(spec).options());
    }
}

#[test]
fn a_lane_prints_its_options_sorted_and_leaves_defaults_out() {
    for (text, printed) in [
        ("demo", "demo"),
        ("demo+wait=1s+interval=2s", "demo+interval=2s+wait=1s"),
        ("demo+interval=2s+wait=1s", "demo+interval=2s+wait=1s"),
        ("demo+wait=1500ms", "demo+wait=1500ms"),
        ("demo+wait=2000ms", "demo+wait=2s"),
        ("demo+wait=5s", "demo"),
        ("demo+wait=5000ms+interval=1s", "demo+interval=1s"),
    ] {
        assert_eq!(demo(text).unwrap(), printed);
        assert_eq!(demo(printed).unwrap(), printed, "what is printed is read");
    }
    assert_eq!(lane("short-polling+interval=1s").to_string(), "short-polling");
    assert_eq!(lane("short-polling+interval=5000ms").to_string(), "short-polling+interval=5s");
}

#[test]
fn a_flag_is_written_as_its_bare_name() {
    for (text, printed) in [
        ("demo+fast", "demo+fast"),
        ("demo+loud+fast", "demo+fast+loud"),
        ("demo+slow+interval=1s", "demo+interval=1s+slow"),
        ("demo+wait=5s+loud", "demo+loud"),
    ] {
        assert_eq!(demo(text).unwrap(), printed);
    }
    let lane = Lane::parse("demo+fast", &CATALOG).unwrap();
    let flags = OPTIONS.each_ref().map(|option| lane.options().flag(option));
    assert_eq!(flags, [false, false, false, true, false]);
    assert_eq!(lane.options().iter().collect::<Vec<_>>(), [("fast", None)]);
    assert_eq!(lane.options().duration(&OPTIONS[0]), Duration::from_secs(5));
}

#[test]
fn a_flag_takes_no_value() {
    for value in ["yes", "true", "1s", ""] {
        let error = demo(&format!("demo+fast={value}")).unwrap_err().to_string();
        let expected = format!("the option \"fast\" is written without a value: +fast, not +fast={value}");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn flags_that_exclude_each_other_are_refused_with_both_names() {
    for (text, both) in [
        ("demo+fast+slow", r#""fast" and "slow""#),
        ("demo+slow+fast", r#""slow" and "fast""#),
        ("demo+fast+loud+slow", r#""fast" and "slow""#),
    ] {
        let error = demo(text).unwrap_err().to_string();
        assert_eq!(error, format!("lane {text:?}: the options {both} exclude each other"));
    }
}

#[test]
fn a_title_has_the_words_of_the_options_in_the_order_of_the_transport() {
    for (text, title) in [
        ("demo", "Demo"),
        ("demo+wait=5s", "Demo"),
        ("demo+fast", "Demo (fast)"),
        ("demo+interval=250ms", "Demo (every 250ms)"),
        ("demo+fast+interval=1s+loud+wait=2s", "Demo (held for 2s, every 1s, fast, loudly)"),
    ] {
        assert_eq!(Lane::parse(text, &CATALOG).unwrap().title(), title);
    }
    assert_eq!(lane("short-polling+interval=5s").title(), "Short polling (every 5s)");
}

#[test]
fn the_same_lane_takes_a_second_name_behind_an_at() {
    for (text, printed, title) in [
        ("demo@again", "demo@again", "Demo (again)"),
        ("demo+wait=5s@2", "demo@2", "Demo (2)"),
        ("demo+fast@b-2", "demo+fast@b-2", "Demo (fast, b-2)"),
    ] {
        let (plain, again) = (text.split_once('@').unwrap().0, Lane::parse(text, &CATALOG).unwrap());
        assert_eq!((again.to_string().as_str(), again.title().as_str()), (printed, title));
        assert_eq!(Lane::parse(printed, &CATALOG).unwrap().to_string(), printed, "what is printed is read");
        assert_eq!(again.options(), Lane::parse(plain, &CATALOG).unwrap().options());
        assert_eq!(again.variant(), None, "it stands behind the standard ones");
    }
    for text in ["demo@", "demo@B", "demo@a b", "demo@a@b", "demo@fast+loud", "demo@12345678901234567"] {
        let error = demo(text).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("behind the @"), "{error}");
    }
}

#[test]
fn the_lanes_compared_by_default_are_every_transport_and_its_variants() {
    let names = |catalog| standard(catalog).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&CATALOG), ["demo", "demo+fast", "demo+interval=1s+loud"]);
    let ids = ALL.iter().map(|spec| spec.id).collect::<Vec<_>>();
    assert_eq!(
        names(ALL).iter().filter(|name| !name.contains('+')).collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
}

#[test]
fn a_lane_knows_its_place_among_the_variants() {
    let variant = |text| Lane::parse(text, &CATALOG).unwrap().variant();
    assert_eq!(variant("demo"), Some(0));
    assert_eq!(variant("demo+fast"), Some(1));
    assert_eq!(variant("demo+interval=1s+loud"), Some(2));
    assert_eq!(variant("demo+loud"), None);
}

#[test]
fn an_unknown_transport_is_answered_with_those_that_there_are() {
    for text in ["", "sse2", "RAW", " raw", "+raw", "short_polling"] {
        let message = message(text);
        for spec in ALL {
            assert!(message.contains(spec.id), "{message}");
        }
    }
}

#[test]
fn an_unknown_option_is_answered_with_those_that_there_are() {
    assert_eq!(
        message("short-polling+intervall=5s"),
        r#"lane "short-polling+intervall=5s": the transport has no option "intervall"; it knows: interval"#
    );
    assert_eq!(message("raw+x=1"), r#"lane "raw+x=1": the transport has no option "x"; it knows: none"#);
    let error = demo("demo+x=1").unwrap_err().to_string();
    assert!(error.ends_with("it knows: wait, interval, slow, fast, loud"), "{error}");
    for text in ["raw+", "raw++", "raw+=", "short-polling+interval=2s+"] {
        assert!(message(text).contains("has no option"), "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_answered_with_what_does() {
    for value in ["", "5", "fast", "49ms", "60001ms", "61s", "0s", "-1s", "1.5s", "1s=2"] {
        let message = message(&format!("short-polling+interval={value}"));
        let expected = format!("the option \"interval\" takes a duration from 50ms to 60s, not {value:?}");
        assert!(message.ends_with(&expected), "{message}");
    }
    assert!(message("short-polling+interval").ends_with(r#"from 50ms to 60s, not """#));
    for value in ["50ms", "60s", "60000ms"] {
        lane(&format!("short-polling+interval={value}"));
    }
}

#[test]
fn an_option_given_twice_is_refused_even_with_its_default() {
    for text in ["demo+wait=5s+wait=5s", "demo+wait=1s+interval=1s+wait=2s"] {
        let Err(LaneError::Options { lane, source }) = demo(text) else { panic!("{text} was taken") };
        assert_eq!((lane.as_str(), source), (text, OptionError::Twice("wait".to_owned())));
    }
}

#[test]
fn the_interval_of_a_lane_is_the_one_it_names() {
    let interval = |text: &str| lane(text).build().interval();
    assert_eq!(interval("short-polling"), Some(Duration::from_secs(1)));
    assert_eq!(interval("short-polling+interval=250ms"), Some(Duration::from_millis(250)));
    for lane in ["long-polling", "sse", "websocket", "raw"] {
        assert_eq!(interval(lane), None, "{lane}");
    }
}

proptest! {
    #[test]
    fn what_a_lane_prints_is_the_same_lane(milliseconds in 50_u64..=60_000) {
        let given = lane(&format!("short-polling+interval={milliseconds}ms"));
        let read = lane(&given.to_string());
        prop_assert_eq!(read.options(), given.options());
        prop_assert_eq!(read.to_string(), given.to_string());
        prop_assert_eq!(read.build().interval(), Some(Duration::from_millis(milliseconds)));
    }

    #[test]
    fn any_text_is_a_lane_or_an_error(text in "(raw|demo|short-polling)?([+=](interval|wait|[a-z]{0,3}|[0-9]{0,3}m?s)){0,5}") {
        for catalog in [ALL, &CATALOG] {
            if let Ok(lane) = Lane::parse(&text, catalog) {
                let printed = lane.to_string();
                prop_assert_eq!(Lane::parse(&printed, catalog).unwrap().to_string(), printed);
            }
        }
    }
}
