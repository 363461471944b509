//! What can be done to a process, and how it is undone.

pub(crate) mod by_hand;
pub(crate) mod lifecycle;
pub(crate) mod locate;
pub(crate) mod shell;
pub(crate) mod target;
