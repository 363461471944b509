//! The operations on a process, and how to undo them.

pub(crate) mod by_hand;
pub(crate) mod lifecycle;
pub(crate) mod locate;
pub(crate) mod shell;
pub(crate) mod target;
