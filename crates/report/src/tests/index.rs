//! The list of runs: an order that depends on nothing but the entries, and names of strangers as text.

use super::fixture::record;
use crate::{
    Calibration, Status,
    calibration::{Check, Row},
    index::{Entry, Found, Run, is_list, render},
};

/// 2026-11-20, 17:38 UTC.
const AT_US: u64 = 1_795_196_287_000_000;

fn run(folder: &str, at_us: u64, status: Status) -> Entry {
    let mut header = record().header;
    header.at_us = at_us;
    Entry { folder: folder.to_owned(), found: Found::Run(Box::new(Run { header, status })) }
}

fn calibration(folder: &str, measured: f64) -> Entry {
    let header = record().header;
    let rows = vec![Row::near("p50", "ms", Some(measured), 10.0, 0.4)];
    let calibration = Calibration {
        version: 1,
        at_us: AT_US,
        command: String::new(),
        host: header.host,
        tool: header.tool,
        whole: false,
        checks: vec![Check { name: "delay".to_owned(), rows, ..Check::default() }],
    };
    Entry { folder: folder.to_owned(), found: Found::Calibration(Box::new(calibration)) }
}

fn unread(folder: &str) -> Entry {
    Entry { folder: folder.to_owned(), found: Found::Unread("record.jsonl does not begin with a header".to_owned()) }
}

#[test]
fn runs_stand_newest_first_whatever_order_they_were_found_in() {
    let mut entries = vec![
        run("old", AT_US - 60_000_000, Status::Valid),
        unread("b"),
        run("new-b", AT_US, Status::Suspect),
        calibration("c", 10.0),
        run("new-a", AT_US, Status::Invalid),
        unread("a"),
    ];
    let list = render(&entries).unwrap();
    let places: Vec<usize> = ["new-a/", "new-b/", "old/", "\"c/", "<code>a</code>", "<code>b</code>"]
        .iter()
        .map(|name| list.find(name).unwrap_or_else(|| panic!("{name} is not in {list}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    entries.reverse();
    assert_eq!(list, render(&entries).unwrap());
}

#[test]
fn a_run_is_shown_with_its_date_question_verdict_lanes_load_host_and_commit() {
    let list = render(&[run("2026-11-20T17-38-07-feed", AT_US, Status::Suspect)]).unwrap();
    for words in [
        "<a href=\"2026-11-20T17-38-07-feed/index.html\">2026-11-20 17:38</a></th>",
        "Which transport should carry a chat feed?",
        "<td class=\"doubt\">SUSPECT</td>",
        "<span>short-polling</span>",
        "300 subscribers, 5/s a room, poisson, 128 B",
        ">a1b2c3</td>",
        ">0123abc</td>",
    ] {
        assert!(list.contains(words), "{words}: {list}");
    }
    let other = render(&[run("sample", AT_US, Status::Invalid)]).unwrap();
    assert!(other.contains("<small>sample</small>") && other.contains("<td class=\"broken\">INVALID</td>"), "{other}");
}

#[test]
fn a_calibration_is_a_yes_or_a_no_with_what_failed() {
    let yes = render(&[calibration("c", 10.0)]).unwrap();
    assert!(yes.contains(">YES</td><td>1 of 1 checks passed; not all were made</td>"), "{yes}");
    let no = render(&[calibration("c", 11.0)]).unwrap();
    assert!(no.contains(">NO</td><td>0 of 1 checks passed") && no.contains("FAILED: delay"), "{no}");
}

#[test]
fn an_empty_list_says_what_would_fill_it_and_is_told_from_other_pages() {
    let list = render(&[]).unwrap();
    assert!(list.contains("feedbench bench") && list.contains("feedbench calibrate"), "{list}");
    assert!(is_list(&list));
    let page = crate::render(&super::fixture::dataset(&record())).unwrap();
    assert!(!is_list(&page) && !is_list("<title>My home page</title>"));
}

#[test]
fn a_folder_named_with_markup_stays_a_name_and_its_link_a_path() {
    for strange in ["<i>&\"", "a b#c?d%", "javascript:alert(1)"] {
        let list = render(&[run(strange, AT_US, Status::Valid), unread(strange)]).unwrap();
        let (_, rest) = list.split_once("<a href=\"").unwrap();
        let (target, _) = rest.split_once('"').unwrap();
        let segment = target.strip_suffix("/index.html").unwrap();
        assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-._~".contains(&b)), "{target}");
        assert!(!list.contains("<i>"), "{strange}");
    }
}
