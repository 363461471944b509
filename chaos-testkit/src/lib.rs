//! Contract suites for the parts of a monkey, and wrappers that break them on purpose.
//!
//! If you write a target, a provider, a chaos event, a recovery, a journal, a calendar or a probe, prove it with a
//! suite of [`contract`]. To see how your own code copes with broken parts, wrap sound ones with [`faulty`].
//!
//! # The suites inject real faults
//!
//! The suites of targets, providers (in adversity too), events and recoveries run **real faults on the targets that you
//! give them**: they terminate, stop, reboot and cut them off. Give them targets that were made for the test. The
//! suites of journals and calendars change only what the fixture opens, and that of probes only looks.
//!
//! # A suite
//!
//! A suite is a function. It takes a fixture, which makes a fresh part whenever one is needed, and a [`Timing`], which
//! sets the time limits and the [`Clock`](chaos_core::clock::Clock): real time for real targets, paused time for
//! in-memory ones. It returns a [`ContractReport`] that tells for every check whether it passed, how it was violated,
//! or why it did not apply. No check is left out, and [`assert_kept`](ContractReport::assert_kept) fails a test with
//! every violation.
//!
//! The declarations of a part decide which checks apply. A false declaration is a violation either way: an operation
//! that is declared and does not work, and one that is not declared and works.
//!
//! ```
//! use std::time::Duration;
//! use chaos_core::{
//!     Hold, Registry,
//!     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
//! };
//! use chaos_testkit::{Subject, Timing, contract};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> chaos_core::Result<()> {
//! let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
//! let world = || MemoryProvider::default().with_group("web", 3);
//! let subject = async || Ok(Subject::new(world()?, "memory:web/machine-0".parse()?));
//! let event = PowerOff::lasting(Hold::lasting(Duration::from_secs(60))?);
//! let registry = Registry::default().register::<PowerOn>();
//!
//! contract::provider::check(&timing, async || world()).await.assert_kept();
//! contract::target::check(&timing, subject).await.assert_kept();
//! contract::event::check(&timing, event, registry, subject).await.assert_kept();
//! contract::recovery::check::<PowerOn>(&timing, event, subject).await.assert_kept();
//! # Ok(())
//! # }
//! ```
//!
//! # A permit for a unit test
//!
//! Every call that changes a target takes a permit, and only `chaos-core` makes one. [`lend`] lends permits and scopes
//! of real faults, over a journal in memory, to the unit tests of a lifecycle or a recovery of your own.
//!
//! # A broken part
//!
//! ```
//! use chaos_core::{
//!     Journal, MemoryJournal, Monkey, Registry, fault::FaultState,
//!     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
//! };
//! use chaos_testkit::faulty::{Failing, HalfDone, JournalCall, Times};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> chaos_core::Result<()> {
//! // The machine is stopped, the reply is lost, and the journal is down when the fault is to be closed.
//! let journal = MemoryJournal::new();
//! let broken = Failing::journal(journal.clone(), JournalCall::Mark(FaultState::Recovered), Times::first(2));
//! let monkey = Monkey::builder()
//!     .provider(MemoryProvider::default().with_group("web", 5)?)
//!     .event(HalfDone::event(PowerOff::default()))
//!     .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
//!     .unleash(broken, Registry::default().register::<PowerOn>())
//!     .build()?;
//! let report = monkey.run_once().await?;
//! assert!(report.is_recovered());
//! assert!(journal.pending().await?.faults.is_empty());
//! # Ok(())
//! # }
//! ```

pub mod contract;
mod cut_off;
pub mod faulty;
pub mod lend;
mod report;
mod stage;
mod timing;
mod trial;

pub use cut_off::{Connect, CutOff};
pub use report::{CheckOutcome, CheckResult, ContractReport};
pub use stage::Subject;
pub use timing::Timing;
