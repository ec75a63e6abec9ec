//! What goes to standard output and standard error. A closed pipe ends nothing.

use std::io::Write as _;

/// Prints to standard output, with a line end if there is none.
pub(crate) fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    // Whoever closed the pipe does not want more.
    let _closed = write!(out, "{text}{end}").and_then(|()| out.flush());
}

/// Prints one line to standard error.
pub(crate) fn note(line: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints what is wrong to standard error, in one line.
pub(crate) fn error(message: &str) {
    note(&format!("feedbench: {}", message.replace('\n', " ")));
}
