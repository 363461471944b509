//! Providers with code around their calls.

use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use super::{Faulty, Interference, ProviderCall};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provider, I: Interference<ProviderCall>> Provider for Faulty<P, I> {
    fn scheme(&self) -> &'static str {
        self.inner.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let before = async { self.interference.before(ProviderCall::Groups).await };
        let listing = stream::once(before).flat_map(|broken| match broken {
            Ok(()) => self.inner.groups(filter),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
        let after = async { self.interference.after(ProviderCall::Groups).await };
        let failed_after = stream::once(after).filter_map(async |result| result.err().map(Err));
        listing.chain(failed_after).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.interference.before(ProviderCall::Group).await?;
        let group = self.inner.group(id).await?;
        self.interference.after(ProviderCall::Group).await?;
        Ok(group)
    }

    // The same call for the interference: it is the same look at a group.
    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.interference.before(ProviderCall::Group).await?;
        let group = self.inner.group_in_recovery(id).await?;
        self.interference.after(ProviderCall::Group).await?;
        Ok(group)
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.interference.before(ProviderCall::Resolve).await?;
        let target = self.inner.resolve(id).await?;
        self.interference.after(ProviderCall::Resolve).await?;
        Ok(target)
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.interference.before(ProviderCall::Remains).await?;
        let remains = self.inner.remains(id).await?;
        self.interference.after(ProviderCall::Remains).await?;
        Ok(remains)
    }
}
