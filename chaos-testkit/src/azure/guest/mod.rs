//! What is inside the machines: a directory each, and the processes that scripts start.

mod guests;
mod processes;
mod script;

pub(super) use guests::Guests;
pub(super) use script::Script;
