use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    listing::until_error,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    AzureBuilder,
    client::{
        compute::{AvailabilitySet, Listed},
        set_machines::{Machines, listed_machines, machines_of},
    },
    discovery::{
        fleet::Fleet,
        member::{self, Set},
        selection::subscriptions_of,
    },
    model::{
        place::Place,
        set_path::{AVAILABILITY_SETS, SetPath},
    },
};

/// The availability sets of one or more subscriptions, and their machines as targets.
///
/// A group's id is `azure-avset:<subscription>/<resource group>/<set>`, and a target's id adds the machine's name, all
/// in lower case. That is enough to find both again from another process, even if that process lists other sets. Clones
/// share their connections.
///
/// **An availability set replaces no machine**: its desired size is the number of its machines that are not
/// deallocated. A deleted machine does not come back, so no machine can be terminated. Suitable faults are those that
/// end: stop, reboot, isolation and scripts.
///
/// ```no_run
/// use chaos_azure::AvailabilitySets;
/// use chaos_core::{Provider, provider::GroupFilter};
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
    /// Starts with the credentials of the environment, and with Azure's public cloud.
    pub fn builder() -> AzureBuilder<Self> {
        AzureBuilder::new()
    }

    fn over(fleet: Fleet) -> Self {
        Self { fleet: Arc::new(fleet) }
    }
}

impl AzureBuilder<AvailabilitySets> {
    /// Checks the settings. This makes no call; credentials are first requested by the first listing.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid subscription, endpoint, name, tag or pattern, for invalid credentials, and if no
    /// subscription is configured.
    pub fn build(self) -> Result<AvailabilitySets> {
        self.fleet(false).map(AvailabilitySets::over)
    }
}

impl Fleet {
    /// The availability sets of a subscription that pass, with their machines: every set, and then every machine, once
    /// without and once with its instance view.
    async fn availability_sets(&self, subscription: &str, filter: &GroupFilter) -> Result<Vec<Group>> {
        let sets: Vec<Vec<Listed<AvailabilitySet>>> =
            Box::pin(self.means.azure.compute.availability_sets(subscription)).try_collect().await?;
        let mut groups = Vec::new();
        let mut passed = Vec::new();
        for set in sets.into_iter().flatten() {
            match set {
                Listed::Read(set) => {
                    let is_wanted = self.selection.passes(&set.path, &set.tags)
                        && filter.passes(&set.path.group_id(AVAILABILITY_SETS)?);
                    if is_wanted {
                        passed.push(set);
                    }
                }
                Listed::Unreadable(id) => {
                    groups.extend(self.unreadable(AVAILABILITY_SETS, subscription, &id, filter)?)
                }
            }
        }
        if passed.is_empty() {
            return Ok(groups);
        }
        let machines = self.means.azure.compute.machines(subscription);
        let wanted = passed.iter().map(|set| set.path.clone()).collect();
        let mut machines = listed_machines(&self.means.azure, &wanted, machines, subscription).await?;
        for set in passed {
            let machines = machines.remove(&set.path).unwrap_or_default();
            groups.push(self.availability_set(set, &machines)?);
        }
        Ok(groups)
    }

    fn availability_set(&self, set: AvailabilitySet, machines: &Machines) -> Result<Group> {
        let set = as_set(set, machines.doubt.clone());
        member::group(AVAILABILITY_SETS, set, &machines.found, &self.selection, &self.means)
    }
}

fn as_set(set: AvailabilitySet, doubt: Option<String>) -> Set {
    let AvailabilitySet { path, tags, doubt: of_itself } = set;
    Set {
        path,
        tags,
        desired: None,
        replaces_members: false,
        replaces_stopped: false,
        excluded: None,
        doubt: of_itself.or(doubt),
        has_numbers_for_names: true,
    }
}

#[async_trait]
impl Provider for AvailabilitySets {
    fn scheme(&self) -> &'static str {
        AVAILABILITY_SETS
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let subscriptions = subscriptions_of(AVAILABILITY_SETS, &self.fleet.subscriptions, filter);
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
        let path = SetPath::parse(AVAILABILITY_SETS, id)?;
        let azure = &self.fleet.means.azure;
        let Some(found) = azure.compute.availability_set(&path).await? else {
            let what = "this subscription and resource group have no such availability set";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        };
        let machines = machines_of(azure, &path, found.machines).await?;
        let set = as_set(found.set, None);
        member::certain(&set, &machines).map_err(|error| error.with("group", id))?;
        member::group(AVAILABILITY_SETS, set, &machines, &self.fleet.selection, &self.fleet.means)
    }

    /// Finds a machine by its name alone. A machine that has left its set meanwhile still has the fault.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (set, name) = SetPath::of_target(AVAILABILITY_SETS, id)?;
        self.fleet.target(id, &Place::of_machine(&set, name)).await
    }

    /// Rules and interfaces outlive a machine, and so does the engine. Effects of scripts end with it.
    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let (set, name) = SetPath::of_target(AVAILABILITY_SETS, id)?;
        Ok(Remains::default()
            .without_shell()
            .with_settings(self.fleet.settings_of(Place::of_machine(&set, name)))
            .with_engine(self.fleet.engine_of(id)))
    }
}
