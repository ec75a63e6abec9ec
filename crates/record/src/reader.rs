//! Reads a record back, whole or cut short.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Cell, End, FILE_NAME, Header, Line, Publication, VERSION};

/// Why a record cannot be read. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there or not readable.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not of this format.
    #[error("{path}:{line}: not a line of a record: {source}", path = .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// The file does not begin with a header.
    #[error("{path} does not begin with a record's header", path = .0.display())]
    NoHeader(PathBuf),
    /// The record is of a later program.
    #[error("{path} has format {version}; this program reads up to {VERSION}: use a newer feedbench", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
}

/// A whole record in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What was run.
    pub header: Header,
    /// Every cell with its publications, in the order they were measured.
    pub cells: Vec<(Cell, Vec<Publication>)>,
    /// None when the run died.
    pub end: Option<End>,
}

impl Record {
    /// Reads the record of a run's folder, or the record file itself. A last line cut short is left out, as is all that
    /// a run that died did not write.
    ///
    /// # Errors
    ///
    /// [`ReadError`] for what is not a record of this or an earlier version.
    pub fn read(run: &Path) -> Result<Self, ReadError> {
        let path = if run.is_dir() { run.join(FILE_NAME) } else { run.to_owned() };
        let text = fs::read_to_string(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
        Self::parse(&text, &path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ReadError> {
        let mut lines = text.split_inclusive('\n').enumerate();
        let no_header = || ReadError::NoHeader(path.to_owned());
        let first = lines.next().ok_or_else(no_header)?.1;
        // The version comes before the shape: a later header may have members that this one does not know.
        let value: Value = serde_json::from_str(first).map_err(|_not_json| no_header())?;
        let version = value.pointer("/header/version").and_then(Value::as_u64).ok_or_else(no_header)?;
        if version > u64::from(VERSION) {
            return Err(ReadError::Newer { path: path.to_owned(), version });
        }
        let bad_line = |index: usize, source| ReadError::Line { path: path.to_owned(), line: index + 1, source };
        let Line::Header(header) = serde_json::from_value(value).map_err(|error| bad_line(0, error))? else {
            return Err(no_header());
        };
        let mut record = Self { header: *header, cells: Vec::new(), end: None };
        for (index, line) in lines {
            if !line.ends_with('\n') {
                break;
            }
            match serde_json::from_str(line).map_err(|error| bad_line(index, error))? {
                Line::Header(_) => return Err(no_header()),
                Line::Cell(cell) => record.cells.push((*cell, Vec::new())),
                Line::Publication(publication) => {
                    record.cells.last_mut().ok_or_else(no_header)?.1.push(publication);
                }
                Line::End(end) => record.end = Some(end),
            }
        }
        Ok(record)
    }
}
