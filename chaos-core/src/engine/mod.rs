//! External engines that run experiments, such as a cloud's own chaos service.
//!
//! A target offers [`Engine`] where an engine can be reached by it. An [`EngineDefinition`] says what the
//! engine would do and to whom ([`EngineExtent`]), so that it can be judged before anything is started; an
//! [`EngineRun`] tells how far one has come. Ids carry the engine's name, so that none is sent to another.

mod engine;
mod experiment;
mod run;

pub use engine::Engine;
pub use experiment::{EngineDefinition, EngineExperiment, EngineExperimentId, EngineExtent};
pub use run::{EngineRun, EngineRunState};
