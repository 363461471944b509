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
    /// The scheme of its ids, such as `aws-asg`. No two providers of a monkey may share a scheme.
    fn scheme(&self) -> &'static str;

    /// Streams the groups that pass `filter`, each as soon as it is known.
    ///
    /// An error ends the stream and makes the whole listing doubtful. A half-read listing is an error, never a shorter
    /// list, and none of the groups that it did yield is touched.
    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>>;

    /// A fresh look at one group.
    ///
    /// # Errors
    /// `NotFound` only if it is certain that the group no longer exists; any other kind if that is uncertain.
    async fn group(&self, id: &GroupId) -> Result<Group>;

    /// As [`group`](Provider::group), for a recovery. Facts that only a plan needs, such as whether members are
    /// replaced, may be out of date, so a recovery need not depend on a service that tells nothing else. Default: as
    /// [`group`](Provider::group).
    ///
    /// # Errors
    /// As there.
    ///
    /// Cancel safe: it only looks.
    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.group(id).await
    }

    /// Finds a target again, perhaps from another process than the one that discovered it. `None` only if it is certain
    /// that the target no longer exists.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>>;

    /// The abilities that reach the rest of a fault when [`resolve`](Provider::resolve) no longer finds its target: the
    /// shell of the machine that a process ran on, the rules of a network, an engine whose run continues. It also
    /// answers for an ability that a target no longer offers.
    ///
    /// For each ability of its targets, a provider returns the means that works without the target, or says that
    /// nothing can outlive a target: a virtual machine, for example, takes its processes with it. An ability that it
    /// does not mention is [`Unknown`](crate::capability::Remnant::Unknown), and never counts as gone. A provider that
    /// wraps another one asks that one. Default: everything is unknown. Then a recovery of a target that no longer
    /// exists fails if it needs any of these abilities.
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

/// The groups to look at: all of them, or those of a list.
///
/// ```
/// use chaos_core::provider::GroupFilter;
///
/// let (web, shop) = ("local:web".parse()?, "local:shop".parse()?);
/// assert!(GroupFilter::all().passes(&web));
/// let one = GroupFilter::all().name("web");
/// assert!(one.passes(&web) && !one.passes(&shop));
/// // An empty list means no group, and never all groups.
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
    /// `local`. An empty list lets no group pass.
    pub fn only(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: Some(names.into_iter().map(Into::into).collect()) }
    }

    /// Adds one group, by id or by path, to those that pass. Added to [`all`](GroupFilter::all), only this group
    /// passes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.get_or_insert_default().push(name.into());
        self
    }

    /// The names of the groups that pass, ids or paths. `None` if every group passes.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The groups of the provider with this scheme that the filter names, by id or by path. `None` if every group
    /// passes. A name that is neither an id of this provider nor a path names nothing.
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
