//! Writes a record line by line, so that a run that dies leaves what it had.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use crate::{Cell, End, FILE_NAME, Header, Line, Publication};

/// An open record. Every cell is flushed when it is written.
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<File>,
}

impl Writer {
    /// Creates the record in `folder`, which must exist, and writes its header.
    ///
    /// # Errors
    ///
    /// When the file exists already or cannot be written.
    pub fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        let file = File::create_new(folder.join(FILE_NAME))?;
        let mut writer = Self { file: BufWriter::new(file) };
        writer.line(&Line::Header(Box::new(header.clone())))?;
        writer.file.flush()?;
        Ok(writer)
    }

    /// Appends a cell and its publications, and flushes.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn cell(&mut self, cell: &Cell, publications: &[Publication]) -> io::Result<()> {
        self.line(&Line::Cell(Box::new(cell.clone())))?;
        for publication in publications {
            self.line(&Line::Publication(*publication))?;
        }
        self.file.flush()
    }

    /// Appends the end and closes the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn end(mut self, end: End) -> io::Result<()> {
        self.line(&Line::End(end))?;
        self.file.flush()
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }
}
