//! Experiments of AWS's own engine, the Fault Injection Service.

mod duration;
mod engine;
mod experiment;
mod extent;
mod template;

pub use engine::FAULT_TAG;
pub(crate) use engine::FaultInjection;
pub use experiment::FisExperiment;
