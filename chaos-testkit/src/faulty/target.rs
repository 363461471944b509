//! Targets with code around their calls and those of their capabilities.

use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, FaultId, Health, Permit, Provider, Result, Target, TargetId,
    capability::{
        Capabilities, Change, Lifecycle, NetworkShare, Output, Script, SettingSet, Settings,
        SettingsSnapshot, Shell, Standing, Undo,
    },
    engine::{Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun},
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
        capabilities.settings = capabilities
            .settings
            .map(|settings| Arc::new(Faulty::sharing(settings, around())) as Arc<dyn Settings>);
        capabilities.engine =
            capabilities.engine.map(|engine| Arc::new(Faulty::sharing(engine, around())) as Arc<dyn Engine>);
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
impl<I: Interference<TargetCall>> Settings for Faulty<Arc<dyn Settings>, I> {
    fn can_change(&self) -> SettingSet {
        self.inner.can_change()
    }

    async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot> {
        self.around_target(TargetCall::Snapshot, self.inner.snapshot(change)).await
    }

    async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Apply, self.inner.apply(change, before, permit)).await
    }

    async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::Restore, self.inner.restore(before, permit)).await
    }

    async fn standing(&self, before: &SettingsSnapshot, fault: FaultId) -> Result<Standing> {
        self.around_target(TargetCall::Standing, self.inner.standing(before, fault)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Interference<TargetCall>> Engine for Faulty<Arc<dyn Engine>, I> {
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition> {
        self.around_target(TargetCall::LookUp, self.inner.look_up(id)).await
    }

    async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::StartRun, self.inner.start(experiment, permit)).await
    }

    async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>> {
        self.around_target(TargetCall::Runs, self.inner.runs(experiment, fault)).await
    }

    async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()> {
        self.around_target(TargetCall::StopRun, self.inner.stop(experiment, run, permit)).await
    }
}
