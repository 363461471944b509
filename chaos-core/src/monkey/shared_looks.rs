use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{
    capability::Remains,
    clock::Clock,
    error::Result,
    group::{Group, GroupId, Target, TargetId},
    listing::Together,
    provider::{GroupFilter, Provider},
};

/// A provider whose looks at a group are shared by concurrent callers: victims of one run, and their recoveries.
#[derive(Debug)]
pub(super) struct SharedLooks {
    provider: Arc<dyn Provider>,
    groups: Together<GroupId, Group>,
    groups_in_recovery: Together<GroupId, Group>,
}

impl SharedLooks {
    pub(super) fn at(provider: Arc<dyn Provider>, clock: &Arc<dyn Clock>) -> Self {
        let (groups, groups_in_recovery) =
            (Together::new(Arc::clone(clock)), Together::new(Arc::clone(clock)));
        Self { provider, groups, groups_in_recovery }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for SharedLooks {
    fn scheme(&self) -> &'static str {
        self.provider.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.provider.groups(filter)
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let (provider, asked) = (Arc::clone(&self.provider), id.clone());
        self.groups.ask(id.clone(), || async move { provider.group(&asked).await }).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        let (provider, asked) = (Arc::clone(&self.provider), id.clone());
        let look = || async move { provider.group_in_recovery(&asked).await };
        self.groups_in_recovery.ask(id.clone(), look).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.provider.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.provider.remains(id).await
    }
}
