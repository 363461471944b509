use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    BoxStream, Clock, Error, ErrorKind, Experiments, Group, GroupFilter, GroupId, Isolation, Provider,
    Result, Shell, SystemClock, Target, TargetId,
};
use futures_util::{StreamExt, stream};

use crate::{
    Fleet, fleet_elsewhere,
    fleet_state::{SCHEME, StateSource, check_scheme, shell_beyond},
    state_directory::StateDirectory,
};

/// Several fleets as one provider, and any fleet of this machine by its ids.
///
/// A monkey takes one provider for each scheme, and all fleets share one: [`Fleets::of`] lists the fleets that it is
/// given.
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
/// Other ids resolve as well, which is what programs need that replay a journal. An id whose path is a directory names
/// the fleet over that state directory. An id whose path is a bare name names a fleet inside the process that injected
/// the fault. It dies with that process: where a process of this user still runs as a replica of it, the fleet lives
/// where it cannot be seen from here, and the recovery fails and says so; otherwise it is gone.
#[derive(Clone, Debug)]
pub struct Fleets {
    listed: Vec<Fleet>,
    clock: Arc<dyn Clock>,
}

impl Fleets {
    /// Finds every fleet of this machine and lists none.
    pub fn new() -> Self {
        Self::of([])
    }

    /// Lists these fleets, which bear different names, and finds every fleet of this machine.
    pub fn of(fleets: impl IntoIterator<Item = Fleet>) -> Self {
        Self { listed: fleets.into_iter().collect(), clock: Arc::new(SystemClock::default()) }
    }

    fn listed(&self, id: &GroupId) -> Option<&Fleet> {
        self.listed.iter().find(|fleet| fleet.id() == id)
    }

    /// A fleet over a state directory says there that it has ended. One with a bare name ends with its process.
    async fn make_sure_of_its_end(&self, id: &GroupId) -> Result<()> {
        match StateDirectory::of_id(id) {
            Some(_) => Ok(()),
            None => fleet_elsewhere::has_ended(id, self.clock.as_ref()).await,
        }
    }

    /// Sets where waits take their time from. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
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
        if let Some(fleet) = self.listed(id) {
            return fleet.group(id).await;
        }
        check_scheme(SCHEME, "group id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(id)
            && let Some(fleet) = directory.state()?
        {
            return fleet.group(id, &directory, &self.clock).await;
        }
        self.make_sure_of_its_end(id).await?;
        Err(Error::new(ErrorKind::NotFound, "the fleet has ended").with("group", id))
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        match self.listed(id) {
            Some(fleet) => fleet.group_in_recovery(id).await,
            None => self.group(id).await,
        }
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        if let Some(fleet) = self.listed(&id.group()) {
            return fleet.resolve(id).await;
        }
        check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
        if let Some(directory) = StateDirectory::of_id(&id.group())
            && let Some(fleet) = directory.state()?
        {
            let target = fleet.resolve(id, &directory, &self.clock)?;
            return Ok(target.map(|target| Arc::new(target) as Arc<dyn Target>));
        }
        self.make_sure_of_its_end(&id.group()).await?;
        Ok(None)
    }

    async fn shell_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Shell>>> {
        if let Some(fleet) = self.listed(&id.group()) {
            return fleet.shell_beyond(id).await;
        }
        check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
        let directory = StateDirectory::of_id(&id.group());
        let network_namespace =
            directory.map(|directory| directory.network_namespace()).transpose()?.flatten();
        Ok(Some(shell_beyond(id, network_namespace.as_deref(), &self.clock)))
    }

    // No process offers one, wherever it is found.
    async fn isolation_beyond(&self, id: &TargetId) -> Result<Option<Arc<dyn Isolation>>> {
        match self.listed(&id.group()) {
            Some(fleet) => fleet.isolation_beyond(id).await,
            None => Err(Error::unsupported("isolation").with("target", id)),
        }
    }

    async fn experiments_beyond(&self, id: &TargetId) -> Result<Arc<dyn Experiments>> {
        match self.listed(&id.group()) {
            Some(fleet) => fleet.experiments_beyond(id).await,
            None => Err(Error::unsupported("running experiments").with("target", id)),
        }
    }
}
