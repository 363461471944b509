//! Engines of others that run experiments, such as a cloud's own service for chaos.
//!
//! A target offers [`Experiments`] where an engine can be reached by it. An [`ExperimentDefinition`] says what the
//! engine would do and to whom ([`ExperimentExtent`]), so that it can be judged before anything is started; an
//! [`ExperimentRun`] tells how far one has come. Ids carry the engine's name, so that none is sent to another.

mod experiment;
mod experiment_run;
mod experiments;

pub use experiment::{Experiment, ExperimentDefinition, ExperimentExtent, ExperimentId};
pub use experiment_run::{ExperimentRun, ExperimentState};
pub use experiments::Experiments;
