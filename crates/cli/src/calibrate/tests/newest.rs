//! Which calibration later reports quote.

use std::{fs, path::Path};

use report::{
    Calibration,
    calibration::{Check, Row},
};

use crate::calibrate::{ALL, RESULT, chosen, newest};

fn calibration(host: &str, at_us: u64, whole: bool) -> Calibration {
    let checks = [1.0, 2.0].map(|measured| Check {
        name: "a".to_owned(),
        rows: vec![Row::near("b", "ms", Some(measured), 1.0, 0.1)],
        ..Check::default()
    });
    let host = record::Host { id: host.to_owned(), ..host_of_a_test() };
    let tool = record::Tool { version: "0.1.0".to_owned(), ..tool_of_a_test() };
    let command = "feedbench calibrate --seed 1".to_owned();
    Calibration { version: 1, at_us, command, host, tool, whole, checks: checks.into() }
}

fn host_of_a_test() -> record::Host {
    serde_json::from_str(
        r#"{"id":"","cores":2,"cpu":"","kernel":"","loopback":true,"realtime":true,"server_cpu":1,"generator_cpu":0,"file_limit":1}"#,
    )
    .unwrap()
}

fn tool_of_a_test() -> record::Tool {
    serde_json::from_str(r#"{"version":"","commit":"abc","build":"release"}"#).unwrap()
}

fn write(out: &Path, name: &str, text: &str) {
    fs::create_dir(out.join(name)).unwrap();
    fs::write(out.join(name).join(RESULT), text).unwrap();
}

#[test]
fn the_newest_whole_calibration_of_the_host_is_quoted() {
    let out = tempfile::tempdir().unwrap();
    let json = |calibration: &Calibration| serde_json::to_string(calibration).unwrap();
    write(out.path(), "b", &json(&calibration("here", 2, true)));
    write(out.path(), "a", &json(&calibration("here", 3, true)));
    write(out.path(), "c", &json(&calibration("here", 1, true)));
    write(out.path(), "part", &json(&calibration("here", 9, false)));
    write(out.path(), "elsewhere", &json(&calibration("there", 9, true)));
    write(out.path(), "broken", "{");
    fs::create_dir(out.path().join("a-run")).unwrap();
    let quoted = newest(out.path(), "here").unwrap();
    assert_eq!((quoted.at_us, quoted.checks, quoted.passed, quoted.commit.as_deref()), (3, 2, 1, Some("abc")));
    assert_eq!(newest(out.path(), "nowhere"), None);
    assert_eq!(newest(&out.path().join("missing"), "here"), None);
}

#[test]
fn a_calibration_survives_its_file() {
    let calibration = calibration("here", 1, true);
    let read: Calibration = serde_json::from_str(&serde_json::to_string(&calibration).unwrap()).unwrap();
    assert_eq!(read, calibration);
    assert!(!read.passed() && read.checks[0].passed());
}

#[test]
fn checks_are_chosen_by_name_in_their_own_order() {
    let names = |only: &[&str]| -> Option<Vec<&str>> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        chosen(&only).ok().map(|entries| entries.into_iter().map(|(name, _)| name).collect())
    };
    assert_eq!(names(&[]).unwrap().len(), ALL.len());
    assert_eq!(names(&["same", "delay"]).unwrap(), ["delay", "same"]);
    assert_eq!(names(&["delays"]), None);
}
