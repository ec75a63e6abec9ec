//! Scenarios: what is read, what is laid over, and that each refusal says what to do.

use std::{fs, time::Duration};

use measure::Schedule;

use super::scenario;
use crate::{Arrivals, BUILT_IN, Scenario, ScenarioError};

fn refusal(overrides: &[&str]) -> String {
    let overrides: Vec<_> = overrides.iter().map(|&pair| pair.to_owned()).collect();
    Scenario::load("feed", &overrides).unwrap_err().to_string()
}

#[test]
fn every_built_in_scenario_can_be_run() {
    for (name, _) in BUILT_IN {
        let scenario = Scenario::load(name, &[]).unwrap();
        assert_eq!(scenario.name, name);
        assert!(scenario.question.ends_with('?'), "{name} asks nothing: {}", scenario.question);
    }
}

#[test]
fn overrides_replace_what_the_text_says() {
    let changed = scenario(&[
        "rooms=10",
        "rate_hz=2",
        "arrivals=constant",
        "window=1s",
        "warm_up=0ms",
        r#"question="a = b?""#,
        "rooms=11",
    ]);
    let expected = Scenario {
        rooms: 11,
        rate_hz: 2.0,
        arrivals: Arrivals::Constant,
        window: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        question: "a = b?".to_owned(),
        ..scenario(&[])
    };
    assert_eq!(changed, expected);
}

#[test]
fn a_file_is_a_scenario_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, BUILT_IN[0].1.replace("rooms = 60", "rooms = 6")).unwrap();
    let read = Scenario::load(path.to_str().unwrap(), &["size_bytes=64".to_owned()]).unwrap();
    assert_eq!(read, Scenario { name: "mine".to_owned(), ..scenario(&["rooms=6", "size_bytes=64"]) });
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let unknown = Scenario::load("fed", &[]).unwrap_err();
    assert!(matches!(unknown, ScenarioError::Unknown { .. }));
    assert_eq!(unknown.to_string(), r#"there is no scenario "fed"; there are: feed; or name a TOML file"#);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let missing = Scenario::load(path.to_str().unwrap(), &[]).unwrap_err();
    assert!(matches!(missing, ScenarioError::Read { .. }));
    assert!(missing.to_string().contains(path.to_str().unwrap()), "{missing}");
}

#[test]
fn a_text_that_is_not_toml_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.toml");
    fs::write(&path, "question = \"Why?\"\nrooms = = 1\n").unwrap();
    let error = Scenario::load(path.to_str().unwrap(), &[]).unwrap_err().to_string();
    assert!(error.contains(r#"scenario "broken""#) && error.contains("line 2"), "{error}");
}

#[test]
fn each_refusal_says_what_to_do() {
    let refusals: [(&str, &[&str]); 18] = [
        ("rooms", &["not key=value", "rooms=10"]),
        ("colour=red", &["unknown field `colour`", "`size_bytes`", "`warm_up`"]),
        ("name=other", &["unknown field `name`"]),
        ("arrivals=often", &["`often`", "`poisson`", "`constant`"]),
        ("rooms=-1", &["-1", "rooms"]),
        ("rate_hz=fast", &["fast", "rate_hz"]),
        ("window=5m", &["5m", "write an integer with ms or s", "window"]),
        ("window=5", &["5", "write an integer with ms or s", "window"]),
        ("warm_up=1.5s", &["1.5s", "write an integer with ms or s"]),
        ("subscribers=0", &["subscribers must be at least 1"]),
        ("rooms=0", &["rooms must be at least 1"]),
        ("rooms=301", &["rooms must not exceed subscribers"]),
        ("size_bytes=35", &["size_bytes must be from 36 to 65536"]),
        ("size_bytes=65537", &["size_bytes must be from 36 to 65536"]),
        ("rate_hz=0", &["rate_hz must be above 0"]),
        ("rate_hz=nan", &["rate_hz must be above 0"]),
        ("rate_hz=inf", &["rate_hz must be above 0"]),
        ("window=49ms", &["window must be at least 50ms"]),
    ];
    for (pair, parts) in refusals {
        let text = refusal(&[pair]);
        for part in parts {
            assert!(text.contains(part), "{pair}: {part:?} is not in {text:?}");
        }
    }
}

#[test]
fn values_at_their_bounds_are_taken() {
    for pair in ["size_bytes=36", "size_bytes=65536", "rooms=300", "window=50ms", "rate_hz=0.01", "rooms=1"] {
        scenario(&[pair]);
    }
    scenario(&["rooms=1", "subscribers=1"]);
}

#[test]
fn arrivals_choose_the_schedule() {
    assert_eq!(scenario(&["rate_hz=3"]).schedule(), Schedule::Poisson { rate_hz: 3.0 });
    assert_eq!(scenario(&["arrivals=constant"]).schedule(), Schedule::Constant { rate_hz: 5.0 });
}

#[test]
fn the_record_holds_what_was_asked() {
    let recorded = scenario(&["arrivals=constant", "window=1s"]).to_record();
    assert_eq!((recorded.rooms, recorded.subscribers, recorded.size_bytes), (60, 300, 128));
    assert_eq!((recorded.name.as_str(), recorded.arrivals.as_str()), ("feed", "constant"));
    assert_eq!((recorded.window_ns, recorded.warm_up_ns), (1_000_000_000, 150_000_000));
}
