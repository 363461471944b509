//! The sets and machines of a subscription, and which of them may be chosen.

pub(crate) mod fleet;
pub(crate) mod member;
pub(crate) mod selection;
