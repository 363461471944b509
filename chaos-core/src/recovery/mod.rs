//! Recoveries: how to bring a target back, as data that outlives the process.

mod boxed;
mod recovery;
mod registry;
mod retry;

pub use boxed::{BoxRecovery, RecoveryRecord};
pub use recovery::{Recovery, Verdict};
pub use registry::Registry;
pub use retry::RetryPolicy;
