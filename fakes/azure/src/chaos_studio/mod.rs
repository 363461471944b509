//! `Microsoft.Chaos`: experiments and their executions.

mod executions;
mod experiment;
pub(super) mod experiments;

pub(super) use experiment::Experiment;
