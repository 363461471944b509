use std::{
    convert::Infallible,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Group, GroupId, Provider, Result, Target, TargetId,
    clock::Clock,
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use super::{HealthCheck, never_a_provider, unsupported};

/// Replicas of a command that are restarted when they die. There is none on this system.
#[derive(Clone, Debug)]
pub struct Fleet {
    never: Infallible,
}

/// The settings of a [`Fleet`], made by [`Fleet::of`].
#[derive(Debug)]
#[must_use = "no replica runs before the fleet is started"]
pub struct FleetBuilder {
    program: OsString,
}

/// A fleet that another process runs. There is none on this system.
#[derive(Clone, Debug)]
pub struct AttachedFleet {
    never: Infallible,
}

/// Any fleet of this machine, of which there is none on this system.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Fleets {}

impl Fleet {
    /// A fleet of this program.
    pub fn of(program: impl Into<OsString>) -> FleetBuilder {
        FleetBuilder { program: program.into() }
    }

    /// Finds a fleet that another process runs.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub fn attach(state_directory: impl AsRef<Path>) -> Result<AttachedFleet> {
        Err(unsupported("a fleet").with("state directory", state_directory.as_ref().display()))
    }

    /// The id of the group.
    pub fn id(&self) -> &GroupId {
        match self.never {}
    }

    /// The addresses of the replicas.
    pub fn endpoints(&self) -> Vec<SocketAddr> {
        match self.never {}
    }

    /// The ports of the replicas.
    pub fn ports(&self) -> Vec<u16> {
        match self.never {}
    }

    /// The address of one replica.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn address(&self, _: usize) -> Result<SocketAddr> {
        match self.never {}
    }

    /// The URL of one replica.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn url(&self, _: usize) -> Result<String> {
        match self.never {}
    }

    /// Ends all replicas.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub async fn stop(&self) -> Result<()> {
        match self.never {}
    }
}

impl FleetBuilder {
    /// Adds an argument.
    pub fn arg(self, _: impl Into<OsString>) -> Self {
        self
    }

    /// Adds arguments.
    pub fn args(self, _: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self
    }

    /// Sets a variable in the replicas' environment.
    pub fn env(self, _: impl Into<OsString>, _: impl Into<OsString>) -> Self {
        self
    }

    /// Sets the number of replicas.
    pub fn replicas(self, _: usize) -> Self {
        self
    }

    /// Names the fleet.
    pub fn name(self, _: impl Into<String>) -> Self {
        self
    }

    /// Sets the health check of the replicas.
    pub fn health(self, _: HealthCheck) -> Self {
        self
    }

    /// Sets the port of the first replica.
    pub fn ports_from(self, _: u16) -> Self {
        self
    }

    /// Runs the replicas in a network namespace.
    pub fn network_namespace(self, _: impl Into<String>) -> Self {
        self
    }

    /// Sets the time until all replicas must be healthy.
    pub fn start_within(self, _: Duration) -> Self {
        self
    }

    /// Lets other processes find this fleet.
    pub fn state_directory(self, _: impl Into<PathBuf>) -> Self {
        self
    }

    /// Appends the output of each replica to a file in this directory.
    pub fn log_to(self, _: impl Into<PathBuf>) -> Self {
        self
    }

    /// Sets the clock of waits.
    pub fn clock(self, _: Arc<dyn Clock>) -> Self {
        self
    }

    /// Starts the fleet.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub async fn start(self) -> Result<Fleet> {
        Err(unsupported("a fleet").with("program", self.program.display()))
    }
}

impl AttachedFleet {
    /// Sets the clock of waits.
    #[must_use]
    pub fn clock(self, _: Arc<dyn Clock>) -> Self {
        match self.never {}
    }

    /// The id of the group.
    pub fn id(&self) -> &GroupId {
        match self.never {}
    }

    /// The state directory of the fleet.
    pub fn state_directory(&self) -> PathBuf {
        match self.never {}
    }

    /// The addresses of the replicas.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn endpoints(&self) -> Result<Vec<SocketAddr>> {
        match self.never {}
    }

    /// The ports of the replicas.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn ports(&self) -> Result<Vec<u16>> {
        match self.never {}
    }

    /// The address of one replica.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn address(&self, _: usize) -> Result<SocketAddr> {
        match self.never {}
    }

    /// The URL of one replica.
    ///
    /// # Errors
    /// None: there is no fleet on this system.
    pub fn url(&self, _: usize) -> Result<String> {
        match self.never {}
    }
}

impl Fleets {
    /// Any fleet of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// These fleets, and by their ids any other.
    pub fn of(_: impl IntoIterator<Item = Fleet>) -> Self {
        Self::default()
    }

    /// Sets the clock of waits.
    #[must_use]
    pub fn clock(self, _: Arc<dyn Clock>) -> Self {
        self
    }
}

/// Lists nothing, and cannot tell whether the target of an id is gone.
#[async_trait]
impl Provider for Fleets {
    fn scheme(&self) -> &'static str {
        "local"
    }

    fn groups<'a>(&'a self, _: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::once(async { Err(unsupported("a fleet")) }).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Err(unsupported("a fleet").with("group", id))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Err(unsupported("a fleet").with("target", id))
    }
}

never_a_provider!(Fleet, AttachedFleet);
