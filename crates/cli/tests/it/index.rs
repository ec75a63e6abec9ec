//! The list of a folder of runs: kept up to date by every run, never in the way of one.

use std::{fs, path::Path};

use crate::{feedbench, only_folder, text};

/// A run that is over at once. Alone on a lane it may be VALID or not; it is listed either way.
fn bench(out: &Path) {
    let load = ["bench", "--lanes", "raw", "--blocks", "1", "--clients", "6", "--rooms", "3", "--duration", "100ms"];
    let output = feedbench(&[&load[..], &["--out", out.to_str().unwrap()]].concat());
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}

fn list(out: &Path) -> String {
    fs::read_to_string(out.join("index.html")).unwrap()
}

/// Copies the record, and with it what else is named, into a folder beside it.
fn copy(run: &Path, name: &str, files: &[&str]) {
    let folder = run.with_file_name(name);
    fs::create_dir(&folder).unwrap();
    for file in files {
        fs::copy(run.join(file), folder.join(file)).unwrap();
    }
}

#[test]
fn a_run_is_listed_and_what_cannot_be_read_stands_below_with_why() {
    let out = tempfile::tempdir().unwrap();
    bench(out.path());
    let run = only_folder(out.path());
    let own = format!("href=\"{}/index.html\"", run.file_name().unwrap().to_str().unwrap());
    let listed = list(out.path());
    assert!(listed.contains(&own) && !listed.contains("Not readable"), "{listed}");

    copy(&run, "again", &["record.jsonl", "summary.json"]);
    copy(&run, "killed", &["record.jsonl"]);
    for (folder, file) in [("empty", "record.jsonl"), ("torn", "calibration.json"), ("holiday", "photo.jpg")] {
        fs::create_dir(out.path().join(folder)).unwrap();
        fs::write(out.path().join(folder).join(file), "").unwrap();
    }
    let output = feedbench(&["report", out.path().to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), format!("list: {}\n", out.path().join("index.html").display()));
    let listed = list(out.path());
    assert!(listed.contains(&own) && listed.contains("href=\"again/index.html\""), "{listed}");
    for words in [
        "<code>killed</code>: not judged; `feedbench report FOLDER` does it",
        "<code>empty</code>: record.jsonl does not begin with a record&#39;s header",
        "<code>torn</code>: calibration.json",
    ] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    assert!(!listed.contains("holiday"), "{listed}");

    // The list follows when a run is rendered again.
    let output = feedbench(&["report", out.path().join("killed").to_str().unwrap()]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    assert!(list(out.path()).contains("href=\"killed/index.html\""));
}

#[test]
fn a_page_that_is_no_list_is_left_as_it_is() {
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("index.html"), "mine").unwrap();
    bench(out.path());
    let output = feedbench(&["report", out.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("left as it is"), "{output:?}");
    assert_eq!(list(out.path()), "mine");
}

#[test]
fn a_run_rendered_again_makes_no_list_where_there_was_none() {
    let out = tempfile::tempdir().unwrap();
    bench(out.path());
    fs::remove_file(out.path().join("index.html")).unwrap();
    let output = feedbench(&["report", only_folder(out.path()).to_str().unwrap()]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    assert!(!out.path().join("index.html").exists());
}

#[test]
fn a_folder_of_runs_has_no_figure_and_no_table() {
    let out = tempfile::tempdir().unwrap();
    bench(out.path());
    for more in [["--svg", "latency-quantiles"], ["--format", "csv"], ["--out", "page.html"]] {
        let output = feedbench(&["report", out.path().to_str().unwrap(), more[0], more[1]]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{more:?}");
        assert!(text(&output.stderr).contains("holds runs"), "{output:?}");
    }
}
