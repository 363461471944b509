//! Recoveries: how to bring a target back, as data that outlives the process.
//!
//! A [`Recovery`] is written to the journal as a [`RecoveryRecord`] before the injection, and a [`Registry`] reads it
//! back. The recovery that runs is always the one that was read back. A [`RetryPolicy`] sets how often and how long it
//! is retried, and a [`Verdict`] tells whether the target is back.
//! A recovery sees a [`RecoveryScope`].

mod boxed;
mod record;
mod recovery;
mod registry;
mod retry;
mod scope;

pub use boxed::BoxRecovery;
pub use record::RecoveryRecord;
pub use recovery::{Recovery, Verdict};
pub use registry::Registry;
pub use retry::RetryPolicy;
pub use scope::RecoveryScope;
