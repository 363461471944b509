use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    BoxStream, Error, ErrorKind, Experiments, Group, GroupFilter, GroupId, Isolation, Provider, Result,
    Shell, Target, TargetId, listing::until_error,
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::{
    AzureBuilder,
    autoscale::Minima,
    compute::{Orchestration, ScaleSet},
    fleet::Fleet,
    machine::Machine,
    member::{self, Set},
    place::Place,
    selection::subscriptions_of,
    set_path::SetPath,
};

/// What the ids of this provider start with.
pub(crate) const SCHEME: &str = "azure-vmss";

/// How many scale sets of a subscription are looked up at a time.
const AT_A_TIME: usize = 8;

/// The virtual machine scale sets of one or more subscriptions, and their instances as targets.
///
/// A group is `azure-vmss:<subscription>/<resource group>/<scale set>`; a target has the number of the instance besides, or the
/// machine's name where the orchestration is flexible, all in lower case. Clones share their connections.
///
/// **A scale set replaces nobody by itself.** Deleting an instance lowers its capacity by one, for good, and automatic instance
/// repairs replace who is unwell, and not who is deleted. What brings the number back is an autoscale setting: where one is enabled
/// whose minimum, in each of its profiles, is no less than the present capacity, the group says that it replaces its members, and
/// its desired size is that minimum. Only there does a termination suit; elsewhere it must be asked for
/// (`Terminate::even_without_replacement`), and what is deleted stays away. Of scale sets with flexible orchestration nothing is
/// known that brings a number back: their capacity stays as it is when a machine is deleted, and none is added.
///
/// ```no_run
/// use chaos_azure::{ScaleSets, StopMode};
/// use chaos_core::{Monkey, Provider};
///
/// # fn example() -> chaos_core::Result<()> {
/// let sets = ScaleSets::builder()
///     .subscription("11111111-1111-4111-8111-111111111111")
///     .resource_group("shop")
///     .managed_identity()
///     .stop_mode(StopMode::Abrupt)
///     .build()?;
/// assert_eq!(sets.scheme(), "azure-vmss");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ScaleSets {
    fleet: Arc<Fleet>,
}

impl ScaleSets {
    /// Begins with the credentials that the environment names, and with Azure's public cloud.
    pub fn builder() -> AzureBuilder<Self> {
        AzureBuilder::new()
    }

    pub(crate) fn over(fleet: Fleet) -> Self {
        Self { fleet: Arc::new(fleet) }
    }
}

impl Fleet {
    /// The scale sets of a subscription that pass, each looked up as soon as its page is there.
    fn scale_sets<'a>(
        &'a self,
        subscription: &str,
        filter: &'a GroupFilter,
        minima: Arc<Minima>,
    ) -> impl Stream<Item = Result<Group>> + Send + use<'a> {
        let pages = self.means.azure.compute.scale_sets(subscription);
        let sets = pages.map_ok(|sets| stream::iter(sets.into_iter().map(Ok))).try_flatten();
        let wanted = sets.try_filter_map(move |set| async move {
            let is_wanted =
                self.selection.passes(&set.path, &set.tags) && filter.passes(&set.path.group_id(SCHEME)?);
            Ok(is_wanted.then_some(set))
        });
        let looked_up = wanted.map_ok(move |set| {
            let minima = Arc::clone(&minima);
            async move { self.scale_set(set, &minima).await }
        });
        looked_up.try_buffered(AT_A_TIME)
    }

    async fn scale_set(&self, set: ScaleSet, minima: &Minima) -> Result<Group> {
        let pages: Vec<Vec<Machine>> = Box::pin(self.means.azure.compute.members(&set)).try_collect().await?;
        let mut machines: Vec<Machine> = pages.into_iter().flatten().collect();
        for machine in &mut machines {
            machine.is_spot |= set.is_spot;
        }
        let capacity = set.capacity.unwrap_or(machines.len());
        let minimum = minima.of(&set.path).filter(|_| set.orchestration == Orchestration::Uniform);
        let held_at = minimum.filter(|minimum| *minimum > 0 && *minimum >= capacity);
        let set = Set {
            desired: set.capacity.map(|capacity| held_at.unwrap_or(capacity)),
            replaces_members: held_at.is_some(),
            replaces_stopped: set.replaces_the_unwell,
            excluded: set.is_being_deleted.then_some("its scale set is being deleted"),
            has_numbers_for_names: set.orchestration == Orchestration::Uniform,
            path: set.path,
            tags: set.tags,
        };
        member::group(SCHEME, set, &machines, &self.selection, &self.means)
    }
}

#[async_trait]
impl Provider for ScaleSets {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let fleet = self.fleet.as_ref();
        let listings: Vec<_> = subscriptions_of(SCHEME, &fleet.subscriptions, filter)
            .into_iter()
            .map(|subscription| {
                let listing = async move {
                    let minima = Arc::new(fleet.means.azure.autoscale.minima(&subscription).await?);
                    Ok(fleet.scale_sets(&subscription, filter, minima))
                };
                stream::once(listing).try_flatten().boxed()
            })
            .collect();
        until_error(stream::select_all(listings)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let path = SetPath::parse(SCHEME, id)?;
        let Some(set) = self.fleet.means.azure.compute.scale_set(&path).await? else {
            let what = "there is no such scale set in this subscription and resource group";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        };
        let minima = self.fleet.means.azure.autoscale.minima(&path.subscription).await?;
        self.fleet.scale_set(set, &minima).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        self.fleet.target(id, &Place::of_member(set, name)).await
    }

    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(self.fleet.experiments_of(id))
    }

    /// By the rules and interfaces alone, which outlive a machine.
    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        Ok(Some(self.fleet.isolation_of(Place::of_member(set, name))))
    }

    /// Nothing: what scripts leave behind ends with the machine.
    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(None)
    }
}
