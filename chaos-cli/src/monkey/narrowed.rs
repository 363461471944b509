use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, future::ready};

/// A provider that lists only some of its groups, because the file names them. It finds the targets of all, since a
/// journal may hold faults of others.
#[derive(Debug)]
pub(super) struct Narrowed {
    provider: Arc<dyn Provider>,
    filter: GroupFilter,
}

impl Narrowed {
    pub(super) fn to(provider: Arc<dyn Provider>, filter: GroupFilter) -> Self {
        Self { provider, filter }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Narrowed {
    fn scheme(&self) -> &'static str {
        self.provider.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        // A provider lists those that are named with fewer calls.
        let listed = self.provider.groups(&self.filter);
        let passes = |group: &Result<Group>| group.as_ref().map_or(true, |group| filter.passes(&group.id));
        listed.filter(move |group| ready(passes(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.provider.group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.provider.group_in_recovery(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.provider.resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.provider.remains(id).await
    }
}
