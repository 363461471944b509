use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{Capabilities, Health, Labels, Result, Target, TargetId};

use crate::{
    azure::Azure,
    isolation::RuleIsolation,
    lifecycle::MachineLifecycle,
    machine::Machine,
    modes::{RebootMode, StopMode},
    own_machine::OwnMachine,
    reach::Reach,
    shell::CommandShell,
    studio::ChaosStudio,
};

/// What every target of a provider is given.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) azure: Arc<Azure>,
    pub(crate) stop: StopMode,
    pub(crate) reboot: RebootMode,
    pub(crate) has_shell: bool,
    pub(crate) has_experiments: bool,
    /// Whether a machine can be ended for good: one of a scale set, which has a number of them.
    pub(crate) may_terminate: bool,
    /// The unique id of the machine that this program runs on, unless it may be a target too.
    pub(crate) own_machine: Option<OwnMachine>,
}

/// A machine of an availability set or of a scale set.
#[derive(Debug)]
pub(crate) struct MachineTarget {
    id: TargetId,
    reach: Reach,
    labels: Labels,
    capabilities: Capabilities,
}

impl MachineTarget {
    pub(crate) fn new(id: TargetId, machine: &Machine, means: &Means) -> Self {
        let reach = Reach { azure: Arc::clone(&means.azure), place: Arc::new(machine.place.clone()) };
        let lifecycle = MachineLifecycle::new(reach.clone(), machine, means);
        let mut capabilities = Capabilities::default()
            .with_lifecycle(Arc::new(lifecycle))
            .with_isolation(Arc::new(RuleIsolation::new(reach.clone())));
        if means.has_experiments {
            let studio = ChaosStudio::new(Arc::clone(&means.azure), id.group());
            capabilities = capabilities.with_experiments(Arc::new(studio));
        }
        if means.has_shell && !machine.is_windows() {
            capabilities = capabilities.with_shell(Arc::new(CommandShell::new(reach.clone())));
        }
        Self { id, reach, labels: machine.labels.clone(), capabilities }
    }
}

#[async_trait]
impl Target for MachineTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn health(&self) -> Result<Health> {
        Ok(self.reach.look().await?.map_or(Health::Gone, |machine| machine.health()))
    }
}
