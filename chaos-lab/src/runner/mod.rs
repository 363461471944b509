//! Carries activities out: it starts processes, sends requests, and calls functions of Python.

mod http;
mod process;
#[cfg(unix)]
mod python;
#[cfg(not(unix))]
#[path = "python/elsewhere.rs"]
mod python;
mod runner;
mod surroundings;
mod trouble;

pub use runner::Runner;
pub use trouble::{Trouble, TroubleKind};
