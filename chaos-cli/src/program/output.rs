use std::io::{self, Write};

use chaos_core::{Error, ErrorKind, Result, text::escaped};
use rustix::io::Errno;
use serde::Serialize;

/// Writes `text` and a line end to standard output. A reader that has gone away, such as `head` or a closed terminal,
/// is not an error.
///
/// # Errors
/// If standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if !is_gone(&error) => {
            Err(Error::new(ErrorKind::Other, "standard output cannot be written").caused_by(error))
        }
        _ => Ok(()),
    }
}

/// Whether the reader has gone away: at the other end of a pipe, or at a terminal.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

/// A text of several lines, such as instructions for a person, with everything else escaped.
pub fn escaped_lines(text: &str) -> String {
    text.split('\n').map(|line| escaped(line).to_string()).collect::<Vec<_>>().join("\n")
}

/// Writes one JSON object and a line end to standard output.
///
/// # Errors
/// If standard output cannot be written.
pub fn print_json(object: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(object).map_err(|error| {
        Error::new(ErrorKind::Other, "the report cannot be written as JSON").caused_by(error)
    })?;
    print(&text)
}
