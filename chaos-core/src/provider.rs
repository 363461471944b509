//! Providers: where groups and targets come from.
//!
//! A [`Provider`] lists the groups that a [`GroupFilter`] lets pass, and finds a target again from its id, perhaps in
//! another process than the one that discovered it. [`listing`](crate::listing) has what listings of clouds have in
//! common.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
pub use futures_util::stream::BoxStream;

use crate::{
    capability::Remains,
    error::Result,
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

    /// What reaches what a fault may have left behind of a target that [`resolve`](Provider::resolve) no longer finds:
    /// the shell of the machine that a process ran on, the rules of a network, an engine whose run goes on. It also
    /// answers for an ability that a target no longer offers.
    ///
    /// A provider says of each ability of its targets what reaches it without the target, or that nothing can outlive
    /// one, as a virtual machine takes its processes with it. What it does not mention is
    /// [`Unknown`](crate::capability::Remnant::Unknown), and never counts as gone. One that wraps another provider asks
    /// that one. Default: everything is unknown, so that every recovery of a target that no longer exists fails
    /// which needs more than to know that.
    ///
    /// # Errors
    /// If it cannot be found out.
    ///
    /// Cancel safe: it only looks.
    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let _ = id;
        Ok(Remains::default())
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

    /// The groups of the provider with this scheme that it names, by id or by path. None where every group passes. A
    /// name that is neither an id of this provider nor a path names nothing.
    ///
    /// ```
    /// use chaos_core::provider::GroupFilter;
    ///
    /// let named = GroupFilter::only(["local:web", "shop", "memory:x"]).ids("local");
    /// assert_eq!(named, Some(vec!["local:web".parse()?, "local:shop".parse()?]));
    /// assert_eq!(GroupFilter::all().ids("local"), None);
    /// # Ok::<(), chaos_core::Error>(())
    /// ```
    pub fn ids(&self, scheme: &str) -> Option<Vec<GroupId>> {
        let id = |name: &String| match name.parse::<GroupId>() {
            Ok(id) => Some(id).filter(|id| id.scheme() == scheme),
            Err(_) => GroupId::new(scheme, name).ok(),
        };
        Some(self.names.as_ref()?.iter().filter_map(id).collect())
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

            async fn remains(&self, id: &TargetId) -> Result<Remains> {
                (**self).remains(id).await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
