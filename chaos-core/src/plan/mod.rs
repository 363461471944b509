//! Plans: how much may be broken at once, which targets are chosen, and why the others are not.
//!
//! A [`BlastRadius`] limits the targets that a run may choose: a [`Quota`] of targets, a [`Percent`] that must stay
//! healthy, one [`FailureDomain`] at a time. A [`Plan`] says of every target whether it is chosen, and gives the
//! [`Reason`] if it is not. [`Plan::explain`] shows the plan as a table.

mod blast_radius;
mod blast_radius_settings;
mod domain_draw;
mod explanation;
mod failure_domain;
mod fits;
mod group_planner;
mod occupancy;
mod plan;
mod planner;
mod quota;
mod reason;
mod reason_text;
pub(crate) mod rules;
mod unmatched_pattern;

pub use blast_radius::BlastRadius;
pub use explanation::Explanation;
pub use failure_domain::FailureDomain;
pub(crate) use fits::Fits;
pub(crate) use group_planner::Victim;
pub use plan::{Decision, Doubt, GroupPlan, Plan, TargetPlan};
pub(crate) use planner::{Planned, Planner, provider_of};
pub use quota::{Percent, Quota};
pub use reason::Reason;
pub use unmatched_pattern::{PatternRole, UnmatchedPattern};
