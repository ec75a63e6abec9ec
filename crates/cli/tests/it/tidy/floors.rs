//! Which crate may use which: the table in ARCHITECTURE.md against what cargo sees.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{read, root};

const HEADER: &str = "| floor | crate | holds | may use |";

/// Only ever a dev-dependency.
const TESTS_ONLY: &str = "testkit";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// None for what stands beside the house.
    floor: Option<u8>,
    /// Ours that it uses; none for "anything".
    may_use: Option<BTreeSet<String>>,
}

/// Every crate of ours with those of ours that it depends on outside of tests.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn parse_table(markdown: &str) -> BTreeMap<String, Row> {
    let after = markdown.split_once(HEADER).map_or("", |(_, after)| after);
    let rows = after.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [floor, name, _holds, may_use] = cells[..] else { panic!("not four cells: {row}") };
        let quoted = may_use.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let may_use = (may_use != "anything").then_some(quoted);
        (name.trim_matches('`').to_owned(), Row { floor: floor.parse().ok(), may_use })
    })
    .collect()
}

fn complaints(table: &BTreeMap<String, Row>, uses: &Uses) -> Vec<String> {
    let mut found = Vec::new();
    for name in uses.keys().filter(|name| !table.contains_key(*name)) {
        found.push(format!("{name} is not in the table"));
    }
    for (name, row) in table {
        let Some(used) = uses.get(name) else {
            found.push(format!("{name} is in the table but not in the workspace"));
            continue;
        };
        if let Some(may_use) = row.may_use.as_ref().filter(|may_use| *may_use != used) {
            found.push(format!("{name} uses {used:?}, the table says {may_use:?}"));
        }
        let floor_of = |name: &String| table.get(name).and_then(|row| row.floor);
        for other in used.iter().filter(|other| row.floor.is_some() && floor_of(other) >= row.floor) {
            found.push(format!("{name} uses {other}, which is not on a floor below"));
        }
        if used.contains(TESTS_ONLY) {
            found.push(format!("{name} uses {TESTS_ONLY} outside of tests"));
        }
    }
    found
}

/// The folder's name for a package of ours.
fn folder(package: &str) -> Option<String> {
    if package == "feedbench" { Some("cli".to_owned()) } else { package.strip_prefix("feedbench-").map(str::to_owned) }
}

fn uses_of_the_workspace() -> Uses {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let uses = metadata.packages.iter().map(|package| {
        let shipped = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        let ours = shipped.filter_map(|dependency| folder(&dependency.name)).collect();
        (folder(&package.name).unwrap_or_else(|| package.name.to_string()), ours)
    });
    uses.collect()
}

fn uses(pairs: &[(&str, &[&str])]) -> Uses {
    pairs.iter().map(|(name, used)| ((*name).to_owned(), used.iter().map(|&used| used.to_owned()).collect())).collect()
}

fn small_table() -> BTreeMap<String, Row> {
    parse_table(&format!(
        "text\n{HEADER}\n|---|---|---|---|\n| 0 | `wire` | codecs | nothing |\n| 1 | `hub` | rooms | `wire` |\n\
         | 2 | `cli` | the binary | anything |\n| - | `testkit` | helpers | anything |\n\n| 9 | `no` | row | `x` |\n"
    ))
}

#[test]
fn the_table_is_read_to_its_end() {
    let table = small_table();
    assert_eq!(table.keys().collect::<Vec<_>>(), ["cli", "hub", "testkit", "wire"]);
    assert_eq!(table["hub"], Row { floor: Some(1), may_use: Some(BTreeSet::from(["wire".to_owned()])) });
    assert_eq!(table["testkit"], Row { floor: None, may_use: None });
}

#[test]
fn a_crate_off_its_floor_is_found() {
    let kept: [(&str, &[&str]); 4] = [("wire", &[]), ("hub", &["wire"]), ("cli", &["hub"]), ("testkit", &["hub"])];
    assert_eq!(complaints(&small_table(), &uses(&kept)), Vec::<String>::new());
    let planted: [(&str, &[&str], usize); 4] = [
        ("wire", &["hub"], 2),    // not in its row, and upwards
        ("hub", &[], 1),          // less than its row says
        ("cli", &["testkit"], 1), // a dev-dependency that is shipped
        ("stray", &[], 1),        // nobody planned it
    ];
    for (name, used, count) in planted {
        let mut broken = uses(&kept);
        broken.extend(uses(&[(name, used)]));
        assert_eq!(complaints(&small_table(), &broken).len(), count, "{name}");
    }
    assert_eq!(complaints(&small_table(), &uses(&kept[1..])).len(), 1, "wire is missing");
}

#[test]
fn crates_use_what_the_table_in_architecture_says() {
    let table = parse_table(&read("ARCHITECTURE.md"));
    assert!(!table.is_empty(), "ARCHITECTURE.md has no table with the header {HEADER}");
    let found = complaints(&table, &uses_of_the_workspace());
    assert!(found.is_empty(), "{}", found.join("\n"));
}
