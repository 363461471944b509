//! Processes, each in a process group of its own.

#[cfg(unix)]
mod command_line;
#[cfg(unix)]
mod companion;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "ending_by_signal.rs"]
mod ending;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod groups;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod processes;
#[cfg(not(unix))]
#[path = "elsewhere.rs"]
mod processes;

#[cfg(unix)]
pub(super) use companion::{Companion, Pipes};
pub(super) use processes::Processes;
