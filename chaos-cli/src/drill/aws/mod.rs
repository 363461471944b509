//! Drills on auto-scaling groups.

mod arguments;
#[cfg(feature = "aws")]
mod stage;
#[cfg(not(feature = "aws"))]
#[path = "absent.rs"]
mod stage;

pub(super) use arguments::AwsArguments;
pub(super) use stage::{auto_scaling_groups, failure_domain};
