//! The monkey, which combines groups, calendar, blast radius, events, recoveries and journal.
//!
//! A [`MonkeyBuilder`] makes a [`Monkey`], which plans, injects, holds and recovers. Each run ends in a [`RunReport`]
//! with its [`Outcome`]. A [`Diagnosis`] shows beforehand the problems that would keep it from working.

mod attend;
mod builder;
mod core;
mod courses;
mod diagnose;
mod dues;
mod forecast;
mod group_rule;
mod guard;
mod halts;
mod hold;
mod last_look;
mod monkey;
mod orders;
mod parts;
mod permission;
mod readiness;
mod rehearsed;
mod replay;
mod report;
mod retirement;
mod run_id;
mod scheduled;
mod shared_looks;
mod sight;
mod tasks;
mod terms;

pub use builder::MonkeyBuilder;
pub use diagnose::{Check, Diagnosis};
pub use forecast::{Forecast, ForeseenDue};
pub use group_rule::GroupRule;
pub use monkey::Monkey;
pub(crate) use parts::Parts;
pub use rehearsed::Rehearsed;
pub use report::{GroupSteadyState, Outcome, RunReport, Skip};
pub use run_id::RunId;
pub(crate) use terms::{AllTerms, Terms};
