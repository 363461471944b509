//! External engines that run experiments, such as a cloud's own chaos service.
//!
//! A target offers [`Engine`] if an engine can be reached through it. An [`EngineDefinition`] says what the engine
//! would do and what it would hit ([`EngineExtent`]), so you can judge it before anything is started. An [`EngineRun`]
//! tells the progress of a run. Ids contain the engine's name, so no id is sent to another engine.

mod engine;
mod experiment;
mod run;

pub use engine::Engine;
pub use experiment::{EngineDefinition, EngineExperiment, EngineExperimentId, EngineExtent};
pub use run::{EngineRun, EngineRunState};
