//! Providers with something around their calls.

use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    capability::{Isolation, Shell},
    engine::Experiments,
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

    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
        self.interference.before(ProviderCall::ShellBeyond).await?;
        let shell = self.inner.shell_beyond(id).await?;
        self.interference.after(ProviderCall::ShellBeyond).await?;
        Ok(shell)
    }

    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        self.interference.before(ProviderCall::IsolationBeyond).await?;
        let isolation = self.inner.isolation_beyond(id).await?;
        self.interference.after(ProviderCall::IsolationBeyond).await?;
        Ok(isolation)
    }

    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        self.interference.before(ProviderCall::ExperimentsBeyond).await?;
        let experiments = self.inner.experiments_beyond(id).await?;
        self.interference.after(ProviderCall::ExperimentsBeyond).await?;
        Ok(experiments)
    }
}
