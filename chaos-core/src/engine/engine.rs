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
/// The engine belongs to the account and not to a target. You find it through a target, and the target's group is the
/// measure of what an experiment may hit. Runs outlive targets;
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

    /// Starts a run for the permit's fault. Returns when the engine has accepted it; [`runs`](Self::runs) tells its
    /// progress.
    ///
    /// If it is started twice for a fault, it runs once. If the engine has no idempotency token, the order is sent once
    /// and never again: `Conflict` if a run is already in progress.
    ///
    /// Not cancel safe: a dropped call may have started a run or not.
    async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()>;

    /// Every run that the fault has started, even if its id is unknown because the reply to a [`start`](Self::start)
    /// was lost. Empty if there is none.
    ///
    /// It finds them by a tag or a name that is made from the fault's id. If the engine has no place for one, these are
    /// the runs that [`look_up`](Self::look_up) did not see. A run that somebody else has started since counts as the
    /// fault's then, because it would be worse to leave a run of the fault without end.
    ///
    /// Cancel safe: it only looks.
    async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>>;

    /// Lets the engine end a run and undo its effects. Returns when the engine has accepted the order;
    /// [`runs`](Self::runs) tells the progress. A run that has ended is left as it is, and that is success.
    ///
    /// Not cancel safe: a dropped call may have happened or not.
    async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()>;
}
