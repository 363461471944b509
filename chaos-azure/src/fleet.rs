use std::sync::Arc;

use chaos_core::{Experiments, Isolation, Result, Target, TargetId};

use crate::{
    isolation::RuleIsolation,
    place::Place,
    reach::Reach,
    selection::Selection,
    studio::ChaosStudio,
    target::{MachineTarget, Means},
};

/// What a provider is made of.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) subscriptions: Vec<String>,
    pub(crate) selection: Selection,
    pub(crate) means: Means,
}

impl Fleet {
    /// The machine at a place, whatever is listed; `None` where there is none.
    pub(crate) async fn target(&self, id: &TargetId, place: &Place) -> Result<Option<Arc<dyn Target>>> {
        let found = self.means.azure.compute.machine(place).await?;
        Ok(found.map(|machine| Arc::new(MachineTarget::new(id.clone(), &machine, &self.means)) as Arc<_>))
    }

    /// What isolates the machine at a place, whether or not it is still there.
    pub(crate) fn isolation_of(&self, place: Place) -> Arc<dyn Isolation> {
        let azure = Arc::clone(&self.means.azure);
        Arc::new(RuleIsolation::new(Reach { azure, place: Arc::new(place) }))
    }

    /// What starts and stops experiments at the group of a target, whether or not it is still there.
    pub(crate) fn experiments_of(&self, id: &TargetId) -> Arc<dyn Experiments> {
        Arc::new(ChaosStudio::new(Arc::clone(&self.means.azure), id.group()))
    }
}
