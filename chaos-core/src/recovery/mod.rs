//! Recoveries: how to bring a target back, as data that outlives the process.
//!
//! A [`Recovery`] is written to the journal as a [`RecoveryRecord`] before the injection, and a [`Registry`] reads it
//! back; the one that runs is always the one that was read back. A [`RetryPolicy`] says how often and how long it is
//! tried, and a [`Verdict`] whether the target is back.

mod boxed;
mod record;
mod recovery;
mod registry;
mod retry;

pub use boxed::BoxRecovery;
pub use record::RecoveryRecord;
pub use recovery::{Recovery, Verdict};
pub use registry::Registry;
pub use retry::RetryPolicy;
