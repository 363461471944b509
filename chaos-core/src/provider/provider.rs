use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::GroupFilter;
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
