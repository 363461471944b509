//! `chaos monkey` and `chaos diagnose`: a monkey that a team leaves running, by a file.
//!
//! `file` reads the file, `assemble` makes the monkey that it asks for, and `service` is its life: signals,
//! reloads, health and metrics.

mod arguments;
mod assemble;
mod check;
mod diagnose;
mod feeds;
mod file;
mod monkey;
mod narrowed;
mod preview;
mod read;
mod service;

pub use arguments::MonkeyArguments;
pub use diagnose::{DiagnoseArguments, diagnose};
pub use monkey::monkey;
