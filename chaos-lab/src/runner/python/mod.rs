//! Functions of Python, in an interpreter that runs as long as the runner.

mod interpreter;
mod known;
mod lines;
mod session;
mod way;

pub(super) use interpreter::Interpreter;
pub(super) use way::Way;
