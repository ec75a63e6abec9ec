//! The list of the runs in a folder, made anew after every run: from the first line of each record and the verdict of its
//! summary, never from a whole record.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, bail};
use record::{FILE_NAME, Header, Line};
use report::{
    Status,
    index::{self, Entry, Found, Run},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    calibrate, output,
    report_page::{PAGE, SUMMARY},
};

/// As much of a summary as the list needs.
#[derive(Deserialize)]
struct Judged {
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    status: Status,
}

/// Makes the list of `folder` anew. What cannot be is said on standard error: the run that it would have told of stands.
pub(crate) fn rewrite(folder: &Path) {
    if let Err(error) = entries(folder).and_then(|entries| write(folder, &entries)) {
        output::note(&format!("the list of runs in {} was not made: {error:#}", folder.display()));
    }
}

/// Writes the list of `folder`.
///
/// # Errors
///
/// When it cannot be written, and when a page stands in its place that is no such list.
pub(crate) fn write(folder: &Path, entries: &[Entry]) -> anyhow::Result<()> {
    let path = folder.join(PAGE);
    match fs::read_to_string(&path) {
        Ok(page) if index::is_list(&page) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(_) | Err(_) => bail!("{} is something else, and is left as it is", path.display()),
    }
    fs::write(&path, index::render(entries)?).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether `folder` has such a list.
pub(crate) fn exists(folder: &Path) -> bool {
    fs::read_to_string(folder.join(PAGE)).is_ok_and(|page| index::is_list(&page))
}

/// The folders in `folder` that hold a run or a calibration, in no order; those that cannot be read with why.
pub(crate) fn entries(folder: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let found = found(&entry.path()).unwrap_or_else(|error| Some(Found::Unread(format!("{error:#}"))));
        let folder = entry.file_name().to_string_lossy().into_owned();
        entries.extend(found.map(|found| Entry { folder, found }));
    }
    Ok(entries)
}

/// What a folder holds; none for any other and for a file.
fn found(folder: &Path) -> anyhow::Result<Option<Found>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    if folder.join(FILE_NAME).try_exists()? {
        let header = header(folder)?;
        let judged: Judged = json(folder, SUMMARY).context("not judged; `feedbench report FOLDER` does it")?;
        return Ok(Some(Found::Run(Box::new(Run { header, status: judged.verdict.status }))));
    }
    if folder.join(calibrate::RESULT).try_exists()? {
        return Ok(Some(Found::Calibration(Box::new(json(folder, calibrate::RESULT)?))));
    }
    Ok(None)
}

/// The first line of a record.
fn header(folder: &Path) -> anyhow::Result<Header> {
    let mut line = String::new();
    let file = File::open(folder.join(FILE_NAME)).context(FILE_NAME)?;
    BufReader::new(file).read_line(&mut line).context(FILE_NAME)?;
    match serde_json::from_str(&line) {
        Ok(Line::Header(header)) if header.version <= record::VERSION => Ok(*header),
        Ok(Line::Header(header)) => bail!("{FILE_NAME} has format {}: use a newer feedbench", header.version),
        Ok(_) | Err(_) => bail!("{FILE_NAME} does not begin with a record's header"),
    }
}

fn json<T: DeserializeOwned>(folder: &Path, name: &'static str) -> anyhow::Result<T> {
    let file = File::open(folder.join(name)).context(name)?;
    serde_json::from_reader(BufReader::new(file)).context(name)
}
