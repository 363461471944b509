use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Health, Result, Target, TargetId,
    capability::{Capabilities, Undo},
    clock::Clock,
    group::Labels,
};

use crate::{
    capability::{
        isolation::InterfaceIsolation, lifecycle::InstanceLifecycle, reach::Reach, shell::CommandShell,
        undo::may_undo,
    },
    client::{credentials::Watched, groups::group_named, machines::machine, regions::Region},
    model::{
        group_path::GroupPath,
        listed_group::ListedMember,
        machine::{Machine, health},
    },
};

/// The shared parts of every target of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) has_shell: bool,
    /// The instance on which this program runs, unless it may be a target too.
    pub(crate) own_instance: Option<Arc<str>>,
    /// The source of the credentials' expiry, if there is one.
    pub(crate) credentials: Option<Watched>,
    #[cfg(feature = "fis")]
    pub(crate) has_engine: bool,
}

/// An instance of an auto-scaling group.
#[derive(Debug)]
pub(crate) struct InstanceTarget {
    id: TargetId,
    reach: Reach,
    labels: Labels,
    capabilities: Capabilities,
    credentials: Option<Watched>,
}

impl InstanceTarget {
    pub(crate) fn new(id: TargetId, region: Arc<Region>, machine: Option<&Machine>, means: Means) -> Self {
        let labels = machine.map(|machine| machine.labels.clone()).unwrap_or_default();
        let can_stop = machine.is_none_or(Machine::can_stop);
        let is_windows = machine.is_some_and(|machine| machine.is_windows);
        let reach = Reach { region: Arc::clone(&region), instance: id.name().into(), clock: means.clock };
        let mut capabilities = Capabilities::default()
            .with_lifecycle(Arc::new(InstanceLifecycle::new(reach.clone(), can_stop)))
            .with_settings(Arc::new(InterfaceIsolation::new(reach.clone())));
        if means.has_shell && !is_windows {
            capabilities = capabilities.with_shell(Arc::new(CommandShell::new(reach.clone())));
        }
        #[cfg(feature = "fis")]
        if means.has_engine {
            let engine = crate::capability::fis::FaultInjection::new(Arc::clone(&region), id.group());
            capabilities = capabilities.with_engine(Arc::new(engine));
        }
        Self { id, reach, labels, capabilities, credentials: means.credentials }
    }
}

#[async_trait]
impl Target for InstanceTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    /// The instance according to EC2 and to its group. If its group does not list it, it is in no group, or in one that
    /// does not concern this fault.
    async fn health(&self) -> Result<Health> {
        let (instance, group) = (self.id.name(), self.id.group());
        let GroupPath { name, .. } = GroupPath::of(&group)?;
        let (machine, group) = futures_util::future::try_join(
            machine(&self.reach.region, instance),
            group_named(&self.reach.region, &name),
        )
        .await?;
        let member = group.as_ref().and_then(|group| group.member(instance));
        Ok(health(machine.as_ref(), member.map(ListedMember::membership)))
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        may_undo(&self.reach, self.credentials.as_ref(), undo).await
    }
}
