//! The monkey: what brings groups, calendar, blast radius, events, recoveries and journal together.

mod builder;
mod core;
mod diagnose;
mod guard;
mod monkey;
mod permission;
mod shared_looks;
mod tasks;

pub use builder::MonkeyBuilder;
pub use diagnose::{Check, Diagnosis};
pub use monkey::Monkey;
