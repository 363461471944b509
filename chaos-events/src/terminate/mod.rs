//! Termination: ends a target for good, and its group replaces it.

mod await_replacement;
mod spec;
mod terminate;

pub use await_replacement::AwaitReplacement;
pub use terminate::Terminate;
