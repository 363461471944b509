//! A provider that mixes up groups and targets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId, async_trait,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};

use super::Platform;

/// Shows one platform, and answers with the groups and machines of another one once it is confused. Clones share that.
#[derive(Clone, Debug)]
pub(crate) struct Confused {
    asked: Platform,
    answered: Platform,
    is_confused: Arc<AtomicBool>,
}

impl Confused {
    /// Not confused yet.
    pub(crate) fn between(asked: &Platform, answered: &Platform) -> Self {
        Self { asked: asked.clone(), answered: answered.clone(), is_confused: Arc::default() }
    }

    pub(crate) fn confuse(&self, confused: bool) {
        self.is_confused.store(confused, Ordering::SeqCst);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Confused {
    fn scheme(&self) -> &'static str {
        self.asked.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.asked.groups(filter)
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        if self.is_confused.load(Ordering::SeqCst) {
            return Ok(self.answered.show());
        }
        self.asked.group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        // As `group`, so that a recovery is confused as well.
        self.group(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        if self.is_confused.load(Ordering::SeqCst) {
            return Ok(self.answered.machine(&self.answered.id(1)));
        }
        self.asked.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.asked.remains(id).await
    }
}
