use std::{
    fmt,
    io::{self, Write},
};

use chaos_core::{Error, text::escaped};

/// Why a program could not do what it was asked for, and what to try instead.
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

pub(super) fn complain(text: &str) {
    // Where standard error cannot be written there is nobody left to tell; the exit code remains.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
