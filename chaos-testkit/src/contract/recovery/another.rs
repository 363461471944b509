//! Another target with the name of the one under a fault, as after a machine was deleted and created again.

use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, Group, Health, Recovery, Result, Target, TargetId,
    capability::{Capabilities, Undo},
    fault::{FaultRecord, FaultState},
    group::Labels,
};

use super::rig::{orphaned, recovers_through};
use crate::{
    contract::orders::Orders,
    faulty::Altered,
    report::{Checked, ensure, not_applicable},
    stage::Stage,
};

const ONE: &str = "the one that was broken";
const OTHER: &str = "another one of its name";

/// Ends the check for events for which this cannot be staged.
pub(super) fn can_be_staged(requires: CapabilitySet) -> Checked {
    for lasting in [Capability::Isolation, Capability::Engine] {
        if requires.contains(lasting) {
            return not_applicable(format!("its traces by {lasting} exist without the target"));
        }
    }
    Ok(())
}

/// A replay finds a healthy target of another incarnation in place of its own. It must leave the other one alone, and
/// the fault is over.
pub(super) async fn is_left_alone<R: Recovery>(stage: &Stage, fault: &FaultRecord) -> Checked {
    let fault = fault.clone().incarnation(Some(ONE.to_owned()));
    let orders = Orders::refused();
    let (id, given) = (stage.target.clone(), orders.clone());
    let other = move |target: Arc<dyn Target>| match *target.id() == id {
        true => Arc::new(Other(given.to(target))) as Arc<dyn Target>,
        false => target,
    };
    let id = stage.target.clone();
    let provider = Altered::new(Arc::clone(&stage.provider))
        .targets(other)
        .groups(move |group| with_another(group, &id));
    let ended = recovers_through::<R>(stage, provider, &orphaned(&fault, FaultState::Active).await?).await;
    let given = orders.given();
    ensure!(given.is_empty(), "it gave another target of its target's name the orders {given:?}");
    ended
}

fn with_another(mut group: Group, id: &TargetId) -> Group {
    for member in group.members.iter_mut().filter(|member| member.target.id() == id) {
        member.health = Health::Healthy;
        member.incarnation = Some(OTHER.into());
    }
    group
}

/// The other target is healthy, and carries out none of its orders.
#[derive(Debug)]
struct Other(Arc<dyn Target>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Other {
    fn id(&self) -> &TargetId {
        self.0.id()
    }

    fn labels(&self) -> &Labels {
        self.0.labels()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(Some(OTHER.into()))
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.0.may_undo(undo).await
    }
}
