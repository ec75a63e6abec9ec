//! The committed run: all that stands beside its record, and what the README shows of it, is what this program makes of the record.
//!
//! `just sample` sets `SAMPLE` to the folder of a run, which then takes its place: what is compared otherwise is written.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use record::{FILE_NAME, Record};
use report::Dataset;
use time::{OffsetDateTime, macros::format_description};
use transport::{ALL, lane::standard};

use crate::{binary, feedbench, text};

/// From the workspace's root.
const FOLDER: &str = "reports/sample";
/// The one that the README shows.
const FIGURE: &str = "latency-quantiles";
/// Around the README's part of it.
const MARKS: [&str; 2] = ["<!-- made by `just sample` -->\n", "<!-- up to here -->\n"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A record and what is made of it.
struct Sample {
    record: Record,
    /// The names and the texts of its files.
    files: [(&'static str, String); 4],
    printed: String,
}

impl Sample {
    /// Of the record of `run`, rendered in another place by the name of this one.
    fn of(run: &Path) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(run.join(FILE_NAME), folder.join(FILE_NAME)).unwrap();
        let report = |more: &[&str]| {
            let output =
                Command::new(binary()).current_dir(&place).args(["report", FOLDER]).args(more).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            text(&output.stdout)
        };
        let (printed, chart) = (report(&[]), report(&["--svg", FIGURE]));
        let file = |name| (name, fs::read_to_string(folder.join(name)).unwrap());
        let files = [file(FILE_NAME), file("index.html"), file("summary.json"), ("latency.svg", chart)];
        Self { record: Record::read(&folder).unwrap(), files, printed }
    }

    fn commit(&self) -> &str {
        self.record.header.tool.commit.as_ref().unwrap()
    }

    /// Whether it may be shown to everybody.
    fn assert_presentable(&self) {
        let header = &self.record.header;
        assert!(self.printed.starts_with("VALID: "), "{}", self.printed);
        assert!(!self.record.end.as_ref().unwrap().interrupted);
        let lanes: Vec<String> = header.lanes.iter().map(|lane| lane.lane.clone()).collect();
        assert_eq!(lanes, standard(ALL).iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(self.record.cells.iter().all(|(cell, _)| lanes.contains(&cell.lane)));
        assert!(!self.commit().ends_with("-dirty"), "commit first: the run is of a state that nobody else has");
        let [_, (_, page), ..] = &self.files;
        assert!(page.contains(self.commit()), "the page does not name {}", self.commit());
        for word in header.server.iter().chain([&header.command, &header.headers]) {
            assert!(!word.contains('/'), "a path of the machine: {word}");
        }
    }

    /// The README's part, from mark to mark.
    fn shown(&self) -> String {
        let (header, host) = (&self.record.header, &self.record.header.host);
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(header.at_us) * 1000).unwrap();
        let date = at.format(format_description!("[day padding:none] [month repr:long] [year]")).unwrap();
        let kernel = host.kernel.split('-').next().unwrap();
        format!(
            "On {date}, commit `{}` on {} cores ({}, Linux {kernel}) printed:\n\n```text\n{}```\n\n\
             ![How late does a message arrive? A line per transport, from the median to the last percentiles]({FOLDER}/latency.svg)\n\n\
             Its record, its page and its numbers are in [{FOLDER}]({FOLDER}).\n\n",
            self.commit(),
            host.cores,
            host.cpu,
            self.printed
        )
    }
}

/// The README before its part, the part, and what follows.
fn readme(text: &str) -> [&str; 3] {
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (shown, after) = rest.split_once(MARKS[1]).unwrap();
    [before, shown, after]
}

#[test]
fn the_committed_run_is_what_its_record_makes_of_it_and_the_readme_shows_it() {
    let (folder, readme_path) = (root().join(FOLDER), root().join("README.md"));
    let text = fs::read_to_string(&readme_path).unwrap();
    let [before, shown, after] = readme(&text);
    if let Some(run) = env::var_os("SAMPLE") {
        let sample = Sample::of(&root().join(run));
        sample.assert_presentable();
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &sample.files {
            fs::write(folder.join(name), text).unwrap();
        }
        fs::write(&readme_path, [before, MARKS[0], &sample.shown(), MARKS[1], after].concat()).unwrap();
        return;
    }
    let sample = Sample::of(&folder);
    sample.assert_presentable();
    let mut committed: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    committed.sort();
    let mut names = sample.files.each_ref().map(|(name, _)| *name);
    names.sort_unstable();
    assert_eq!(committed, names);
    for (name, text) in &sample.files {
        // Not compared by the macro, which would print both.
        assert!(
            fs::read_to_string(folder.join(name)).unwrap() == *text,
            "{FOLDER}/{name} is not what its record makes; SAMPLE={FOLDER} before this test renders it again"
        );
    }
    assert_eq!(shown, sample.shown());
}

#[test]
fn of_a_format_for_programs_standard_output_has_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    fs::copy(root().join(FOLDER).join(FILE_NAME), place.path().join(FILE_NAME)).unwrap();
    let data = Dataset::new(&Record::read(place.path()).unwrap()).unwrap();
    let summary = serde_json::to_string_pretty(&report::summary(&data)).unwrap();
    let formats = [("markdown", report::markdown(&data)), ("csv", report::csv(&data)), ("json", summary)];
    for (format, expected) in formats {
        let output = feedbench(&["report", place.path().to_str().unwrap(), "--format", format]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout).trim_end(), expected.trim_end(), "{format}");
        assert!(text(&output.stderr).starts_with("report: "), "{format}: {output:?}");
    }
}

#[test]
fn a_figure_that_is_not_there_is_refused_with_those_that_are() {
    let place = tempfile::tempdir().unwrap();
    fs::copy(root().join(FOLDER).join(FILE_NAME), place.path().join(FILE_NAME)).unwrap();
    let output = feedbench(&["report", place.path().to_str().unwrap(), "--svg", "colour"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let said = text(&output.stderr);
    assert!(said.contains("\"colour\"") && said.contains(FIGURE), "{said}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing is written");
}
