use std::{ffi::OsString, net::SocketAddr, path::Path, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    clock::{Clock, require_real_time},
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use crate::{
    discovery::{
        anywhere::Anywhere,
        fleet_state::{FleetState, SCHEME, StateSource, address_of, shell_beyond},
    },
    fleet::{
        attached_fleet::AttachedFleet, fleet_builder::FleetBuilder, orders::Order, plan::Plan,
        supervisor::Supervisor,
    },
};

/// Replicas of one program that are restarted when they die: a group that heals itself.
///
/// ```
/// use chaos_core::Provider;
/// use chaos_local::Fleet;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chaos_core::Result<()> {
/// let fleet = Fleet::of("sleep").arg("600").env("NAME", "replica-{index}").replicas(3).name("web").start().await?;
/// let group = fleet.group(fleet.id()).await?;
/// assert_eq!((group.desired, group.healthy()), (3, 3));
/// assert_eq!(group.members[2].target.id().as_str(), "local:web/replica-2");
/// fleet.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Targets
///
/// A fleet is a [`Provider`] of one group, `local:<name>` or, with a [state directory](FleetBuilder::state_directory),
/// `local:<directory>`. Its targets are `replica-0`, `replica-1` and so on. They keep their ids while the processes
/// behind them come and go, and the ids are the same on every machine. A member's incarnation is the identity of its
/// process.
///
/// # Restarts
///
/// A replica that ends for any reason is restarted with the same arguments and the same port. The back-off starts at 50
/// ms, doubles each time up to 10 s, and is reset once the replica has lived for 10 s. A stopped replica (SIGSTOP) has
/// not ended.
///
/// # The environment of a replica
///
/// A replica has the environment of this process and the variables of [`env`](FleetBuilder::env). Its standard input is
/// `/dev/null`. Its standard output and standard error are read, and their last 4 KiB appear in errors and in the log;
/// [`log_to`](FleetBuilder::log_to) keeps all output. It has a process group of its own, so a Ctrl-C on the terminal
/// reaches the fleet's owner alone.
///
/// # The end
///
/// Clones share one fleet. Dropping the last clone kills the replicas and returns when they are gone;
/// [`stop`](Fleet::stop) ends them gracefully. When the process that owns the fleet dies, even by `kill -9`, the kernel
/// kills the replicas. It does so by the parent-death signal, which reaches the replica itself but not its children: a
/// wrapper must `exec` its program. It does not reach a program that changes its user either.
#[derive(Clone, Debug)]
pub struct Fleet {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: GroupId,
    addresses: Vec<SocketAddr>,
    network_namespace: Option<String>,
    state: Live,
    clock: Arc<dyn Clock>,
    supervisor: Supervisor,
}

/// The state of a fleet of this process. It does not keep the fleet alive.
#[derive(Clone, Debug)]
struct Live(watch::Receiver<FleetState>);

impl StateSource for Live {
    fn state(&self) -> Result<Option<FleetState>> {
        // If the thread has ended, the kernel has killed the replicas.
        if self.0.has_changed().is_err() {
            return Ok(None);
        }
        Ok(Some(self.0.borrow().clone()).filter(|state| !state.ended))
    }
}

impl Fleet {
    /// A fleet of this program. As in a shell, a name with a slash is a path, and other names are looked up in `PATH`.
    pub fn of(program: impl Into<OsString>) -> FleetBuilder {
        FleetBuilder::new(program.into())
    }

    /// Finds a fleet that another process runs over this state directory.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such directory, `NotFound` if its fleet has ended, and another kind if that is
    /// unknown.
    pub fn attach(state_directory: impl AsRef<Path>) -> Result<AttachedFleet> {
        AttachedFleet::open(state_directory.as_ref())
    }

    async fn launch(plan: Plan) -> Result<Self> {
        let (clock, network_namespace) = (Arc::clone(&plan.clock), plan.network_namespace.clone());
        let (supervisor, started) = Supervisor::start(plan)?;
        let started = started.await.map_err(|_| {
            Error::new(ErrorKind::Panicked, "the fleet's thread ended before the fleet had started")
        })??;
        let addresses = started.state.borrow().addresses();
        Ok(Self {
            inner: Arc::new(Inner {
                id: started.id,
                addresses,
                network_namespace,
                state: Live(started.state),
                clock,
                supervisor,
            }),
        })
    }

    /// The id of its group.
    pub fn id(&self) -> &GroupId {
        &self.inner.id
    }

    /// The addresses on which its replicas should listen, by number. They stay the same as long as the fleet lives.
    pub fn endpoints(&self) -> Vec<SocketAddr> {
        self.inner.addresses.clone()
    }

    /// The ports of its replicas, by number, on 127.0.0.1.
    pub fn ports(&self) -> Vec<u16> {
        self.inner.addresses.iter().map(SocketAddr::port).collect()
    }

    /// The address on which the replica with this number should listen.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such replica.
    pub fn address(&self, replica: usize) -> Result<SocketAddr> {
        address_of(&self.inner.addresses, replica)
    }

    /// The URL of the replica with this number, such as `http://127.0.0.1:4001`, without a slash at its end.
    ///
    /// # Errors
    /// As [`address`](Fleet::address).
    pub fn url(&self, replica: usize) -> Result<String> {
        self.address(replica).map(|address| format!("http://{address}"))
    }

    /// Ends the replicas: SIGTERM, and SIGKILL for those that have not ended 10 seconds later. Returns when nothing of
    /// the fleet is left. Clones then see a fleet that has ended.
    ///
    /// # Errors
    /// If a replica could not be ended, for instance because it runs as another user.
    ///
    /// Cancel safe: a dropped call does not withdraw the order.
    pub async fn stop(&self) -> Result<()> {
        let supervisor = &self.inner.supervisor;
        supervisor.orders.send_if_modified(|order| {
            let is_first = *order == Order::Run;
            *order = if is_first { Order::Stop } else { *order };
            is_first
        });
        let mut ended = supervisor.ended.clone();
        let failure = match ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Err(failure))) => failure.clone(),
            Ok(_) => return Ok(()),
            Err(_) => return Err(Error::new(ErrorKind::Panicked, "the fleet's thread panicked")),
        };
        Err(Error::new(failure.kind, "a replica could not be ended")
            .with("group", &self.inner.id)
            .with("why", failure))
    }
}

impl FleetBuilder {
    /// Starts the replicas, and returns when all are healthy.
    ///
    /// # Errors
    /// `InvalidInput` for a setting out of its range, a port in use, a network namespace that does not exist, a program
    /// that cannot be started, and one that ends before it is healthy; `Denied` if this user may not enter the
    /// namespace; `Conflict` if another fleet uses the state directory; `Timeout` if a replica is not healthy in time;
    /// `Unsupported` if tokio's time is paused; `Refused` if others may write to the state directory. No replica is
    /// left behind.
    ///
    /// Cancel safe: dropping the call ends what was started.
    pub async fn start(self) -> Result<Fleet> {
        require_real_time("a fleet of real processes")?;
        Fleet::launch(self.validate()?).await
    }
}

#[async_trait]
impl Provider for Fleet {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(filter.passes(&self.inner.id).then_some(&self.inner.id))
            .then(|id| self.group(id))
            .boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let Inner { id: own, state, clock, .. } = &*self.inner;
        if id != own {
            return Anywhere::default().group(id).await;
        }
        match state.state()? {
            Some(fleet) => fleet.group(id, state, clock).await,
            None => Err(Error::new(ErrorKind::NotFound, "the fleet has ended").with("group", id)),
        }
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let Inner { id: own, state, clock, .. } = &*self.inner;
        if id.group() != *own {
            return Anywhere::default().resolve(id).await;
        }
        let target = match state.state()? {
            Some(fleet) => fleet.resolve(id, state, clock)?,
            None => None,
        };
        Ok(target.map(|target| Arc::new(target) as Arc<dyn Target>))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let Inner { id: own, network_namespace, clock, .. } = &*self.inner;
        if id.group() != *own {
            return Anywhere::default().remains(id);
        }
        Ok(Remains::default().with_shell(shell_beyond(id, network_namespace.as_deref(), clock)))
    }
}
