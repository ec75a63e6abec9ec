//! Scenarios: what is read, what is laid over, and that each refusal says what to do.

use std::{fs, time::Duration};

use measure::Schedule;

use record::Publisher;

use super::scenario;
use crate::{Arrivals, BUILT_IN, Scenario, ScenarioError, scenario::Workload};

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
    assert_eq!(
        unknown.to_string(),
        r#"there is no scenario "fed"; there are: feed, chat, fanout, poll-interval, idle, connect; or name a TOML file"#
    );

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
    let refusals: [(&str, &[&str]); 27] = [
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
        ("size_bytes=19", &["size_bytes must be from 20 to 65536"]),
        ("size_bytes=65537", &["size_bytes must be from 20 to 65536"]),
        ("rate_hz=0", &["rate_hz must be above 0", "heartbeat", "connect_rate_hz"]),
        ("rate_hz=-1", &["rate_hz must be a number from 0"]),
        ("rate_hz=nan", &["rate_hz must be a number from 0"]),
        ("rate_hz=inf", &["rate_hz must be a number from 0"]),
        ("connect_rate_hz=5", &["rate_hz must be 0 where connect_rate_hz is given"]),
        ("publisher=everybody", &["`everybody`", "`neutral`", "`members`"]),
        ("heartbeat=99ms", &["heartbeat must be at least 100ms"]),
        ("blocks=0", &["blocks must be from 1 to 100"]),
        ("rooms=1,2", &["rooms takes one value", "--interval"]),
        ("rooms=[1,2]", &["rooms takes one value", "--interval"]),
        ("lanes=sse", &["sse", "lanes"]),
        ("window=", &["write an integer with ms or s"]),
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
    for pair in ["size_bytes=20", "size_bytes=65536", "rooms=300", "window=50ms", "rate_hz=0.01", "rooms=1"] {
        scenario(&[pair]);
    }
    scenario(&["rooms=1", "subscribers=1"]);
}

/// A built-in scenario with `key=value` pairs laid over it, or why it is refused.
fn built_in(name: &str, overrides: &[&str]) -> Result<Scenario, String> {
    let overrides: Vec<_> = overrides.iter().map(|&pair| pair.to_owned()).collect();
    Scenario::load(name, &overrides).map_err(|error| error.to_string())
}

#[test]
fn a_scenario_is_about_publications_silence_or_connecting() {
    let workload = |name| built_in(name, &[]).unwrap().workload().unwrap();
    for name in ["feed", "chat", "fanout", "poll-interval"] {
        assert_eq!(workload(name), Workload::Feed, "{name}");
    }
    assert_eq!(workload("idle"), Workload::Idle { heartbeat: Duration::from_secs(25) });
    assert_eq!(workload("connect"), Workload::Connect { rate_hz: 200.0 });
    let publishers = |name| built_in(name, &[]).unwrap().publishers();
    assert_eq!(["feed", "chat", "fanout", "idle", "connect"].map(publishers), [60, 0, 1, 0, 0]);
}

#[test]
fn members_that_publish_need_something_to_say_and_time_to_begin() {
    let refused = |pair| built_in("chat", &[pair]).unwrap_err();
    assert!(refused("rate_hz=0").contains("members that publish need a rate_hz above 0"));
    assert!(refused("warm_up=0s").contains("members need a warm_up"));
}

#[test]
fn an_idle_window_holds_whole_heartbeats() {
    for (window, heartbeat) in [("50s", "25s"), ("25s", "25s"), ("1s", "500ms")] {
        let pairs = [format!("window={window}"), format!("heartbeat={heartbeat}")];
        built_in("idle", &pairs.each_ref().map(String::as_str)).unwrap();
    }
    for window in ["49s", "5s", "60s"] {
        let error = built_in("idle", &[&format!("window={window}")]).unwrap_err();
        assert!(error.contains("window must be a whole number of heartbeats"), "{error}");
    }
}

#[test]
fn the_window_of_connecting_is_what_the_warm_up_leaves_of_opening_everybody() {
    assert_eq!(built_in("connect", &[]).unwrap().window, Duration::from_millis(1250));
    assert_eq!(built_in("connect", &["subscribers=100"]).unwrap().window, Duration::from_millis(250));
    for (pair, says) in [
        ("window=600ms", "window must be left out"),
        ("subscribers=50", "subscribers are too few"),
        ("connect_rate_hz=0", "connect_rate_hz must be above 0"),
        ("connect_rate_hz=-3", "connect_rate_hz must be above 0"),
        ("connect_rate_hz=401", "at most 400"),
    ] {
        let error = built_in("connect", &[pair]).unwrap_err();
        assert!(error.contains(says), "{pair}: {error}");
    }
}

#[test]
fn a_scenario_may_name_its_lanes_and_blocks() {
    assert_eq!(built_in("poll-interval", &[]).unwrap().lanes.len(), 6);
    assert_eq!(built_in("idle", &[]).unwrap().blocks, Some(2));
    assert_eq!(scenario(&[r#"lanes=["sse","raw"]"#]).lanes, ["sse", "raw"]);
    let plain = scenario(&[]);
    assert_eq!((plain.lanes.len(), plain.blocks), (0, None));
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

#[test]
fn the_record_says_who_publishes_and_what_is_opened() {
    let recorded = |name| built_in(name, &[]).unwrap().to_record();
    let publishers = ["feed", "chat", "idle", "connect"].map(|name| recorded(name).publisher);
    let expected = [Publisher::Neutral, Publisher::Members, Publisher::Nobody, Publisher::Nobody];
    assert_eq!(publishers, expected);
    assert_eq!((recorded("idle").heartbeat_ns, recorded("feed").heartbeat_ns), (Some(25_000_000_000), None));
    assert_eq!((recorded("connect").connect_rate_hz, recorded("idle").connect_rate_hz), (Some(200.0), None));
}
