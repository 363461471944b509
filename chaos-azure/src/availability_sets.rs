use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use chaos_core::{
    BoxStream, Error, ErrorKind, Experiments, Group, GroupFilter, GroupId, Isolation, Provider, Result,
    Shell, Target, TargetId, listing::until_error,
};
use futures_util::{Stream, StreamExt, TryStreamExt, future, pin_mut, stream};

use crate::{
    AzureBuilder,
    compute::AvailabilitySet,
    fleet::Fleet,
    machine::Machine,
    member::{self, Set},
    place::Place,
    selection::subscriptions_of,
    set_path::SetPath,
};

/// What the ids of this provider start with.
pub(crate) const SCHEME: &str = "azure-avset";

/// The availability sets of one or more subscriptions, and their machines as targets.
///
/// A group is `azure-avset:<subscription>/<resource group>/<set>` and a target has the machine's name besides, all in lower case:
/// enough to find them again from another process, whatever that lists itself. Clones share their connections.
///
/// **An availability set replaces nothing**: its desired size is the number of machines that it has, but for those that are deallocated, a machine that is deleted stays
/// away, and so none can be terminated. What suits it are faults that end: stop, reboot, isolation and what scripts do.
///
/// ```no_run
/// use chaos_azure::AvailabilitySets;
/// use chaos_core::{GroupFilter, Provider};
/// use futures_util::StreamExt;
///
/// # async fn example() -> chaos_core::Result<()> {
/// let sets = AvailabilitySets::builder()
///     .subscription("11111111-1111-4111-8111-111111111111")
///     .tag("team", "shop")
///     .build()?;
/// let everything = GroupFilter::all();
/// let mut groups = sets.groups(&everything);
/// while let Some(group) = groups.next().await {
///     let group = group?;
///     println!("{}: {} of {} are healthy", group.id, group.healthy(), group.desired);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AvailabilitySets {
    fleet: Arc<Fleet>,
}

impl AvailabilitySets {
    /// Begins with the credentials that the environment names, and with Azure's public cloud.
    pub fn builder() -> AzureBuilder<Self> {
        AzureBuilder::new()
    }

    pub(crate) fn over(fleet: Fleet) -> Self {
        Self { fleet: Arc::new(fleet) }
    }
}

impl Fleet {
    /// The availability sets of a subscription that pass, with their machines: every set, and then every machine, once without and
    /// once with what is seen of it.
    async fn availability_sets(&self, subscription: &str, filter: &GroupFilter) -> Result<Vec<Group>> {
        let sets: Vec<Vec<AvailabilitySet>> =
            Box::pin(self.means.azure.compute.availability_sets(subscription)).try_collect().await?;
        let mut passed = Vec::new();
        for set in sets.into_iter().flatten() {
            let is_wanted =
                self.selection.passes(&set.path, &set.tags) && filter.passes(&set.path.group_id(SCHEME)?);
            if is_wanted {
                passed.push(set);
            }
        }
        if passed.is_empty() {
            return Ok(Vec::new());
        }
        let machines = self.means.azure.compute.machines(subscription);
        let wanted = passed.iter().map(|set| set.path.clone()).collect();
        let mut machines = self.machines(&wanted, machines, subscription).await?;
        passed
            .into_iter()
            .map(|set| {
                let machines = machines.remove(&set.path).unwrap_or_default();
                self.availability_set(set, &machines)
            })
            .collect()
    }

    /// The machines of the wanted sets, by set: what one listing tells of them, with what another has seen.
    async fn machines(
        &self,
        wanted: &BTreeSet<SetPath>,
        machines: impl Stream<Item = Result<Vec<Machine>>> + Send,
        subscription: &str,
    ) -> Result<BTreeMap<SetPath, Vec<Machine>>> {
        let reading = async {
            let mut found: BTreeMap<SetPath, Vec<Machine>> = BTreeMap::new();
            pin_mut!(machines);
            while let Some(page) = machines.try_next().await? {
                for machine in page {
                    let set = machine.availability_set.as_ref().map(SetPath::of);
                    if let Some(set) = set.filter(|set| wanted.contains(set)) {
                        found.entry(set).or_default().push(machine);
                    }
                }
            }
            Ok::<_, Error>(found)
        };
        let looking = async {
            let views: Vec<Vec<_>> =
                Box::pin(self.means.azure.compute.views(subscription)).try_collect().await?;
            Ok(views.into_iter().flatten().collect::<BTreeMap<_, _>>())
        };
        let (mut found, mut views) = future::try_join(reading, looking).await?;
        for machine in found.values_mut().flatten() {
            // What only one of the listings holds came or went between them: nobody has seen whether it runs.
            let seen = key(&machine.place).and_then(|key| views.remove(&key));
            *machine = machine.clone().seen(seen.unwrap_or_default());
        }
        Ok(found)
    }

    fn availability_set(&self, set: AvailabilitySet, machines: &[Machine]) -> Result<Group> {
        let AvailabilitySet { path, tags } = set;
        let set = Set {
            path,
            tags,
            desired: None,
            replaces_members: false,
            replaces_stopped: false,
            excluded: None,
            has_numbers_for_names: true,
        };
        member::group(SCHEME, set, machines, &self.selection, &self.means)
    }
}

fn key(place: &Place) -> Option<SetPath> {
    match place.clone() {
        Place::Machine { subscription, resource_group, name } => {
            Some(SetPath { subscription, resource_group, name })
        }
        Place::Instance { .. } => None,
    }
}

#[async_trait]
impl Provider for AvailabilitySets {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let subscriptions = subscriptions_of(SCHEME, &self.fleet.subscriptions, filter);
        let listings: Vec<_> = subscriptions
            .into_iter()
            .map(|subscription| {
                let fleet = &self.fleet;
                let listing = async move { fleet.availability_sets(&subscription, filter).await };
                let groups = stream::once(listing).map_ok(|groups| stream::iter(groups.into_iter().map(Ok)));
                groups.try_flatten().boxed()
            })
            .collect();
        until_error(stream::select_all(listings)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let path = SetPath::parse(SCHEME, id)?;
        let azure = &self.fleet.means.azure;
        let Some(set) = azure.compute.availability_set(&path).await? else {
            let what = "there is no such availability set in this subscription and resource group";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        };
        let machines = azure.compute.machines_in(&path);
        let wanted = BTreeSet::from([path.clone()]);
        let mut machines = self.fleet.machines(&wanted, machines, &path.subscription).await?;
        self.fleet.availability_set(set, &machines.remove(&path).unwrap_or_default())
    }

    /// Finds a machine by its name alone: one that has left its set meanwhile is still the one that has the fault.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        let SetPath { subscription, resource_group, .. } = set;
        self.fleet.target(id, &Place::Machine { subscription, resource_group, name }).await
    }

    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(self.fleet.experiments_of(id))
    }

    /// By the rules and interfaces alone, which outlive a machine.
    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        let SetPath { subscription, resource_group, .. } = set;
        Ok(Some(self.fleet.isolation_of(Place::Machine { subscription, resource_group, name })))
    }

    /// Nothing: what scripts leave behind ends with the machine.
    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(None)
    }
}
