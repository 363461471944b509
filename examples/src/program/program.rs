use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use chaos_core::{Error, escaped};
use tokio::runtime;

use super::Status;

/// What a program returns.
pub type ProgramResult = Result<Status, ProgramError>;

/// Why a program could not do what it was asked for, and what to try instead.
#[derive(Debug)]
pub struct ProgramError {
    error: Error,
    hint: Option<String>,
}

impl ProgramError {
    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code that goes with it.
    pub fn status(&self) -> Status {
        Status::of_error(&self.error)
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

/// Runs a program to its exit code, and prints its error, if it has one, to standard error.
///
/// One thread is enough for all of them, and starts fastest.
pub fn run(main: impl Future<Output = ProgramResult>) -> ExitCode {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: no runtime: {error}"));
            return Status::Other.into();
        }
    };
    let status = runtime.block_on(main).unwrap_or_else(|error| {
        complain(&error.to_string());
        error.status()
    });
    // A question that nobody has answered must not keep the process.
    runtime.shutdown_background();
    status.into()
}

pub(super) fn complain(text: &str) {
    // Where standard error cannot be written there is nobody left to tell; the exit code remains.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
