//! The inside of the machines: a directory each, the processes that scripts start and, as root, namespaces of its own.

mod guest;
mod guests;
mod network;
mod processes;
mod script;

pub(super) use guests::Guests;
pub(super) use network::PEER;
pub(super) use script::Script;
