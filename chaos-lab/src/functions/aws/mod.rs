//! What functions do on AWS.

mod account;
mod groups;
mod metrics;
mod probes;
mod start;
mod targets;

pub(super) use probes::carry_out;
pub(super) use start::start;
pub(super) use targets::targets;
