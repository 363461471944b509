//! Runs experiments in files.

mod arguments;
mod run;
mod signals;
mod summary;

pub use arguments::RunArguments;
pub use run::run;
