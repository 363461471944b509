//! Experiments: what a file says.
//!
//! A file is read whole and tells everything that is wrong with it at once. Nothing is run before that.

mod activity;
mod builder;
pub(crate) mod chaos_order;
mod conversion;
mod environment;
mod experiment;
mod fields;
mod findings;
pub(crate) mod nearest;
mod options;
mod overrides;
mod provider;
pub(crate) mod python_parts;
mod read;
mod read_activity;
mod read_chaos;
mod read_controls;
mod read_own;
mod read_provider;
mod read_references;
mod read_settings;
mod reader;
mod settings;
mod step;
mod strategy;
mod variable;

pub(crate) use nearest::or_nearest;

pub use activity::{Activity, ActivityKind, ActivityTolerance, Pauses, Samples, Until};
pub use builder::ExperimentBuilder;
pub use experiment::{Experiment, Hypothesis, ScaleUp};
pub use options::ReadOptions;
pub use provider::{ChaosKind, ChaosProvider, HttpProvider, ProcessProvider, Provider, PythonProvider};
pub use settings::{Entry, Settings};
pub use step::Step;
pub use strategy::{HypothesisStrategy, RollbackStrategy};
pub use variable::Variable;
