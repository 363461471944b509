use std::sync::Arc;

use chaos_core::{
    Group, Result, Target, TargetId, capability::Settings, engine::Engine, provider::GroupFilter,
};

use crate::{
    capability::{
        isolation::RuleIsolation, means::Means, reach::Reach, studio::ChaosStudio, target::MachineTarget,
    },
    discovery::{member, selection::Selection},
    model::place::Place,
};

/// The parts of a provider.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) subscriptions: Vec<String>,
    pub(crate) selection: Selection,
    pub(crate) means: Means,
}

impl Fleet {
    /// The machine at a place, listed or not; `None` if there is none.
    pub(crate) async fn target(&self, id: &TargetId, place: &Place) -> Result<Option<Arc<dyn Target>>> {
        let found = self.means.azure.compute.machine(place).await?;
        let target = |machine| MachineTarget::new(id.clone(), &machine, &self.means).just_found(&machine);
        Ok(found.map(|machine| Arc::new(target(machine)) as Arc<_>))
    }

    /// The entry in a listing for a set whose id cannot be used, unless others were requested.
    pub(crate) fn unreadable(
        &self,
        scheme: &str,
        subscription: &str,
        id: &str,
        filter: &GroupFilter,
    ) -> Result<Option<Group>> {
        let group = member::unreadable(scheme, subscription, id)?;
        let is_wanted = !self.selection.names_any() && filter.passes(&group.id);
        Ok(is_wanted.then_some(group))
    }

    /// The isolation of the machine at a place, whether or not the machine still exists.
    pub(crate) fn settings_of(&self, place: Place) -> Arc<dyn Settings> {
        let azure = Arc::clone(&self.means.azure);
        Arc::new(RuleIsolation::new(Reach { azure, place: Arc::new(place) }))
    }

    /// The engine for experiments on the group of a target, whether or not the target still exists.
    pub(crate) fn engine_of(&self, id: &TargetId) -> Arc<dyn Engine> {
        Arc::new(ChaosStudio::new(Arc::clone(&self.means.azure), id.group()))
    }
}
