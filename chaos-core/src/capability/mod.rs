//! What a provider can do to a target, as small optional traits.

mod capabilities;
mod experiment;
mod experiment_run;
mod experiments;
mod extensions;
mod isolation;
mod lifecycle;
mod network_share;
mod set;
mod shell;
mod undo;

pub use capabilities::Capabilities;
pub use experiment::{Experiment, ExperimentDefinition, ExperimentExtent, ExperimentId};
pub use experiment_run::{ExperimentRun, ExperimentState};
pub use experiments::Experiments;
pub use isolation::{Isolation, IsolationSnapshot};
pub use lifecycle::Lifecycle;
pub use network_share::NetworkShare;
pub use set::{Capability, CapabilitySet};
pub use shell::{Output, Script, Shell};
pub use undo::Undo;
