use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::StreamExt;

type AlterTarget = dyn Fn(Arc<dyn Target>) -> Arc<dyn Target> + Send + Sync;
type AlterGroup = dyn Fn(Group) -> Group + Send + Sync;

/// A provider that shows the groups and targets of another one altered, consistently in every call.
///
/// ```
/// use chaos_core::{Provider, testing::MemoryProvider};
/// use chaos_testkit::faulty::Altered;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chaos_core::Result<()> {
/// let world = MemoryProvider::default().with_group("web", 3)?;
/// let claims_too_much = Altered::new(world).groups(|group| group.desired(30));
/// assert_eq!(claims_too_much.group(&"memory:web".parse()?).await?.desired, 30);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Altered<P> {
    inner: P,
    target: Arc<AlterTarget>,
    group: Arc<AlterGroup>,
}

impl<P: Provider> Altered<P> {
    /// Shows `inner` as it is.
    pub fn new(inner: P) -> Self {
        Self { inner, target: Arc::new(|target| target), group: Arc::new(|group| group) }
    }

    /// Shows every target as `alter` returns it, members of groups included.
    #[must_use]
    pub fn targets(
        mut self,
        alter: impl Fn(Arc<dyn Target>) -> Arc<dyn Target> + Send + Sync + 'static,
    ) -> Self {
        self.target = Arc::new(alter);
        self
    }

    /// Shows every group as `alter` returns it. Its targets are already altered.
    #[must_use]
    pub fn groups(mut self, alter: impl Fn(Group) -> Group + Send + Sync + 'static) -> Self {
        self.group = Arc::new(alter);
        self
    }

    fn show(&self, mut group: Group) -> Group {
        for member in &mut group.members {
            member.target = (self.target)(Arc::clone(&member.target));
        }
        (self.group)(group)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provider> Provider for Altered<P> {
    fn scheme(&self) -> &'static str {
        self.inner.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        self.inner.groups(filter).map(|group| group.map(|group| self.show(group))).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.inner.group(id).await.map(|group| self.show(group))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.inner.group_in_recovery(id).await.map(|group| self.show(group))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let target = self.inner.resolve(id).await?;
        Ok(target.map(|target| (self.target)(target)))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.inner.remains(id).await
    }
}

impl<P: fmt::Debug> fmt::Debug for Altered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Altered").field("inner", &self.inner).finish_non_exhaustive()
    }
}
