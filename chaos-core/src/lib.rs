//! Chaos engineering to embed. Placeholder for the crate documentation.

mod blast_radius;
mod calendar;
mod capability;
mod chance;
mod clock;
mod contain;
mod error;
mod event;
mod fault;
mod journal;
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
mod monkey;
mod observer;
mod plan;
mod provider;
mod recovery;
mod report;
mod target;

pub use async_trait::async_trait;
pub use blast_radius::{BlastRadius, Percent, Quota};
pub use calendar::{
    Always, And, Blackout, BusinessHours, Calendar, CalendarExt, Except, Exclusion, Never, Or, Span,
    TimeOfDay, Window,
};
pub use capability::{
    Capabilities, Capability, CapabilitySet, Isolation, IsolationSnapshot, Lifecycle, Output, Script, Shell,
};
pub use chance::{CountingEntropy, Entropy, SystemEntropy};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, Failure, Result};
pub use event::{ChaosEvent, Hold, Scope};
pub use fault::{
    Active, Armed, FaultId, FaultRecord, FaultState, Inject, Injection, Magnitude, Mark, Milestone, Permit,
    Prepared, Reached, Safeguard,
};
pub use futures_util::{future::BoxFuture, stream::BoxStream};
pub use journal::{Arming, FaultQuery, Halt, Journal, Lease, Limits, MemoryJournal, Tally};
pub use monkey::{Check, Diagnosis, Monkey, MonkeyBuilder};
pub use observer::{Activity, CutShort, Observer, TracingObserver};
pub use plan::{Decision, Doubt, GroupPlan, Plan, Reason, TargetPlan};
pub use provider::{GroupFilter, Provider};
pub use recovery::{BoxRecovery, Recovery, RecoveryRecord, Registry, RetryPolicy, Verdict};
pub use report::{Outcome, RunReport, Skip};
pub use target::{Group, GroupId, Health, Labels, Member, Target, TargetId};
