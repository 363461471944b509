//! Chaos engineering to embed: the traits, the types and the [`Monkey`].
//!
//! A monkey finds [`Group`]s of interchangeable [`Target`]s, asks a [`Calendar`] whether now is a good time, picks
//! victims within a [`BlastRadius`], and injects a [`ChaosEvent`]. It always brings the target back with the
//! [`Recovery`] of that event. The promise: **no fault outlives its deadline.**
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
//! // Shows which targets would be chosen, and why not the others. Touches nothing.
//! for group in monkey.plan().await?.groups {
//!     for target in group.targets {
//!         println!("{}: {:?}", target.id, target.decision);
//!     }
//! }
//! // Injects, holds, recovers, and reports the result.
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
//! | limit it | [`plan`]: the [`BlastRadius`] and the choice of targets; [`calendar`]: when; [`provider`]: which groups |
//! | say what normal is | [`steady_state`]: [`SteadyState`], its probes, tolerances and reports |
//! | write an event | [`event`]: [`ChaosEvent`], [`Scope`]; [`fault`]: [`Prepared`], [`Permit`]; [`recovery`]: [`Recovery`], [`RecoveryScope`] |
//! | write a provider | [`provider`]; [`group`]: [`Target`], [`Group`]; [`capability`]: the operations on a target |
//! | make events by name, from a command line or a file | [`catalogue`] |
//! | list a cloud | [`listing`] |
//! | let an engine run experiments | [`engine`] |
//! | keep a journal | [`journal`]: [`Journal`] and its limits; [`fault`]: the record of each fault |
//! | watch it, announce it, forbid it | [`observer`] |
//! | test with it | [`testing`]: an in-memory provider, a manual clock, mocks |
//! | inject time and chance, show text | [`clock`], [`chance`], [`text`] |
//! | handle errors | [`error`] |
//!
//! Each of these modules contains everything that belongs to it. The root contains the names that most programs and
//! every event need.

pub mod calendar;
pub mod capability;
pub mod catalogue;
pub mod chance;
pub mod clock;
mod contain;
pub mod engine;
pub mod error;
pub mod event;
pub mod fault;
pub mod group;
mod hexadecimal;
pub mod journal;
pub mod listing;
pub mod monkey;
pub mod observer;
pub mod plan;
pub mod provider;
pub mod recovery;
pub mod schedule;
pub mod steady_state;
pub mod testing;
pub mod text;

pub use async_trait::async_trait;
pub use calendar::{BusinessHours, Calendar};
pub use capability::{Capability, CapabilitySet};
pub use error::{Error, ErrorKind, Result};
pub use event::{ChaosEvent, Hold, Scope};
pub use fault::{FaultId, Permit, Prepared};
pub use group::{Group, GroupId, Health, Target, TargetId};
/// The crate for dates and times in this library's interface, in the matching version. If you use it through this path,
/// you need no dependency of your own, and cannot get a different version.
///
/// ```
/// use chaos_core::{Calendar, calendar::CalendarState, jiff::Timestamp};
///
/// /// Open until a release.
/// #[derive(Debug)]
/// struct BeforeRelease(Timestamp);
///
/// impl Calendar for BeforeRelease {
///     fn state(&self, at: Timestamp) -> CalendarState {
///         if at < self.0 {
///             CalendarState::open_until(self.0)
///         } else {
///             CalendarState::closed_until(Timestamp::MAX)
///         }
///     }
/// }
///
/// let release = "2026-03-06T12:00:00Z".parse().unwrap();
/// assert!(BeforeRelease(release).window(release).is_none());
/// ```
pub use jiff;
pub use journal::{Journal, MemoryJournal};
pub use monkey::{Monkey, MonkeyBuilder, Outcome, RunReport};
pub use observer::Observer;
pub use plan::{BlastRadius, Quota};
pub use provider::Provider;
pub use recovery::{Recovery, RecoveryScope, Registry, Verdict};
pub use steady_state::{SteadyState, Tolerance, probe};
