use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    clock::{Clock, SystemClock},
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use crate::discovery::{
    anywhere::Anywhere,
    fleet_state::{FleetState, SCHEME, StateSource, address_of},
    state_directory::StateDirectory,
};

/// A fleet that another process runs, found through its state directory by [`Fleet::attach`](crate::Fleet::attach).
///
/// A [`Provider`] of the same group and the same targets. It restarts nothing, and reads the fleet's state again each
/// time.
#[derive(Clone, Debug)]
pub struct AttachedFleet {
    id: GroupId,
    directory: StateDirectory,
    clock: Arc<dyn Clock>,
}

impl AttachedFleet {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let directory = StateDirectory::open(path)?;
        let fleet = Self { id: directory.id()?, directory, clock: Arc::new(SystemClock::default()) };
        fleet.state()?;
        Ok(fleet)
    }

    /// Sets the clock of waits. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The id of its group.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Its state directory.
    pub fn state_directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// The addresses on which its replicas should listen, by number.
    ///
    /// # Errors
    /// `NotFound` if the fleet has ended, and another kind if that is unknown.
    pub fn endpoints(&self) -> Result<Vec<SocketAddr>> {
        Ok(self.state()?.addresses())
    }

    /// The ports of its replicas, by number, on 127.0.0.1.
    ///
    /// # Errors
    /// As [`endpoints`](AttachedFleet::endpoints).
    pub fn ports(&self) -> Result<Vec<u16>> {
        Ok(self.endpoints()?.iter().map(SocketAddr::port).collect())
    }

    /// The address on which the replica with this number should listen.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such replica; otherwise as [`endpoints`](AttachedFleet::endpoints).
    pub fn address(&self, replica: usize) -> Result<SocketAddr> {
        address_of(&self.endpoints()?, replica)
    }

    /// The URL of the replica with this number, such as `http://127.0.0.1:4001`, without a slash at its end.
    ///
    /// # Errors
    /// As [`address`](AttachedFleet::address).
    pub fn url(&self, replica: usize) -> Result<String> {
        self.address(replica).map(|address| format!("http://{address}"))
    }

    fn state(&self) -> Result<FleetState> {
        self.directory.state()?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the fleet of this state directory has ended")
                .with("group", &self.id)
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for AttachedFleet {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(filter.passes(&self.id).then_some(&self.id)).then(|id| self.group(id)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Anywhere::new(Arc::clone(&self.clock)).group(id).await
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.group(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Anywhere::new(Arc::clone(&self.clock)).resolve(id).await
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        Anywhere::new(Arc::clone(&self.clock)).remains(id)
    }
}
