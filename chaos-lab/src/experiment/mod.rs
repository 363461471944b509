//! Experiments as they are written: read once, checked as a whole before anything runs.

mod activity;
mod configuration;
mod experiment;
mod fields;
mod hypothesis;
mod programs;
mod provider;
mod strategy;

pub use experiment::Experiment;
pub use strategy::{HypothesisStrategy, RollbackStrategy};

pub(crate) use activity::{Activity, Kind, Pauses};
pub(crate) use configuration::{Entry, Source};
pub(crate) use hypothesis::Hypothesis;
pub(crate) use provider::{Arguments, ProcessCall, Provider};
