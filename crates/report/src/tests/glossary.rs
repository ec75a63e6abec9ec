//! Every word that is explained is one that a page uses, and every link to it arrives.

use std::collections::BTreeSet;

use super::{
    calibrations::page as calibration_page,
    fixture::{EIGHT, dataset, run},
};
use crate::{
    glossary::{TERMS, anchor},
    render,
};

/// What is in a page beside its style, its script and the glossary itself, in small letters and without tags.
fn words(page: &str) -> String {
    let (before, rest) = page.split_once("<section id=\"glossary\">").expect("a glossary");
    let (_, rest) = rest.split_once("</section>").expect("its end");
    let shown = before.split_once("</style>").expect("a style").1;
    let after = rest.split_once("<script>").map_or(rest, |(after, _)| after);
    let text = format!("{shown}{after}");
    text.split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text))
        .collect::<String>()
        .to_lowercase()
}

#[test]
fn every_word_that_is_explained_is_used() {
    let mut record = run(&EIGHT, Some("websocket"));
    record.header.lanes[0].interval_ns = Some(1_000_000_000);
    for (cell, _) in &mut record.cells {
        cell.phases = vec![0.25, 0.75];
    }
    let used = words(&render(&dataset(&record)).expect("rendered")) + &words(&calibration_page());
    let unused: Vec<&str> =
        TERMS.iter().map(|term| term.name).filter(|name| !used.contains(&name.to_lowercase())).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn words_stand_in_order_once_each_and_in_whole_sentences() {
    let names: Vec<String> = TERMS.iter().map(|term| term.name.to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let heads: Vec<&str> = TERMS.iter().flat_map(|term| [&[term.name], term.heads].concat()).collect();
    assert_eq!(heads.iter().collect::<BTreeSet<_>>().len(), heads.len(), "a head means one thing: {heads:?}");
    assert!(TERMS.iter().all(|term| term.id.starts_with("term-") && term.meaning.ends_with('.')));
}

#[test]
fn a_head_leads_to_what_it_means() {
    assert_eq!((anchor("p99.9"), anchor("lane")), (Some("term-quantile"), Some("term-lane")));
    assert_eq!(anchor("outcome"), None);
    let page = render(&dataset(&run(&EIGHT, Some("websocket")))).expect("rendered");
    assert!(page.contains("<th scope=\"col\"><a href=\"#term-p99\">p99</a></th>"));
}
