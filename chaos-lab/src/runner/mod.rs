//! Carries activities out: it starts processes, sends requests, and calls functions of Python.

mod http;
mod limited;
mod process;
#[cfg(unix)]
mod python;
#[cfg(not(unix))]
#[path = "python/elsewhere.rs"]
mod python;
mod runner;
mod surroundings;
mod trouble;

pub(crate) use limited::limited;
pub use runner::Runner;
pub use trouble::{Trouble, TroubleKind};
