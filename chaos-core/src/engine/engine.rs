use std::fmt;

use async_trait::async_trait;

use super::{EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun};
use crate::{
    error::Result,
    fault::{FaultId, Permit},
};

/// Has experiments carried out by an engine of the platform, which goes on by itself: Fault Injection Service, Chaos
/// Studio.
///
/// What is called an *experiment* here is defined at the engine beforehand and may be run any number of times: the
/// experiment template of Fault Injection Service, the experiment of Chaos Studio. What is called a *run* is that
/// service's experiment, or its execution.
///
/// The engine belongs to the account and not to a target: a target is where it is found, and by which group it is
/// judged what an experiment hits. Runs outlive targets;
/// [`Provider::remains`](crate::provider::Provider::remains) reaches them then.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Looks at how an experiment is defined, and whether it runs now.
    ///
    /// # Errors
    /// `NotFound` where the engine knows no such experiment; `InvalidInput` for an id of another engine.
    ///
    /// Cancel safe: it only looks.
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition>;

    /// Starts a run for the permit's fault. Returns when the engine has accepted it; how far it is,
    /// [`runs`](Self::runs) tells.
    ///
    /// Started twice for a fault it runs once. Where the engine takes no token that sees to it, the order is sent once
    /// and never again: `Conflict` where a run is under way already.
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
