//! The capabilities of an instance, and how each is undone.

#[cfg(feature = "fis")]
pub(crate) mod fis;
pub(crate) mod invocation;
pub(crate) mod isolation;
pub(crate) mod isolation_group;
pub(crate) mod lifecycle;
pub(crate) mod lifeline;
pub(crate) mod permitted;
pub(crate) mod reach;
pub(crate) mod shell;
pub(crate) mod target;
pub(crate) mod undo;
