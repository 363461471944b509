//! The monkey: what brings groups, calendar, blast radius, events, recoveries and journal together.

mod builder;
mod core;
mod diagnose;
mod guard;
mod last_look;
mod monkey;
mod permission;
mod readiness;
mod shared_looks;
mod tasks;

pub use builder::MonkeyBuilder;
pub use diagnose::{Check, Diagnosis};
pub use monkey::Monkey;
