//! Targets with something around their calls and those of their capabilities.

use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, FaultId, Health, Permit, Provider, Result, Target, TargetId,
    capability::{
        Capabilities, Isolation, IsolationSnapshot, Lifecycle, NetworkShare, Output, Script, Shell, Undo,
    },
    engine::{Experiment, ExperimentDefinition, ExperimentId, ExperimentRun, Experiments},
    group::Labels,
};

use super::{Altered, Faulty, Interference, TargetCall};

/// Every target of `provider` with `interference` around its calls. All of them share it, and so its count.
pub(super) fn around_targets<P: Provider>(
    provider: P,
    interference: impl Interference<TargetCall>,
) -> Altered<P> {
    let interference = Arc::new(interference);
    Altered::new(provider).targets(move |target| Arc::new(Faulty::sharing(target, Arc::clone(&interference))))
}

impl<T, I: Interference<TargetCall>> Faulty<T, I> {
    async fn around_target<R>(&self, call: TargetCall, made: impl Future<Output = Result<R>>) -> Result<R> {
        self.interference.before(call).await?;
        let result = made.await?;
        self.interference.after(call).await?;
        Ok(result)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Target for Faulty<Arc<dyn Target>, I> {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        let around = || Arc::clone(&self.interference);
        capabilities.lifecycle = capabilities
            .lifecycle
            .map(|lifecycle| Arc::new(Faulty::sharing(lifecycle, around())) as Arc<dyn Lifecycle>);
        capabilities.shell =
            capabilities.shell.map(|shell| Arc::new(Faulty::sharing(shell, around())) as Arc<dyn Shell>);
        capabilities.isolation = capabilities
            .isolation
            .map(|isolation| Arc::new(Faulty::sharing(isolation, around())) as Arc<dyn Isolation>);
        capabilities.experiments = capabilities
            .experiments
            .map(|experiments| Arc::new(Faulty::sharing(experiments, around())) as Arc<dyn Experiments>);
        capabilities
    }

    async fn health(&self) -> Result<Health> {
        self.around_target(TargetCall::Health, self.inner.health()).await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.around_target(TargetCall::Incarnation, self.inner.incarnation()).await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.around_target(TargetCall::MayUndo, self.inner.may_undo(undo)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Lifecycle for Faulty<Arc<dyn Lifecycle>, I> {
    fn operations(&self) -> CapabilitySet {
        self.inner.operations()
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        self.inner.by_hand(operation)
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Terminate, self.inner.terminate(permit)).await
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Stop, self.inner.stop(permit)).await
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Start, self.inner.start(permit)).await
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Reboot, self.inner.reboot(permit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Shell for Faulty<Arc<dyn Shell>, I> {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        self.around_target(TargetCall::Inspect, self.inner.inspect(script)).await
    }

    async fn run(&self, script: &Script, permit: &Permit) -> Result<Output> {
        self.around_target(TargetCall::Run, self.inner.run(script, permit)).await
    }

    async fn network(&self) -> Result<NetworkShare> {
        self.around_target(TargetCall::Network, self.inner.network()).await
    }

    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        self.around_target(TargetCall::Lifeline, self.inner.lifeline()).await
    }

    fn answers_within(&self) -> Duration {
        self.inner.answers_within()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Isolation for Faulty<Arc<dyn Isolation>, I> {
    async fn snapshot(&self) -> Result<IsolationSnapshot> {
        self.around_target(TargetCall::Snapshot, self.inner.snapshot()).await
    }

    async fn isolate(&self, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Isolate, self.inner.isolate(permit)).await
    }

    async fn restore(&self, snapshot: &IsolationSnapshot, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Restore, self.inner.restore(snapshot, permit)).await
    }

    async fn is_isolated(&self) -> Result<bool> {
        self.around_target(TargetCall::IsIsolated, self.inner.is_isolated()).await
    }

    async fn is_restored(&self, snapshot: &IsolationSnapshot, fault: FaultId) -> Result<bool> {
        self.around_target(TargetCall::IsRestored, self.inner.is_restored(snapshot, fault)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Experiments for Faulty<Arc<dyn Experiments>, I> {
    async fn look_up(&self, id: &ExperimentId) -> Result<ExperimentDefinition> {
        self.around_target(TargetCall::LookUp, self.inner.look_up(id)).await
    }

    async fn start(&self, experiment: &Experiment, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::StartExperiment, self.inner.start(experiment, permit)).await
    }

    async fn runs(&self, experiment: &Experiment, fault: FaultId) -> Result<Vec<ExperimentRun>> {
        self.around_target(TargetCall::Runs, self.inner.runs(experiment, fault)).await
    }

    async fn stop(&self, experiment: &Experiment, run: &ExperimentRun, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::StopExperiment, self.inner.stop(experiment, run, permit)).await
    }
}
