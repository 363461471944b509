//! Providers: where groups and targets come from.
//!
//! A [`Provider`] lists the groups that a [`GroupFilter`] lets pass, and finds a target again from its id, perhaps in
//! another process than the one that discovered it. [`listing`](crate::listing) has what listings of clouds have in
//! common.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
pub use futures_util::stream::BoxStream;

use crate::{
    capability::{Isolation, Shell},
    engine::Experiments,
    error::{Error, Result},
    group::{Group, GroupId, Target, TargetId},
};

/// Finds groups and finds targets again.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What its ids start with, such as `aws-asg`. No two providers of a monkey share one.
    fn scheme(&self) -> &'static str;

    /// Streams the groups that pass `filter`, each as soon as it is known.
    ///
    /// An error ends the stream and makes the whole listing doubtful: a half-read listing is an error, never a shorter
    /// list, and nothing that it did yield is touched.
    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>>;

    /// A fresh look at one group.
    ///
    /// # Errors
    /// `NotFound` only where it is certain that the group exists no more; any other kind where that cannot be told.
    async fn group(&self, id: &GroupId) -> Result<Group>;

    /// As [`group`](Provider::group), for a recovery: what only a plan needs, such as whether members are replaced, may
    /// be as it was then, so that no recovery depends on a service that tells nothing else. Default: as
    /// [`group`](Provider::group).
    ///
    /// # Errors
    /// As there.
    ///
    /// Cancel safe: it only looks.
    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.group(id).await
    }

    /// Finds a target again, perhaps from another process than the one that discovered it. `None` only where it is
    /// certain that the target exists no more.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>>;

    /// Reaches what scripts have left behind that ran on a target which [`resolve`](Provider::resolve) finds no more:
    /// the shell of the machine that a process ran on, which is there without the process.
    ///
    /// `None` only where nothing can outlive such a target, as a virtual machine or a container takes everything with
    /// it. A provider that wraps another one asks that one.
    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>>;

    /// Reaches what isolates a target that [`resolve`](Provider::resolve) finds no more: rules and groups of a network
    /// stay where a machine is deleted, and whatever gets its address would be cut off by them.
    ///
    /// `None` only where nothing can outlive such a target. A provider whose targets offer [`Isolation`] must have it,
    /// and one that wraps another one asks that one.
    ///
    /// # Errors
    /// `Unsupported`, unless the provider says otherwise.
    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        Err(Error::unsupported("isolation").with("target", id))
    }

    /// Reaches the engine whose experiments a target offered that [`resolve`](Provider::resolve) finds no more, or
    /// finds without them: a run goes on without its target.
    ///
    /// A provider whose targets offer [`Experiments`] must have it, and one that wraps another one asks that one.
    ///
    /// # Errors
    /// `Unsupported`, unless there is such an engine.
    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        Err(Error::unsupported("running experiments").with("target", id))
    }
}

/// Which groups to look at: all of them, or those of a list.
///
/// ```
/// use chaos_core::provider::GroupFilter;
///
/// let (web, shop) = ("local:web".parse()?, "local:shop".parse()?);
/// assert!(GroupFilter::all().passes(&web));
/// let one = GroupFilter::all().name("web");
/// assert!(one.passes(&web) && !one.passes(&shop));
/// // A list that happens to be empty is nobody, and never everybody.
/// assert!(!GroupFilter::only(Vec::<String>::new()).passes(&web));
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// None: everybody.
    names: Option<Vec<String>>,
}

impl GroupFilter {
    /// Every group.
    pub fn all() -> Self {
        Self::default()
    }

    /// These groups and no others, by id or by path: `local:drill` and `drill` name the same group of a provider
    /// `local`. Of an empty list, none.
    pub fn only(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: Some(names.into_iter().map(Into::into).collect()) }
    }

    /// Adds one group, by id or by path, to those that pass; to [`all`](GroupFilter::all), keeps this one alone.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.get_or_insert_default().push(name.into());
        self
    }

    /// The names of the groups that pass, ids or paths. None where every group passes.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Whether a group with this id passes.
    pub fn passes(&self, id: &GroupId) -> bool {
        let is_it = |name: &String| name == id.as_str() || name == id.path();
        self.names.as_ref().is_none_or(|names| names.iter().any(is_it))
    }
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<P: Provider + ?Sized> Provider for $pointer<P> {
            fn scheme(&self) -> &'static str {
                (**self).scheme()
            }

            fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
                (**self).groups(filter)
            }

            async fn group(&self, id: &GroupId) -> Result<Group> {
                (**self).group(id).await
            }

            async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
                (**self).group_in_recovery(id).await
            }

            async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
                (**self).resolve(id).await
            }

            async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
                (**self).shell_beyond(id).await
            }

            async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
                (**self).isolation_beyond(id).await
            }

            async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
                (**self).experiments_beyond(id).await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
