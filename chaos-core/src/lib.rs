//! Chaos engineering to embed: the traits, the types and the [`Monkey`].
//!
//! A monkey finds [`Group`]s of interchangeable [`Target`]s, asks a [`Calendar`] whether now is a good time, picks
//! victims inside a [`BlastRadius`], injects a [`ChaosEvent`], and always brings the target back with the [`Recovery`]
//! paired with that event. The promise: **no fault outlives its deadline.**
//!
//! ```
//! use chaos_core::{
//!     BlastRadius, BusinessHours, MemoryJournal, Monkey, Percent, Registry,
//!     memory::{MemoryProvider, PowerOff, PowerOn},
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> chaos_core::Result<()> {
//! let monkey = Monkey::builder()
//!     .provider(MemoryProvider::default().with_group("web", 5)?)
//!     .event(PowerOff::default())
//!     .calendar(BusinessHours::new("Europe/London")?.hours(9, 15))
//!     .blast_radius(BlastRadius::default().targets_per_group(1).min_healthy(Percent(50)))
//!     .seed(42)
//!     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
//!     .build()?;
//!
//! // Who would be chosen, and for everybody else the reason why not. Touches nothing.
//! for group in monkey.plan().await?.groups {
//!     for target in group.targets {
//!         println!("{}: {:?}", target.id, target.decision);
//!     }
//! }
//! // Injects, holds, recovers, and says how it went.
//! println!("{}", monkey.run_once().await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | run it | [`Monkey`], [`MonkeyBuilder`], [`RunReport`] |
//! | limit it | [`BlastRadius`], [`FailureDomain`], [`Calendar`], [`GroupFilter`] |
//! | write an event | [`ChaosEvent`], [`Scope`], [`Prepared`], [`Recovery`] |
//! | write a provider | [`Provider`], [`Target`], [`Capabilities`] |
//! | list a cloud | [`listing`] |
//! | keep a journal | [`Journal`], [`Limits`], [`FaultRecord`] |
//! | watch it, announce it, forbid it | [`Observer`], [`Activity`], [`Intended`] |
//! | test with it | [`memory`], [`ManualClock`], [`CountingEntropy`], the feature `mock` |

mod blast_radius;
mod calendar;
mod capability;
mod chance;
mod clock;
mod contain;
mod error;
mod escaped;
mod event;
mod fault;
mod journal;
pub mod listing;
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
pub use blast_radius::{BlastRadius, FailureDomain, Percent, Quota};
pub use calendar::{
    Always, And, Blackout, BusinessHours, Calendar, CalendarExt, Except, Exclusion, Never, Or, Span,
    TimeOfDay, Window,
};
pub use capability::{
    Capabilities, Capability, CapabilitySet, Experiment, ExperimentDefinition, ExperimentExtent,
    ExperimentId, ExperimentRun, ExperimentState, Experiments, Isolation, IsolationSnapshot, Lifecycle,
    NetworkShare, Output, Script, Shell, Undo,
};
pub use chance::{CountingEntropy, Entropy, SystemEntropy};
pub use clock::{Clock, ManualClock, SystemClock, require_real_time};
pub use error::{Error, ErrorKind, Failure, Result};
pub use escaped::{Escaped, escaped};
pub use event::{ChaosEvent, Hold, Scope};
pub use fault::{
    Active, Armed, FaultId, FaultRecord, FaultState, Inject, Injection, Magnitude, Mark, Milestone, Permit,
    Prepared, Reached, Safeguard,
};
pub use futures_util::{future::BoxFuture, stream::BoxStream};
pub use journal::{
    Arming, FaultQuery, Found, Halt, Journal, Lease, Limits, MemoryJournal, Tally, Unreadable,
};
pub use monkey::{Check, Diagnosis, Monkey, MonkeyBuilder};
pub use observer::{Activity, Chosen, CutShort, Intended, Observer, TracingObserver};
pub use plan::{Decision, Doubt, GroupPlan, Plan, Reason, TargetPlan};
pub use provider::{GroupFilter, Provider};
pub use recovery::{BoxRecovery, Recovery, RecoveryRecord, Registry, RetryPolicy, Verdict};
pub use report::{Outcome, RunReport, Skip};
pub use target::{Group, GroupId, Health, Labels, Member, Target, TargetId};
