//! What is known of processes, and where.

pub(crate) mod identity;
pub(crate) mod place;
