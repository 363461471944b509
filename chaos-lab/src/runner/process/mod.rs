//! Processes, each in a process group of its own.

#[cfg(unix)]
mod command_line;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "ending_by_signal.rs"]
mod ending;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod processes;
#[cfg(not(unix))]
#[path = "elsewhere.rs"]
mod processes;

pub(super) use processes::Processes;
