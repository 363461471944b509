//! Experiments of Azure's own engine, Chaos Studio.

mod bounds;
mod definition;
mod engine;
mod experiment;
mod extent;

pub(crate) use engine::ChaosStudio;
pub use experiment::ChaosStudioExperiment;
