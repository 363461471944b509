//! The steady state: what normal is, and the looks that tell it before, during and after a fault.
//!
//! A monkey with a [`SteadyState`] is an experiment. It injects nothing into a system that is not well, ends a fault as
//! soon as the hypothesis turns out wrong, measures how long the system takes until it is well again, and reports all
//! of it. Other tools call parts of this guards, health checks, stop conditions or hypotheses.
//!
//! A [`Probe`] looks at one thing and changes nothing. A [`Tolerance`] says which readings are normal. Three results
//! are kept apart everywhere:
//!
//! - A reading outside of its tolerance, or [no answer](Reading::NoAnswer) at all, is a **violation**: the system is
//!   not well. While a fault is in effect, this is a deviation from the hypothesis.
//! - An error of the probe itself is a **doubt**: nobody knows how the system is. In doubt nothing is injected, and a
//!   fault in effect ends.
//! - A **failure** concerns the fault: its injection failed, or its target is not back.
//!
//! ```
//! use std::time::Duration;
//! use chaos_core::{
//!     MemoryJournal, Monkey, Outcome, Registry, SteadyState, probe,
//!     testing::{MemoryProvider, PowerOff, PowerOn},
//! };
//! # use chaos_core::testing::ManualClock;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> chaos_core::Result<()> {
//! let monkey = Monkey::builder()
//!     .provider(MemoryProvider::default().with_group("web", 5)?)
//!     .event(PowerOff::default())
//!     .steady_state(
//!         SteadyState::new("If one machine is off, then every customer is served")
//!             .probe("a customer buys", probe("the shop", || async { true }), true)
//!             .every(Duration::from_millis(200)),
//!     )
//! #   .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
//!     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
//!     .build()?;
//! let report = monkey.run_once().await?;
//! assert_eq!(report.outcome(), Outcome::Completed, "{report}");
//! let steady = report.steady_state.expect("the monkey has a steady state");
//! assert!(steady.probe("a customer buys").unwrap().during.share.unwrap().low > 0.9);
//! # Ok(())
//! # }
//! ```

mod before;
mod closure;
mod conclusion;
mod course;
mod during;
mod group_health;
mod judgement;
mod look;
mod notes;
mod phase;
mod probe;
mod reading;
mod report;
mod report_text;
mod series;
mod statistics;
mod steady_state;
mod tally;
mod tolerance;

pub use closure::{Answer, ProbeFn, probe};
pub use group_health::GroupHealth;
pub use judgement::Look;
pub use phase::Phase;
pub use probe::Probe;
pub use reading::Reading;
pub use report::{
    CutHold, Doubted, Judged, Numbers, PhaseReport, Point, ProbeReport, SteadyStateReport,
    SteadyStateVerdict, Violation,
};
pub use statistics::{Quantile, Share};
pub use steady_state::SteadyState;
pub use tolerance::Tolerance;

pub(crate) use before::{ask_once, before_alone};
pub(crate) use course::{Course, InEffect};
pub(crate) use notes::Unsteady;
