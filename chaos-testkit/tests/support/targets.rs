//! Targets that are shown otherwise than they are.

use std::sync::Arc;

use chaos_core::{Capabilities, Health, Labels, Provider, Result, Target, TargetId, async_trait};
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

#[derive(Debug)]
struct Masked {
    id: TargetId,
    labels: Labels,
    has_capabilities: bool,
    inner: Arc<dyn Target>,
}

#[async_trait]
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
}
