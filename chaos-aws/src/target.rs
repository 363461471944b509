use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{Capabilities, Clock, Health, Labels, Result, Target, TargetId};
use jiff::Timestamp;

use crate::{
    error::failed,
    isolation::InterfaceIsolation,
    lifecycle::InstanceLifecycle,
    machine::{Membership, health},
    machines::machine,
    recently_seen::is_fresh,
    regions::Region,
    shell::CommandShell,
};

/// What every target of a provider is given.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) has_shell: bool,
    #[cfg(feature = "fis")]
    pub(crate) has_experiments: bool,
}

/// An instance of an auto-scaling group.
#[derive(Debug)]
pub(crate) struct InstanceTarget {
    id: TargetId,
    region: Arc<Region>,
    labels: Labels,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    listed: Option<Listed>,
}

/// What its group said of a member, and when it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) asked: Timestamp,
    pub(crate) state: String,
    pub(crate) health: String,
}

/// What the capabilities of an instance reach it by.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) region: Arc<Region>,
    pub(crate) instance: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reach {
    /// Says when the order that is given now is over, also where nobody waits for it any more, that descriptions of the instance
    /// from before are old.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing(self)
    }
}

/// An order to change an instance that is under way.
#[must_use = "what is dropped at once is over at once"]
#[derive(Debug)]
pub(crate) struct Changing<'a>(&'a Reach);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let Reach { region, instance, clock } = self.0;
        region.recently_seen().forget(instance, clock.as_ref());
    }
}

impl InstanceTarget {
    pub(crate) fn new(
        id: TargetId,
        region: Arc<Region>,
        labels: Labels,
        is_windows: bool,
        means: Means,
    ) -> Self {
        let clock = Arc::clone(&means.clock);
        let reach = Reach { region: Arc::clone(&region), instance: id.name().into(), clock: means.clock };
        let mut capabilities = Capabilities::default()
            .with_lifecycle(Arc::new(InstanceLifecycle::new(reach.clone())))
            .with_isolation(Arc::new(InterfaceIsolation::new(reach.clone())));
        if means.has_shell && !is_windows {
            capabilities = capabilities.with_shell(Arc::new(CommandShell::new(reach)));
        }
        #[cfg(feature = "fis")]
        if means.has_experiments {
            let engine = crate::fis::FaultInjection::new(Arc::clone(&region), id.group());
            capabilities = capabilities.with_experiments(Arc::new(engine));
        }
        Self { id, region, labels, capabilities, clock, listed: None }
    }

    /// The same, of which its group has just spoken.
    pub(crate) fn listed(mut self, listed: Listed) -> Self {
        self.listed = Some(listed);
        self
    }

    /// Asks its group for nothing that it said a moment ago.
    async fn membership(&self) -> Result<Option<Listed>> {
        let now = self.clock.now();
        if let Some(listed) = self.listed.as_ref().filter(|listed| is_fresh(listed.asked, now)) {
            return Ok(Some(listed.clone()));
        }
        let instance = self.id.name();
        let call = self.region.autoscaling().describe_auto_scaling_instances().instance_ids(instance);
        let answer = call.send().await.map_err(|error| {
            let action = "autoscaling:DescribeAutoScalingInstances";
            failed(action, self.region.name(), error).with("instance", instance)
        })?;
        let mut members = answer.auto_scaling_instances.unwrap_or_default().into_iter();
        let member = members.find(|member| member.instance_id.as_deref() == Some(instance));
        Ok(member.map(|member| Listed {
            asked: now,
            state: member.lifecycle_state.unwrap_or_default(),
            health: member.health_status.unwrap_or_default(),
        }))
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

    async fn health(&self) -> Result<Health> {
        let looks = (machine(&self.region, self.id.name()), self.membership());
        let (machine, listed) = futures_util::future::try_join(looks.0, looks.1).await?;
        let membership =
            listed.as_ref().map(|listed| Membership { state: &listed.state, health: &listed.health });
        Ok(health(machine.as_ref(), membership))
    }
}
