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
    azure::Azure,
    compute::{AvailabilitySet, Entry, Listed},
    fleet::Fleet,
    machine::Machine,
    member::{self, Set},
    place::Place,
    selection::subscriptions_of,
    set_path::SetPath,
};

/// What the ids of this provider start with.
pub(crate) const SCHEME: &str = "azure-avset";

/// The machines of a set with no more than these are asked one by one, and of one with more, all of the subscription
/// page by page.
const FEW: usize = 32;

/// How many of them at a time.
const AT_A_TIME: usize = 8;

/// The availability sets of one or more subscriptions, and their machines as targets.
///
/// A group is `azure-avset:<subscription>/<resource group>/<set>` and a target has the machine's name besides, all in
/// lower case: enough to find them again from another process, whatever that lists itself. Clones share their
/// connections.
///
/// **An availability set replaces nothing**: its desired size is the number of machines that it has, but for those that
/// are deallocated. A machine that is deleted stays away, and so none can be terminated. What suits it are faults that
/// end: stop, reboot, isolation and what scripts do.
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

/// The machines of a set, and why it is not known which these are.
#[derive(Debug, Default)]
struct Machines {
    found: Vec<Machine>,
    doubt: Option<String>,
}

impl Fleet {
    /// The availability sets of a subscription that pass, with their machines: every set, and then every machine, once
    /// without and once with what is seen of it.
    async fn availability_sets(&self, subscription: &str, filter: &GroupFilter) -> Result<Vec<Group>> {
        let sets: Vec<Vec<Listed<AvailabilitySet>>> =
            Box::pin(self.means.azure.compute.availability_sets(subscription)).try_collect().await?;
        let mut groups = Vec::new();
        let mut passed = Vec::new();
        for set in sets.into_iter().flatten() {
            match set {
                Listed::Read(set) => {
                    let is_wanted = self.selection.passes(&set.path, &set.tags)
                        && filter.passes(&set.path.group_id(SCHEME)?);
                    if is_wanted {
                        passed.push(set);
                    }
                }
                Listed::Unreadable(id) => {
                    groups.extend(self.unreadable(SCHEME, subscription, &id, filter)?)
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
        member::group(SCHEME, set, &machines.found, &self.selection, &self.means)
    }
}

/// The machines of the wanted sets, by set: what one listing tells of them, with what another has seen.
async fn listed_machines(
    azure: &Azure,
    wanted: &BTreeSet<SetPath>,
    entries: impl Stream<Item = Result<Vec<Entry>>> + Send,
    subscription: &str,
) -> Result<BTreeMap<SetPath, Machines>> {
    let reading = async {
        let mut found: BTreeMap<SetPath, Machines> = BTreeMap::new();
        pin_mut!(entries);
        while let Some(page) = entries.try_next().await? {
            for entry in page {
                match entry {
                    Entry::Machine(machine) => {
                        let set = machine.availability_set.as_ref().map(SetPath::of);
                        if let Some(set) = set.filter(|set| wanted.contains(set)) {
                            found.entry(set).or_default().found.push(*machine);
                        }
                    }
                    Entry::Unreadable { set, why } => found.entry(set).or_default().doubt = Some(why),
                    Entry::OfNone => {}
                }
            }
        }
        Ok::<_, Error>(found)
    };
    let looking = async {
        let views: Vec<Vec<_>> = Box::pin(azure.compute.views(subscription)).try_collect().await?;
        Ok(views.into_iter().flatten().flatten().collect::<BTreeMap<_, _>>())
    };
    let (mut found, mut views) = future::try_join(reading, looking).await?;
    for machine in found.values_mut().flat_map(|machines| &mut machines.found) {
        // What only one of the listings holds came or went between them: nobody has seen whether it runs.
        let seen = key(&machine.place).and_then(|key| views.remove(&key));
        *machine = machine.clone().seen(seen.unwrap_or_default());
    }
    Ok(found)
}

/// The machines of one set: one by one where these are few and the set names them, and otherwise from listings.
pub(crate) async fn machines_of(
    azure: &Azure,
    path: &SetPath,
    named: Option<Vec<String>>,
) -> Result<Vec<Machine>> {
    let Some(names) = named.filter(|names| names.len() <= FEW) else {
        let wanted = BTreeSet::from([path.clone()]);
        let entries = azure.compute.machines_in(path);
        let mut machines = listed_machines(azure, &wanted, entries, &path.subscription).await?;
        let Machines { found, doubt } = machines.remove(path).unwrap_or_default();
        return match doubt {
            Some(why) => Err(Error::new(ErrorKind::Unavailable, why)),
            None => Ok(found),
        };
    };
    let looks = names.into_iter().map(|name| async move {
        let place = Place::of_machine(path, name);
        let machine = azure.compute.machine(&place).await?;
        let is_of_another = machine
            .as_ref()
            .is_some_and(|machine| machine.availability_set.as_ref().map(SetPath::of).as_ref() != Some(path));
        if is_of_another {
            let what = "an availability set names a machine that does not name the set";
            return Err(Error::new(ErrorKind::Unavailable, what).with("machine", &place));
        }
        // One that is there no more is a member no more.
        Ok(machine)
    });
    let found: Vec<Option<Machine>> = stream::iter(looks).buffered(AT_A_TIME).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
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
        let Some(found) = azure.compute.availability_set(&path).await? else {
            let what = "there is no such availability set in this subscription and resource group";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        };
        let machines = machines_of(azure, &path, found.machines).await?;
        let set = as_set(found.set, None);
        member::certain(&set, &machines).map_err(|error| error.with("group", id))?;
        member::group(SCHEME, set, &machines, &self.fleet.selection, &self.fleet.means)
    }

    /// Finds a machine by its name alone: one that has left its set meanwhile is still the one that has the fault.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        self.fleet.target(id, &Place::of_machine(&set, name)).await
    }

    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(self.fleet.experiments_of(id))
    }

    /// By the rules and interfaces alone, which outlive a machine.
    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        let (set, name) = SetPath::of_target(SCHEME, id)?;
        Ok(Some(self.fleet.isolation_of(Place::of_machine(&set, name))))
    }

    /// Nothing: what scripts leave behind ends with the machine.
    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
        SetPath::of_target(SCHEME, id)?;
        Ok(None)
    }
}
