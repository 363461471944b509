use std::{collections::BTreeSet, sync::Arc};

use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId, async_trait,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::StreamExt;

/// A provider of which only some members may be chosen.
#[derive(Debug)]
pub(crate) struct Narrowed {
    provider: Arc<dyn Provider>,
    among: BTreeSet<TargetId>,
}

impl Narrowed {
    pub(crate) fn new(provider: Arc<dyn Provider>, among: BTreeSet<TargetId>) -> Self {
        Self { provider, among }
    }

    fn narrow(&self, mut group: Group) -> Group {
        for member in &mut group.members {
            if !self.among.contains(member.target.id()) && member.excluded.is_none() {
                member.excluded = Some("the experiment does not ask for it".into());
            }
        }
        group
    }
}

#[async_trait]
impl Provider for Narrowed {
    fn scheme(&self) -> &'static str {
        self.provider.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.provider.groups(filter).map(|group| Ok(self.narrow(group?))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok(self.narrow(self.provider.group(id).await?))
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
