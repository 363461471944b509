//! Targets that appear other than they are.

use std::{fmt, sync::Arc};

use chaos_core::{
    Group, GroupId, Health, Provider, Result, Target, TargetId, async_trait,
    capability::{Capabilities, Remains, Undo},
    group::Labels,
    provider::{BoxStream, GroupFilter},
    testing::MemoryProvider,
};
use chaos_testkit::faulty::Altered;

/// The target with labels that it does not have.
pub(crate) fn relabelled(inner: Arc<dyn Target>) -> Arc<dyn Target> {
    let labels = Labels::from([("owner".to_owned(), "nobody".to_owned())]);
    Arc::new(Masked { id: inner.id().clone(), labels, has_capabilities: true, inner })
}

/// The target under another id.
pub(crate) fn renamed(inner: Arc<dyn Target>, id: &str) -> Arc<dyn Target> {
    Arc::new(Masked {
        id: id.parse().unwrap(),
        labels: inner.labels().clone(),
        has_capabilities: true,
        inner,
    })
}

/// The target without any capability.
pub(crate) fn helpless(inner: Arc<dyn Target>) -> Arc<dyn Target> {
    let (id, labels) = (inner.id().clone(), inner.labels().clone());
    Arc::new(Masked { id, labels, has_capabilities: false, inner })
}

/// A provider whose targets can do nothing.
pub(crate) fn without_lifecycle<P: Provider>(provider: P) -> Altered<P> {
    Altered::new(provider).targets(helpless)
}

/// A provider that alters the targets that it resolves, and not those that it lists.
pub(crate) struct OnResolve(pub(crate) MemoryProvider, pub(crate) fn(Arc<dyn Target>) -> Arc<dyn Target>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for OnResolve {
    fn scheme(&self) -> &'static str {
        self.0.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.0.groups(filter)
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.0.group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.0.group_in_recovery(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(self.0.resolve(id).await?.map(self.1))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.0.remains(id).await
    }
}

impl fmt::Debug for OnResolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnResolve")
    }
}

#[derive(Debug)]
struct Masked {
    id: TargetId,
    labels: Labels,
    has_capabilities: bool,
    inner: Arc<dyn Target>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Masked {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        if self.has_capabilities { self.inner.capabilities() } else { Capabilities::default() }
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.inner.may_undo(undo).await
    }
}
