//! What functions do on Azure.

mod account;
mod criteria;
mod probes;
mod start;
mod targets;

pub(super) use probes::carry_out;
pub(super) use start::start;
pub(super) use targets::targets;
