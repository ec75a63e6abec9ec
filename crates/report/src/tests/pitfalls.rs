//! Every pitfall is told with the run's own values, and one that was not dealt with is not said to be.

use record::{Calibration, Environment, Publisher, Record, SocketOptions};

use super::fixture::{CONNECTIONS, DELIVERIES, EIGHT, cells_of, dataset, record, run};
use crate::{
    charts::Input,
    pitfalls::{Handled, Pitfall, Theme, pitfalls, tally},
    render, summary, verdict,
};

type Change = fn(&mut Record);

fn themes(record: &Record) -> Vec<Theme> {
    let data = dataset(record);
    let (summary, verdict) = (summary(&data), verdict(&data));
    pitfalls(Input { data: &data, summary: &summary, verdict: &verdict })
}

/// Whether it is dealt with, and how; none when the run has no such entry.
fn told<'a>(themes: &'a [Theme], name: &str) -> Option<(Handled, &'a str)> {
    let found = themes.iter().flat_map(|theme| &theme.entries).find(|entry| entry.name.contains(name));
    found.map(|Pitfall { handled, how, .. }| (*handled, how.as_str()))
}

/// Changes the made run.
fn with(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = record();
    change(&mut record);
    record
}

#[test]
fn what_was_dealt_with_is_told_with_the_values_of_the_run() {
    let themes = themes(&record());
    for (name, words) in [
        ("Coordinated omission", "6,240 were due in all cells and all were written"),
        ("Losses", "All of 21,600 expected deliveries came"),
        ("late publisher", "9.01 µs or more"),
        ("two clocks", "the kernel reads tsc"),
        ("period", "Poisson"),
        ("Averaged", "6 blocks"),
        ("handful", "1,080, which carry quantiles up to the p99"),
        ("best one", "6 of 6 blocks"),
        ("Noise", "WebSocket has a twin"),
        ("Nagle", "TCP_NODELAY was read back as on"),
        ("emulation", "noqueue"),
        ("no browser would send", "chromium"),
        ("nobody names", "Of 7,200 connections all agree"),
        ("end by reset", "No connection ended by reset"),
        ("without room", "31.0 %"),
        ("Other processes", "1.00 % of a core"),
        ("equally fast", "1.50 µs"),
        ("optimisation", "release"),
    ] {
        let (handled, how) = told(&themes, name).expect(name);
        assert_eq!(handled, Handled::Yes, "{name}: {how}");
        assert!(how.contains(words), "{name}: {how}");
    }
    assert_eq!((CONNECTIONS * 24, DELIVERIES * 24), (7_200, 21_600));
}

#[test]
fn what_was_not_dealt_with_is_said_plainly() {
    let changes: [(&str, &str, Change); 12] = [
        ("Nagle", "read back as off", |record| {
            record.header.host.environment.socket =
                Some(SocketOptions { no_delay: Some(false), ..SocketOptions::default() });
        }),
        ("emulation", "fq_codel", |record| {
            record.header.host.environment.loopback_qdiscs = Some(vec!["fq_codel".to_owned()]);
        }),
        ("emulation", "does not hold", |record| record.header.host.environment = Environment::default()),
        ("Loopback", "Nothing crossed a network", |_| ()),
        ("same CPU", "They shared 2 cores", |record| record.header.host.server_cpu = None),
        ("lets others go first", "did not permit", |record| {
            record.header.host.realtime = false;
            record.header.host.environment.server_scheduling = None;
        }),
        ("TLS", "No lane was encrypted", |_| ()),
        ("best one", "1 of 6 blocks", |record| record.cells.retain(|(cell, _)| cell.block == 0)),
        ("Noise", "No lane ran twice", |record| {
            record.header.twin_of = None;
            record.cells.retain(|(cell, _)| !cell.twin);
        }),
        ("nobody names", "7,199 agree", |record| cells_of(record, "websocket")[0].kernel.matched -= 1),
        ("optimisation", "debug", |record| record.header.tool.build = "debug".to_owned()),
        ("nobody has checked", "2 of 10 checks FAILED", |record| {
            record.header.calibration =
                Some(Calibration { at_us: 1, checks: 10, passed: 8, version: "0.1.0".to_owned(), commit: None });
        }),
    ];
    for (name, words, change) in changes {
        let themes = themes(&with(change));
        let (handled, how) = told(&themes, name).expect(name);
        assert_eq!(handled, Handled::No, "{name}: {how}");
        assert!(how.contains(words), "{name}: {how}");
    }
}

#[test]
fn a_mistake_that_the_run_could_not_make_has_no_entry() {
    let silent = themes(&with(|record| record.header.scenario.publisher = Publisher::Nobody));
    for name in ["late publisher", "Losses", "period", "handful", "Slow readers", "Many comparisons"] {
        assert_eq!(told(&silent, name), None, "{name}");
    }
    assert_eq!(told(&themes(&record()), "Pollers in step"), None, "no lane of it asks by the clock");
}

#[test]
fn pollers_in_step_are_told_from_those_that_are_spread() {
    let phases = |phases: Vec<f32>| {
        themes(&with(|record| {
            record.header.lanes[1].interval_ns = Some(1_000_000_000);
            for cell in cells_of(record, "short-polling") {
                cell.phases.clone_from(&phases);
            }
        }))
    };
    let spread = phases((0..100_u8).map(|n| f32::from(n) / 100.0).collect());
    let (handled, how) = told(&spread, "in step").expect("told");
    assert_eq!(handled, Handled::Yes, "{how}");
    let equal = phases(vec![0.5; 100]);
    let (handled, how) = told(&equal, "in step").expect("told");
    assert_eq!(handled, Handled::No);
    assert!(how.contains("is 5.00 at worst"), "{how}");
}

#[test]
fn a_round_trip_that_was_put_there_is_told_and_costs_are_not() {
    let themes = themes(&with(|record| record.header.rtt_ns = Some(50_000_000)));
    let (handled, how) = told(&themes, "Loopback").expect("told");
    assert_eq!(handled, Handled::Partly);
    assert!(how.starts_with("50 ms round trip"), "{how}");
    for name in ["allocator", "Ratios", "Handshakes"] {
        assert_eq!(told(&themes, name), None, "{name}");
    }
}

#[test]
fn the_page_counts_them_and_numbers_them_as_the_document_does() {
    let record = run(&EIGHT, Some("websocket"));
    let themes = themes(&record);
    let entries: Vec<&Pitfall> = themes.iter().flat_map(|theme| &theme.entries).collect();
    assert!(entries.len() >= 35, "{}", entries.len());
    assert!(entries.iter().all(|entry| entry.how.ends_with('.') && entry.number.is_none_or(|n| (1..=50).contains(&n))));
    let page = render(&dataset(&record)).expect("rendered");
    assert!(page.contains(&tally(&themes)));
    for Pitfall { name, how, .. } in entries {
        let shown = |text: &str| page.contains(&text.replace('\'', "&#39;"));
        assert!(shown(name) && shown(how), "{name}: {how}");
    }
}
