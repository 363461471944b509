use std::fmt;

use async_trait::async_trait;

use super::{EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun};
use crate::{
    error::Result,
    fault::{FaultId, Permit},
};

/// Lets an engine of the platform run experiments, such as the Fault Injection Service or Chaos Studio. The engine
/// continues by itself.
///
/// An *experiment* here is defined at the engine beforehand and may be run any number of times: an experiment template
/// of the Fault Injection Service, or an experiment of Chaos Studio. A *run* is an experiment of the Fault Injection
/// Service, or an execution of Chaos Studio.
///
/// The engine belongs to the account and not to a target: a target is where it is found, and by which group it is
/// judged what an experiment hits. Runs outlive targets;
/// [`Provider::remains`](crate::provider::Provider::remains) reaches them then.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Looks at the definition of an experiment, and whether it is running.
    ///
    /// # Errors
    /// `NotFound` if the engine has no such experiment; `InvalidInput` for an id of another engine.
    ///
    /// Cancel safe: it only looks.
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition>;

    /// Starts a run for the permit's fault. Returns when the engine has accepted it; how far it is,
    /// [`runs`](Self::runs) tells.
    ///
    /// If it is started twice for a fault, it runs once. If the engine has no idempotency token, the order is sent once
    /// and never again: `Conflict` if a run is already in progress.
    ///
    /// Not cancel safe: a dropped call may have started a run or not.
    async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()>;

    /// Every run that the fault has started, whoever knows its id: the reply to a [`start`](Self::start) may be lost.
    /// None where there is none.
    ///
    /// Found by a tag or a name that is made of the fault's id. Where the engine has no place for one, these are the
    /// runs that are not among those that [`look_up`](Self::look_up) saw; another that somebody has started since is
    /// taken for the fault's, because one that nobody ends is the worse mistake.
    ///
    /// Cancel safe: it only looks.
    async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>>;

    /// Has the engine end a run and undo what it did. Returns when the engine has accepted that; how far it is,
    /// [`runs`](Self::runs) tells. A run that has ended is left as it is, and that is success.
    ///
    /// Not cancel safe: a dropped call may have happened or not.
    async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()>;
}
