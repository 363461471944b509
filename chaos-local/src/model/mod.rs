//! The identity of processes, and the place in which it is valid.

pub(crate) mod identity;
pub(crate) mod place;
