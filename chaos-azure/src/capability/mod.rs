//! The capabilities of a machine, and how each is undone.

pub(crate) mod command_text;
pub(crate) mod isolation;
pub(crate) mod isolation_rules;
pub(crate) mod lifecycle;
pub(crate) mod means;
pub(crate) mod reach;
pub(crate) mod shell;
pub(crate) mod start;
pub(crate) mod studio;
pub(crate) mod target;
