//! Carries activities out: it starts processes and sends requests.

mod http;
mod process;
mod runner;
mod surroundings;
mod trouble;

pub use runner::Runner;
pub use trouble::{Trouble, TroubleKind};
