//! The golden server as a process, and the one check of a calibration that asks for no absolute time: the ledger.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use conformance::client::Client;
use fault::golden::Told;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use report::Calibration;
use serde_json::{Value, value::RawValue};
use transport::{Driver, Event, Headers, Lane, Origin, Out, Role, Target};
use wire::{After, Draft, RoomName};

use crate::{binary, feedbench, only_folder, text};

#[tokio::test]
async fn the_golden_server_serves_the_floor_and_tells_what_it_did_when_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told.jsonl");
    let mut server = Command::new(binary())
        .args(["golden", "--until-stdin-closes", "--tell", told.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["pid"], server.id());
    let origin = Origin::parse(ready["listening"].as_str().unwrap()).unwrap();
    let target = Target {
        origin: origin.clone(),
        room: RoomName::new("bench", "r0").unwrap(),
        after: After::Head,
        headers: Headers::built_in("minimal").unwrap(),
        seed: 1,
        phase: None,
        receive: true,
    };
    let floor = transport::ALL.iter().find(|spec| spec.role == Role::Floor).unwrap();
    let mut client = Client::start(Lane::plain(floor).build().driver(target), origin.address);
    client.ready().await.unwrap();
    let data = RawValue::from_string(r#"{"n":1}"#.to_owned()).unwrap();
    let publish = move |driver: &mut dyn Driver, now, out: &mut Out| {
        driver.publish(&Draft::new("message".into(), &data), 7, now, out);
    };
    client.ask(publish).await.unwrap();
    let delivery = client.until(|event| if let Event::Delivery(delivery) = event { Some(delivery) } else { None });
    assert_eq!(delivery.await.unwrap().data(), r#"{"n":1}"#);
    kill(Pid::from_raw(i32::try_from(server.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(server.wait().unwrap().success());
    let told: Told = serde_json::from_str(fs::read_to_string(&told).unwrap().trim()).unwrap();
    assert_eq!(told, Told { publications: 1, written: 1, ..Told::default() });
}

#[test]
fn the_ledger_counts_exactly_what_the_golden_server_did() {
    let out = tempfile::tempdir().unwrap();
    let output =
        feedbench(&["calibrate", "--only", "ledger", "--out", out.path().to_str().unwrap(), "--format", "json"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    let calibration: Calibration = serde_json::from_str(&said).unwrap();
    assert!(calibration.passed() && !calibration.whole, "{said}");
    let folder = only_folder(out.path());
    assert_eq!(fs::read_to_string(folder.join("calibration.json")).unwrap().trim(), said.trim());
    assert!(fs::read_to_string(folder.join("index.html")).unwrap().contains("ledger"));
    assert!(folder.join("runs/ledger/record.jsonl").exists());
    let list = fs::read_to_string(out.path().join("index.html")).unwrap();
    assert!(list.contains(">YES</td><td>1 of 1 checks passed; not all were made</td>"), "{list}");
}
