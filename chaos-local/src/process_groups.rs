use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Error, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use crate::Processes;

/// Several groups of adopted processes as one provider, because a monkey takes one provider for each scheme.
///
/// ```
/// use chaos_core::Monkey;
/// use chaos_local::{ProcessGroups, Processes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let spawn = || std::process::Command::new("sleep").arg("600").spawn();
/// let (mut database, mut queue) = (spawn()?, spawn()?);
/// let groups = ProcessGroups::of([
///     Processes::adopt("database", [&database])?,
///     Processes::adopt("queue", [&queue])?,
/// ])?;
/// let monkey = Monkey::builder().provider(groups);
/// # let _ = monkey;
/// # for child in [&mut database, &mut queue] {
/// #     child.kill()?;
/// #     child.wait()?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ProcessGroups {
    first: Processes,
    others: Vec<Processes>,
}

impl ProcessGroups {
    /// Combines these groups, whose names must differ.
    ///
    /// # Errors
    /// `InvalidInput` without any group, and if two of them have the same name.
    pub fn of(groups: impl IntoIterator<Item = Processes>) -> Result<Self> {
        let mut groups = groups.into_iter();
        let first = groups.next().ok_or_else(|| Error::invalid("groups", "none", "at least one"))?;
        let mut all = Self { first, others: Vec::new() };
        for group in groups {
            if all.listed(group.id()).is_some() {
                return Err(Error::invalid(
                    "group name",
                    format!("{:?}", group.id().path()),
                    "each name once",
                ));
            }
            all.others.push(group);
        }
        Ok(all)
    }

    fn all(&self) -> impl Iterator<Item = &Processes> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn listed(&self, id: &GroupId) -> Option<&Processes> {
        self.all().find(|group| group.id() == id)
    }

    /// Any of them finds processes that none of them has adopted.
    fn finder(&self, id: &GroupId) -> &Processes {
        self.listed(id).unwrap_or(&self.first)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for ProcessGroups {
    fn scheme(&self) -> &'static str {
        self.first.scheme()
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(self.all()).flat_map(|group| group.groups(filter)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.finder(id).group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.finder(id).group_in_recovery(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.finder(&id.group()).resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.finder(&id.group()).remains(id).await
    }
}
