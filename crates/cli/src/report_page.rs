//! `feedbench report`: the page and the summary of a run, from its record alone.

use std::{fs, path::Path};

use anyhow::Context as _;
use record::Record;
use report::Dataset;

use crate::{Outcome, args::ReportArgs, bench};

/// The page's file in a run's folder.
pub(crate) const PAGE: &str = "index.html";

/// The summary's file in a run's folder.
const SUMMARY: &str = "summary.json";

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<Outcome> {
    let data = render(&args.run, args.out.as_deref())?;
    bench::finish(&data, folder_of(&args.run), args.format)
}

/// Reads the record of `run` and writes the page to `out`, or page and summary into the run's folder.
pub(crate) fn render(run: &Path, out: Option<&Path>) -> anyhow::Result<Dataset> {
    let data = Dataset::new(&Record::read(run)?)?;
    let page = report::render(&data)?;
    let write =
        |path: &Path, text: &str| fs::write(path, text).with_context(|| format!("cannot write {}", path.display()));
    if let Some(path) = out {
        write(path, &page)?;
    } else {
        let folder = folder_of(run);
        write(&folder.join(PAGE), &page)?;
        write(&folder.join(SUMMARY), &(serde_json::to_string_pretty(&report::summary(&data))? + "\n"))?;
    }
    Ok(data)
}

/// The folder of a run that is named by itself or by its record.
fn folder_of(run: &Path) -> &Path {
    if run.is_dir() { run } else { run.parent().unwrap_or(Path::new(".")) }
}
