//! Plans: who is chosen, and why the others are not.

mod domain_draw;
mod group_planner;
mod occupancy;
mod plan;
mod planner;
mod reason;

pub(crate) use group_planner::Victim;
pub use plan::{Decision, Doubt, GroupPlan, Plan, TargetPlan};
pub(crate) use planner::{Planned, Planner, provider_of};
pub use reason::Reason;
