//! Chaos engineering to embed: the traits, the types and the [`Monkey`].
//!
//! A monkey finds [`Group`]s of interchangeable [`Target`]s, asks a [`Calendar`] whether now is a good time, picks
//! victims inside a [`BlastRadius`], injects a [`ChaosEvent`], and always brings the target back with the [`Recovery`]
//! paired with that event. The promise: **no fault outlives its deadline.**
//!
//! ```
//! use chaos_core::{
//!     BlastRadius, BusinessHours, MemoryJournal, Monkey, Registry,
//!     plan::Percent,
//!     testing::{MemoryProvider, PowerOff, PowerOn},
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
//! | run it | [`monkey`]: [`Monkey`], its builder, its reports |
//! | limit it | [`plan`]: the [`BlastRadius`], and who is chosen; [`calendar`]: when; [`provider`]: which groups |
//! | write an event | [`event`]: [`ChaosEvent`] and its [`Scope`]; [`fault`]: [`Prepared`] and [`Permit`]; [`recovery`] |
//! | write a provider | [`provider`]; [`group`]: [`Target`] and its [`Group`]; [`capability`]: what can be done to one |
//! | list a cloud | [`listing`] |
//! | let an engine run experiments | [`engine`] |
//! | keep a journal | [`journal`]: [`Journal`] and its limits; [`fault`]: what it keeps of each fault |
//! | watch it, announce it, forbid it | [`observer`] |
//! | test with it | [`testing`]: a world in memory, a clock that a test drives, mocks |
//! | inject time and chance, show text | [`clock`], [`chance`], [`text`] |
//! | tell what went wrong | [`error`] |
//!
//! Each of these modules has all that belongs to it. The root has what most programs and every event need.

pub mod calendar;
pub mod capability;
pub mod chance;
pub mod clock;
mod contain;
pub mod engine;
pub mod error;
pub mod event;
pub mod fault;
pub mod group;
pub mod journal;
pub mod listing;
pub mod monkey;
pub mod observer;
pub mod plan;
pub mod provider;
pub mod recovery;
pub mod testing;
pub mod text;

pub use async_trait::async_trait;
pub use calendar::{
    Always, And, Blackout, BusinessHours, Calendar, CalendarExt, Except, Exclusion, Never, Or, Span,
    TimeOfDay, Window,
};
pub use capability::{
    Capabilities, Capability, CapabilitySet, Isolation, IsolationSnapshot, Lifecycle, NetworkShare, Output,
    Script, Shell, Undo,
};
pub use chance::{Entropy, SystemEntropy};
pub use clock::{Clock, SystemClock, require_real_time};
pub use engine::{
    Experiment, ExperimentDefinition, ExperimentExtent, ExperimentId, ExperimentRun, ExperimentState,
    Experiments,
};
pub use error::{Error, ErrorKind, Failure, Result};
pub use event::{ChaosEvent, Hold, Scope};
pub use fault::{
    Active, Armed, BoxFuture, CutShort, FaultId, FaultRecord, FaultState, Inject, Injection, Magnitude, Mark,
    Milestone, Permit, Prepared, Reached, Safeguard,
};
pub use group::{Group, GroupId, Health, Labels, Member, Target, TargetId};
pub use journal::{
    Arming, FaultQuery, Found, Halt, Journal, Lease, Limits, MemoryJournal, Tally, Unreadable,
};
pub use monkey::{Check, Diagnosis, Monkey, MonkeyBuilder, Outcome, RunReport, Skip};
pub use observer::{Activity, Chosen, Intended, Observer, TracingObserver};
pub use plan::{
    BlastRadius, Decision, Doubt, FailureDomain, GroupPlan, Percent, Plan, Quota, Reason, TargetPlan,
};
pub use provider::{BoxStream, GroupFilter, Provider};
pub use recovery::{BoxRecovery, Recovery, RecoveryRecord, Registry, RetryPolicy, Verdict};
#[doc(hidden)]
pub use testing as memory;
#[cfg(feature = "mock")]
#[doc(hidden)]
pub use testing::mock;
pub use testing::{CountingEntropy, ManualClock};
pub use text::{Escaped, escaped};
