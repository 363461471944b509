use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId, async_trait,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use super::Share;

/// A provider of which only some members may be chosen.
#[derive(Debug)]
pub(crate) struct Narrowed {
    provider: Arc<dyn Provider>,
    among: BTreeSet<TargetId>,
    /// The listing by which the members were chosen, which the first plan is made of. Right before an injection, the
    /// target and its group are looked at anyway.
    listed: Mutex<Option<Group>>,
}

impl Narrowed {
    pub(crate) fn new(provider: Arc<dyn Provider>, share: &Share) -> Self {
        Self { provider, among: share.among.clone(), listed: Mutex::new(Some(share.group.clone())) }
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
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(group) = listed.filter(|group| filter.passes(&group.id)) {
            return stream::iter([Ok(self.narrow(group))]).boxed();
        }
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
