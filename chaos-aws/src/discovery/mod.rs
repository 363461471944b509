//! The groups and instances of an account, and which of them may be chosen.

pub(crate) mod fleet;
pub(crate) mod listing;
pub(crate) mod member;
pub(crate) mod own_instance;
pub(crate) mod selection;
