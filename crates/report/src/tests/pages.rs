//! The page as a whole.

use record::{Publication, Record};

use super::fixture::{DELIVERIES, EIGHT, PUBLISHES, SHORT_POLLING, Spec, cells_of, dataset, record, run};
use crate::{render, table};

fn page(record: &Record) -> String {
    render(&dataset(record)).expect("rendered")
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    let record = run(&EIGHT, Some("websocket"));
    assert_eq!(page(&record), page(&record));
}

/// Everything that there is to draw: eight lanes, one of them with three intervals, and every publication.
fn heaviest() -> Record {
    let every = [("short-polling+interval=250ms", 1), ("short-polling+interval=5s", 2)].map(|(lane, variant)| Spec {
        lane,
        variant,
        ..SHORT_POLLING
    });
    let mut record = run(&[&EIGHT[..], &every].concat(), Some("websocket"));
    for lane in record.header.lanes.iter_mut().filter(|lane| lane.transport == "short-polling") {
        lane.interval_ns = Some([1_000_000_000, 250_000_000, 5_000_000_000][lane.variant as usize]);
    }
    for (cell, publications) in &mut record.cells {
        let due = |n: u64| i64::try_from(n * cell.window.length_ns / PUBLISHES).expect("small");
        let line = |n: u64| {
            let at = Some(due(n) + 200_000 + i64::from(cell.block) * 7_919);
            let (sent_ns, first_ns, median_ns, last_ns) = (Some(due(n)), at, at, at);
            Publication { n, room: 0, due_ns: due(n), sent_ns, first_ns, median_ns, last_ns, delivered: 5 }
        };
        *publications = (0..PUBLISHES).map(line).collect();
    }
    record
}

#[test]
fn a_page_is_small_and_needs_nothing_from_elsewhere() {
    let page = page(&heaviest());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("id=\"latency-heat\"") && page.contains("--lane-9:"), "it is not all there");
    for outside in ["http://", "https://", "src=", "@import", "<link", "fetch(", "url(h"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"), "a browser would let it ask");
}

#[test]
fn every_link_has_its_target_and_every_id_is_unique() {
    let page = page(&record());
    let quoted = |start: &str| -> Vec<String> {
        page.split(start).skip(1).filter_map(|rest| rest.split_once('"')).map(|(id, _)| id.to_owned()).collect()
    };
    let mut ids = quoted(" id=\"");
    for target in quoted("href=\"#") {
        assert!(ids.contains(&target), "{target}");
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn sections_stand_in_the_order_of_the_methodology() {
    let page = page(&record());
    let sections =
        ["answer", "validity", "latency", "bytes", "cost", "reliability", "sensitivity", "baseline", "pitfalls", "raw"];
    let places: Vec<usize> =
        sections.iter().map(|id| page.find(&format!("<section id=\"{id}\"")).expect("a section")).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_list_of_sections_leads_to_every_one_in_their_order() {
    let page = page(&record());
    let (_, rest) = page.split_once("<nav").expect("a list of sections");
    let (list, _) = rest.split_once("</nav>").expect("its end");
    let listed: Vec<&str> = list.split("href=\"#").skip(1).filter_map(|link| Some(link.split_once('"')?.0)).collect();
    let places: Vec<usize> = listed.iter().map(|id| page.find(&format!(" id=\"{id}\"")).expect("a section")).collect();
    assert!(places.is_sorted(), "{listed:?}");
    let sections = page.split("\n<section id=\"").skip(1).filter_map(|section| Some(section.split_once('"')?.0));
    let unlisted: Vec<&str> = sections.filter(|id| !listed.contains(id)).collect();
    assert_eq!(unlisted, Vec::<&str>::new());
    assert!(page.contains("<a class=\"skip\" href=\"#answer\">"));
}

#[test]
fn headings_leave_no_level_out() {
    let page = page(&run(&EIGHT, Some("websocket")));
    let digits = page.split("<h").skip(1).filter_map(|tag| tag.chars().next()?.to_digit(10));
    let levels: Vec<u32> = digits.collect();
    assert_eq!((levels[0], levels.iter().filter(|level| **level == 1).count()), (1, 1));
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn values_that_are_sorted_by_stand_beside_the_text_in_one_unit() {
    let page = page(&record());
    assert!(page.contains("data-value=\"829\">829 B</td>"));
    assert!(!page.contains("data-value=\"NaN") && !page.contains("data-value=\"inf"));
}

#[test]
fn the_first_screen_says_what_was_run_and_whether_it_holds() {
    let page = page(&record());
    for words in [
        "300 subscribers in 60 rooms",
        "5/s a room, poisson",
        "128 B",
        "loopback, 2 cores",
        "chromium headers",
        "<b>VALID</b> 24 of 24 checks passed",
        "Use WebSocket for this workload",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn reasons_of_an_invalid_run_are_in_the_head_of_the_page() {
    let mut record = record();
    cells_of(&mut record, "raw")[0].deliveries.delivered = DELIVERIES - 1;
    let page = page(&record);
    let (head, _) = page.split_once("</header>").expect("a header");
    assert!(head.contains("class=\"verdict invalid\""));
    assert!(head.contains("<li>raw: deliveries were lost"));
    assert!(page.contains("No recommendation"));
}

#[test]
fn what_comes_from_the_record_is_escaped() {
    let mut record = record();
    record.header.command = "feedbench bench '<script>alert(1)</script>'".to_owned();
    record.header.lanes[1].colour_light = "red;}</style><script>".to_owned();
    let page = page(&record);
    assert_eq!(page.matches("<script").count(), 1, "the page's own, at its end");
    assert!(!page.contains("alert(1)</script>") && !page.contains("red;}"));
}

#[test]
fn a_run_without_memory_says_so() {
    let mut record = record();
    for (cell, _) in &mut record.cells {
        cell.memory = None;
    }
    assert!(page(&record).contains("Memory was not measured in this run"));
    assert!(table(&dataset(&record)).contains("not measured"));
}

#[test]
fn a_record_without_cells_still_makes_a_page() {
    let mut record = record();
    record.cells.clear();
    let page = page(&record);
    assert!(page.contains("nothing was measured"));
    assert!(page.contains("the scenario feed would fill this"));
}

#[test]
fn lanes_of_one_transport_are_told_apart_by_their_options() {
    let mut record = record();
    record.header.lanes[1].label = Some("Short polling (every 5s)".to_owned());
    assert!(page(&record).contains("Short polling (every 5s)"));
}

#[test]
fn lanes_of_a_record_without_titles_of_their_own_are_told_apart_by_their_options_as_they_are_written() {
    let mut record = record();
    record.header.lanes[1].label = None;
    record.header.lanes[1].options.insert("interval".to_owned(), "5s".to_owned());
    record.header.lanes[2].label = None;
    record.header.lanes[2].options.insert("deflate".to_owned(), String::new());
    let page = page(&record);
    assert!(page.contains("Short polling (interval=5s)") && page.contains("WebSocket (deflate)"));
}

#[test]
fn beside_its_name_every_lane_shows_its_line() {
    let page = page(&run(&EIGHT, Some("websocket")));
    let key = |name: &str| {
        let (before, _) = page.split_once(&format!("</svg>{name}")).expect("a row");
        before.rsplit("<svg class=\"key ").next().expect("a key").to_owned()
    };
    let [plain, websocket, polling] = ["Socket.IO</th>", "Socket.IO (WebSocket)</th>", "Socket.IO (polling)"].map(key);
    assert!(plain.starts_with("l4") && !plain.contains("dasharray"), "{plain}");
    assert!(websocket.starts_with("l5") && websocket.contains("dasharray=\"6 3\""), "{websocket}");
    assert!(polling.starts_with("l6") && polling.contains("dasharray=\"2 3\""), "{polling}");
}

#[test]
fn the_terminal_table_is_aligned_and_in_order() {
    let table = table(&dataset(&record()));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("lane ") && lines[0].ends_with("lost"), "{table}");
    assert!(lines[1].starts_with("raw ") && lines[3].starts_with("websocket "), "{table}");
    assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    assert!(lines[2].contains("829 B") && lines[2].contains("21.0 µs (4.20x)"), "{table}");
}
