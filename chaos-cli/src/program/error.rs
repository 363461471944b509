use std::{
    fmt,
    io::{self, Write},
};

use chaos_core::{Error, text::escaped};

/// The error of a program, and a hint what to try instead.
#[derive(Debug)]
pub struct ProgramError {
    pub(super) error: Error,
    hint: Option<String>,
}

impl ProgramError {
    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Error> for ProgramError {
    fn from(error: Error) -> Self {
        Self { error, hint: None }
    }
}

impl fmt::Display for ProgramError {
    /// One line with the whole chain, and one with the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", escaped(&self.error.chain()))?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", escaped(hint)),
            None => Ok(()),
        }
    }
}

/// Writes a text to standard error.
pub(crate) fn complain(text: &str) {
    // If standard error cannot be written, only the exit code remains.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
