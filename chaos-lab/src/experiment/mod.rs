//! Experiments: what a file says.
//!
//! A file is read whole and tells everything that is wrong with it at once. Nothing is run before that.

mod activity;
mod experiment;
mod provider;
mod settings;
mod strategy;

pub use activity::{Activity, ActivityKind, ActivityTolerance, Pauses};
pub use experiment::{Experiment, Hypothesis};
pub use provider::{HttpProvider, ProcessProvider, Provider, PythonProvider};
pub use settings::{Entry, Settings};
pub use strategy::{HypothesisStrategy, RollbackStrategy};
