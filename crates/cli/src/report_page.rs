//! `feedbench report`: the page and the summary of a run, or one of its figures, from its record alone; the list of a folder of
//! runs.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use record::{FILE_NAME, Record};
use report::Dataset;

use crate::{
    Outcome,
    args::{ReportArgs, RunFormat},
    bench, index, output,
};

/// The page's file in a run's folder, and the list's in a folder of runs.
pub(crate) const PAGE: &str = "index.html";

/// The summary's file in a run's folder.
pub(crate) const SUMMARY: &str = "summary.json";

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<Outcome> {
    if let Some(outcome) = list(args)? {
        return Ok(outcome);
    }
    if let Some(id) = &args.svg {
        let data = Dataset::new(&Record::read(&args.run)?)?;
        output::text(&report::chart(&data, id)?);
        return Ok(bench::outcome(&report::verdict(&data)));
    }
    let data = render(&args.run, args.out.as_deref())?;
    let run = args.run.canonicalize()?;
    if let Some(parent) = folder_of(&run).parent()
        && args.out.is_none()
        && index::exists(parent)
    {
        index::rewrite(parent);
    }
    bench::finish(&data, args.out.as_deref().unwrap_or(&folder_of(&args.run).join(PAGE)), args.format)
}

/// Makes the list of a folder of runs; none when a run is named.
fn list(args: &ReportArgs) -> anyhow::Result<Option<Outcome>> {
    if !args.run.is_dir() || args.run.join(FILE_NAME).exists() {
        return Ok(None);
    }
    let entries = index::entries(&args.run)?;
    if entries.is_empty() {
        return Ok(None);
    }
    if args.out.is_some() || args.svg.is_some() || args.format != RunFormat::Text {
        bail!("{} holds runs, of which there is a list as a page alone; name one of them", args.run.display());
    }
    index::write(&args.run, &entries)?;
    output::text(&format!("list: {}", args.run.join(PAGE).display()));
    Ok(Some(Outcome::Done))
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
