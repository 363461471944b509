use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chaos_core::{
    Capability, Error, ErrorKind, Health, Result, Target, TargetId,
    capability::{Capabilities, Undo},
    group::Labels,
};

use crate::{
    capability::{
        isolation::RuleIsolation, lifecycle::MachineLifecycle, means::Means, reach::Reach,
        shell::CommandShell, studio::ChaosStudio,
    },
    client::permissions::Needed,
    model::machine::Machine,
};

/// A machine of an availability set or of a scale set.
#[derive(Debug)]
pub(crate) struct MachineTarget {
    id: TargetId,
    reach: Reach,
    labels: Labels,
    capabilities: Capabilities,
    isolation: Arc<RuleIsolation>,
    /// The incarnation in the answer from which this was made, for the first caller.
    just_found: Mutex<Option<Arc<str>>>,
}

impl MachineTarget {
    pub(crate) fn new(id: TargetId, machine: &Machine, means: &Means) -> Self {
        let reach = Reach { azure: Arc::clone(&means.azure), place: Arc::new(machine.place.clone()) };
        let lifecycle = MachineLifecycle::new(reach.clone(), machine, means);
        let isolation = Arc::new(RuleIsolation::new(reach.clone()));
        let mut capabilities = Capabilities::default()
            .with_lifecycle(Arc::new(lifecycle))
            .with_settings(Arc::clone(&isolation) as Arc<_>);
        if means.has_engine {
            let studio = ChaosStudio::new(Arc::clone(&means.azure), id.group());
            capabilities = capabilities.with_engine(Arc::new(studio));
        }
        if means.has_shell && !machine.is_windows() {
            capabilities = capabilities.with_shell(Arc::new(CommandShell::new(reach.clone())));
        }
        let labels = machine.labels.clone();
        Self { id, reach, labels, capabilities, isolation, just_found: Mutex::default() }
    }

    /// A caller that has just found it by its name does not need another look for its incarnation.
    pub(crate) fn just_found(self, machine: &Machine) -> Self {
        Self { just_found: Mutex::new(machine.unique_id.as_deref().map(Arc::from)), ..self }
    }

    /// The actions that a role must allow for the recovery. The experiment is not known here: its engine checks the
    /// permission when the experiment is looked up.
    async fn needed(&self, undo: &Undo) -> Result<Vec<Needed>> {
        let place = &self.reach.place;
        let of_machine = |what: &str| {
            Needed::new(format!("Microsoft.Compute/{}/{what}/action", place.kind()), place.scope())
        };
        let mut needed = Vec::new();
        // A machine that does not come up after a reboot is started.
        let starts = [Capability::Stop, Capability::Start, Capability::Reboot];
        if starts.into_iter().any(|capability| undo.requires.contains(capability)) {
            needed.push(of_machine("start"));
        }
        if undo.requires.contains(Capability::Shell) {
            needed.push(of_machine("runCommand"));
        }
        if undo.requires.contains(Capability::Isolation) {
            needed.extend(self.isolation.needed().await?);
        }
        Ok(needed)
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

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        let just_found = self.just_found.lock().unwrap_or_else(PoisonError::into_inner).take();
        if just_found.is_some() {
            return Ok(just_found);
        }
        let Some(machine) = self.reach.look().await? else { return Ok(None) };
        let unique = machine.unique_id.as_deref().map(Arc::from);
        unique.map(Some).ok_or_else(|| {
            self.reach
                .named(Error::new(ErrorKind::Unavailable, "Azure does not report the vmId of a machine"))
        })
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        let allowed = async { self.reach.azure.permissions.require(&self.needed(undo).await?).await };
        allowed.await.map_err(|error| self.reach.named(error))
    }
}
