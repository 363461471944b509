use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    listing::until_error,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{Stream, StreamExt, TryStreamExt, future::ready, stream};

use crate::{
    AzureBuilder,
    client::{
        autoscale::Minima,
        compute::{Listed, Orchestration, ScaleSet},
    },
    discovery::{
        fleet::Fleet,
        member::{self, Set},
        selection::subscriptions_of,
    },
    model::{
        machine::Machine,
        place::Place,
        set_path::{SCALE_SETS, SetPath},
    },
};

/// The number of scale sets of a subscription that are looked up at a time.
const AT_A_TIME: usize = 8;

/// How long recoveries use an earlier answer about autoscale settings.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// The virtual machine scale sets of one or more subscriptions, and their instances as targets.
///
/// A group's id is `azure-vmss:<subscription>/<resource group>/<scale set>`. A target's id adds the number of the
/// instance or, with flexible orchestration, the machine's name, all in lower case. Clones share their connections.
///
/// **A scale set replaces no instance by itself.** Deleting an instance lowers its capacity by one permanently, and
/// automatic instance repairs replace unhealthy instances, not deleted ones. An autoscale setting restores the number:
/// if an enabled setting has a minimum of at least the present capacity in each of its profiles, the group counts as
/// replacing its members, and its desired size is that minimum. A termination is suitable only there. Elsewhere you
/// must request it (`Terminate::even_without_replacement`), and a deleted instance does not come back. For scale sets
/// with flexible orchestration, nothing restores the number, as far as is known: their capacity stays the same when a
/// machine is deleted, and no machine is added.
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
    last: Arc<LastSeen>,
}

/// The latest answers about the autoscale settings of each subscription, with their times, for recoveries.
#[derive(Debug, Default)]
struct LastSeen(Mutex<HashMap<String, (Duration, Arc<Minima>)>>);

impl ScaleSets {
    /// Starts with the credentials of the environment, and with Azure's public cloud.
    pub fn builder() -> AzureBuilder<Self> {
        AzureBuilder::new()
    }

    fn over(fleet: Fleet) -> Self {
        Self { fleet: Arc::new(fleet), last: Arc::default() }
    }

    /// The autoscale settings as they are now.
    async fn minima(&self, subscription: &str) -> Result<Arc<Minima>> {
        let azure = &self.fleet.means.azure;
        let minima = azure.autoscale.minima(subscription).await?;
        let mut seen = self.last.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(subscription.to_owned(), (azure.clock.monotonic(), Arc::clone(&minima)));
        Ok(minima)
    }

    /// The earlier settings, if the current ones are not available.
    async fn minima_in_recovery(&self, subscription: &str) -> Result<Arc<Minima>> {
        let last = self.last.0.lock().unwrap_or_else(PoisonError::into_inner).get(subscription).cloned();
        let Some((seen, minima)) = last else { return self.minima(subscription).await };
        if self.fleet.means.azure.clock.monotonic().saturating_sub(seen) < KNOWN_FOR {
            return Ok(minima);
        }
        let asked = self.minima(subscription).await;
        // If they are not available now, they will not be for a while.
        if asked.is_err() {
            let now = self.fleet.means.azure.clock.monotonic();
            let mut seen = self.last.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(subscription.to_owned(), (now, Arc::clone(&minima)));
        }
        Ok(asked.unwrap_or(minima))
    }

    async fn look(
        &self,
        id: &GroupId,
        path: SetPath,
        minima: impl Future<Output = Result<Arc<Minima>>>,
    ) -> Result<Group> {
        let Some(set) = self.fleet.means.azure.compute.scale_set(&path).await? else {
            let what = "this subscription and resource group have no such scale set";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        };
        let (set, machines) = self.fleet.members(set, minima.await?.as_ref()).await?;
        member::certain(&set, &machines).map_err(|error| error.with("group", id))?;
        member::group(SCALE_SETS, set, &machines, &self.fleet.selection, &self.fleet.means)
    }
}

impl AzureBuilder<ScaleSets> {
    /// Also allows instances that are protected from scale-in or from scale-set actions. By default, they are excluded,
    /// with this reason.
    pub fn include_protected(mut self) -> Self {
        self.selection.protected_too = true;
        self
    }

    /// As the `build` of [`AvailabilitySets`](crate::AvailabilitySets).
    ///
    /// # Errors
    /// As there.
    pub fn build(self) -> Result<ScaleSets> {
        self.fleet(true).map(ScaleSets::over)
    }
}

impl Fleet {
    /// The matching scale sets of a subscription, each looked up as soon as its page has arrived.
    fn scale_sets<'a>(
        &'a self,
        subscription: &str,
        filter: &'a GroupFilter,
        minima: Arc<Minima>,
    ) -> impl Stream<Item = Result<Group>> + Send + use<'a> {
        let pages = self.means.azure.compute.scale_sets(subscription);
        let sets = pages.map_ok(|sets| stream::iter(sets.into_iter().map(Ok))).try_flatten();
        let subscription = subscription.to_owned();
        let looked_up = sets.map_ok(move |set| {
            let (minima, subscription) = (Arc::clone(&minima), subscription.clone());
            async move {
                match set {
                    Listed::Read(set) => {
                        let is_wanted = self.selection.passes(&set.path, &set.tags)
                            && filter.passes(&set.path.group_id(SCALE_SETS)?);
                        if is_wanted { self.scale_set(set, &minima).await.map(Some) } else { Ok(None) }
                    }
                    Listed::Unreadable(id) => self.unreadable(SCALE_SETS, &subscription, &id, filter),
                }
            }
        });
        looked_up.try_buffered(AT_A_TIME).try_filter_map(|group| async move { Ok(group) })
    }

    async fn scale_set(&self, set: ScaleSet, minima: &Minima) -> Result<Group> {
        let (set, machines) = self.members(set, minima).await?;
        member::group(SCALE_SETS, set, &machines, &self.selection, &self.means)
    }

    async fn members(&self, set: ScaleSet, minima: &Minima) -> Result<(Set, Vec<Machine>)> {
        let pages: Vec<Vec<Machine>> = Box::pin(self.means.azure.compute.members(&set)).try_collect().await?;
        let mut machines: Vec<Machine> = pages.into_iter().flatten().collect();
        for machine in &mut machines {
            machine.is_spot |= set.is_spot;
        }
        let minimum = minima.of(&set.path).filter(|_| set.orchestration == Orchestration::Uniform);
        let held_at = minimum.filter(|minimum| *minimum > 0 && *minimum >= set.capacity);
        let set = Set {
            desired: set.doubt.is_none().then(|| held_at.unwrap_or(set.capacity)),
            replaces_members: held_at.is_some(),
            replaces_stopped: set.replaces_the_unwell,
            excluded: set.is_being_deleted.then_some("its scale set is being deleted"),
            doubt: set.doubt,
            has_numbers_for_names: set.orchestration == Orchestration::Uniform,
            path: set.path,
            tags: set.tags,
        };
        Ok((set, machines))
    }
}

#[async_trait]
impl Provider for ScaleSets {
    fn scheme(&self) -> &'static str {
        SCALE_SETS
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let fleet = self.fleet.as_ref();
        let listings: Vec<_> = subscriptions_of(SCALE_SETS, &fleet.subscriptions, filter)
            .into_iter()
            .map(|subscription| {
                let listing = async move {
                    let minima = self.minima(&subscription).await?;
                    Ok(fleet.scale_sets(&subscription, filter, minima))
                };
                stream::once(listing).try_flatten().boxed()
            })
            .collect();
        until_error(stream::select_all(listings)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let path = SetPath::parse(SCALE_SETS, id)?;
        let subscription = path.subscription.clone();
        self.look(id, path, self.minima(&subscription)).await
    }

    /// The plan has already checked whether members are replaced. Here, that only determines the expected number of
    /// members at the end.
    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        let path = SetPath::parse(SCALE_SETS, id)?;
        let subscription = path.subscription.clone();
        match self.minima_in_recovery(&subscription).await {
            Ok(minima) => self.look(id, path, ready(Ok(minima))).await,
            // The desired number is not available here, so callers use the earlier number.
            Err(_) => {
                let group = self.look(id, path, ready(Ok(Arc::default()))).await?;
                Ok(group.desired(usize::MAX))
            }
        }
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (set, name) = SetPath::of_target(SCALE_SETS, id)?;
        self.fleet.target(id, &Place::of_member(set, name)).await
    }

    /// Rules and interfaces outlive a machine, and so does the engine. Effects of scripts end with it.
    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let (set, name) = SetPath::of_target(SCALE_SETS, id)?;
        Ok(Remains::default()
            .without_shell()
            .with_settings(self.fleet.settings_of(Place::of_member(set, name)))
            .with_engine(self.fleet.engine_of(id)))
    }
}
