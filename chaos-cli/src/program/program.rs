use std::process::ExitCode;

use tokio::runtime;

use super::{ProgramResult, Status, error::complain};

/// Runs a program to its exit code, and prints its error, if any, to standard error.
///
/// One thread is enough for all programs, and starts fastest.
pub fn run(main: impl Future<Output = ProgramResult>) -> ExitCode {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: the runtime cannot be started: {error}"));
            return Status::Other.into();
        }
    };
    let status = runtime.block_on(main).unwrap_or_else(|error| {
        complain(&error.to_string());
        error.status()
    });
    // An unanswered question must not keep the process alive.
    runtime.shutdown_background();
    status.into()
}
