use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    clock::Clock,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use crate::{
    discovery::{anywhere::Anywhere, fleet_state::SCHEME},
    fleet::Fleet,
};

/// Several fleets as one provider, and any fleet of this machine by its ids.
///
/// A monkey takes one provider for each scheme, and all fleets share a scheme. [`Fleets::of`] lists the given fleets.
///
/// ```no_run
/// use chaos_core::Monkey;
/// use chaos_local::{Fleet, Fleets};
///
/// # async fn example() -> chaos_core::Result<()> {
/// let shop = Fleet::of("./shop").name("shop").replicas(3).start().await?;
/// let search = Fleet::of("./search").name("search").replicas(3).start().await?;
/// let monkey = Monkey::builder().provider(Fleets::of([shop, search]));
/// # let _ = monkey;
/// # Ok(())
/// # }
/// ```
///
/// Other ids resolve as well, as programs that replay a journal need. If the path of an id is a directory, it names the
/// fleet over that state directory. If the path is a bare name, it names a fleet inside the process that injected the
/// fault, and the fleet dies with that process. If a process of this user still runs as a replica of it, the fleet is
/// alive but cannot be seen from here, and the recovery fails with that message. Otherwise the fleet is gone.
#[derive(Clone, Debug)]
pub struct Fleets {
    listed: Vec<Fleet>,
    anywhere: Anywhere,
}

impl Fleets {
    /// Finds every fleet of this machine and lists none.
    pub fn new() -> Self {
        Self::of([])
    }

    /// Lists these fleets, whose names must differ, and finds every fleet of this machine.
    pub fn of(fleets: impl IntoIterator<Item = Fleet>) -> Self {
        Self { listed: fleets.into_iter().collect(), anywhere: Anywhere::default() }
    }

    fn listed(&self, id: &GroupId) -> Option<&Fleet> {
        self.listed.iter().find(|fleet| fleet.id() == id)
    }

    /// Sets the clock of waits. Default: [`SystemClock`](chaos_core::clock::SystemClock).
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.anywhere = Anywhere::new(clock);
        self
    }
}

impl Default for Fleets {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Fleets {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(&self.listed).flat_map(|fleet| fleet.groups(filter)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        match self.listed(id) {
            Some(fleet) => fleet.group(id).await,
            None => self.anywhere.group(id).await,
        }
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        match self.listed(id) {
            Some(fleet) => fleet.group_in_recovery(id).await,
            None => self.anywhere.group(id).await,
        }
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        match self.listed(&id.group()) {
            Some(fleet) => fleet.resolve(id).await,
            None => self.anywhere.resolve(id).await,
        }
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        match self.listed(&id.group()) {
            Some(fleet) => fleet.remains(id).await,
            None => self.anywhere.remains(id),
        }
    }
}
