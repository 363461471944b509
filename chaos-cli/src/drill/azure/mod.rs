//! Drills on availability sets and scale sets.

mod arguments;
#[cfg(feature = "azure")]
mod stage;
#[cfg(not(feature = "azure"))]
#[path = "absent.rs"]
mod stage;

pub(super) use arguments::AzureArguments;
pub(super) use stage::{failure_domain, sets};
