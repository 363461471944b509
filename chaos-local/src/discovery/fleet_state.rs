use std::{net::SocketAddr, sync::Arc};

use chaos_core::{Error, Group, GroupId, Result, TargetId, capability::Shell, clock::Clock, group::Labels};
use serde::{Deserialize, Serialize};

use crate::{
    capability::{
        locate::Locate,
        shell::ProcessShell,
        target::{ProcessTarget, members},
    },
    client::{health_check::HealthCheck, network_namespace::namespace_of_replica},
    model::identity::ProcessIdentity,
};

/// The scheme of all fleets.
pub(crate) const SCHEME: &str = "local";

/// A fleet at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FleetState {
    pub(crate) name: String,
    pub(crate) desired: usize,
    pub(crate) health: HealthCheck,
    /// Whether it was ended cleanly. A killed fleet could not record that.
    pub(crate) ended: bool,
    /// The name of the network namespace of each replica, with its number as `{index}`. It outlives the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) network_namespace: Option<String>,
    pub(crate) replicas: Vec<ReplicaState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicaState {
    pub(crate) index: usize,
    pub(crate) port: u16,
    /// `None` while it waits to be restarted.
    pub(crate) process: Option<ProcessIdentity>,
}

/// The source of a fleet's state. It is read again each time.
pub(crate) trait StateSource: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// `None` only if it is certain that the fleet has ended.
    fn state(&self) -> Result<Option<FleetState>>;
}

/// A replica of a fleet, whichever process it is at the moment.
#[derive(Debug)]
struct Slot<S> {
    source: S,
    index: usize,
    network_namespace: Option<String>,
}

impl<S: StateSource> Locate for Slot<S> {
    fn process(&self) -> Result<Option<ProcessIdentity>> {
        let state = self.source.state()?;
        Ok(state.and_then(|state| state.replica(self.index)?.process))
    }

    fn network_namespace(&self) -> Option<&str> {
        self.network_namespace.as_deref()
    }
}

impl FleetState {
    pub(crate) fn replica(&self, index: usize) -> Option<&ReplicaState> {
        self.replicas.iter().find(|replica| replica.index == index)
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.replicas.iter().map(ReplicaState::address).collect()
    }

    /// The fleet as a group, with a fresh look at each replica.
    pub(crate) async fn group(
        &self,
        id: &GroupId,
        source: &impl StateSource,
        clock: &Arc<dyn Clock>,
    ) -> Result<Group> {
        let targets = self
            .replicas
            .iter()
            .map(|replica| Ok((self.target(id, replica, source, clock)?, replica.process)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Group::new(id.clone())
            .labels(Labels::from([("fleet".to_owned(), self.name.clone())]))
            .desired(self.desired)
            .replaces_members(true)
            .members(members(targets).await?))
    }

    /// The replica that an id names; `None` if the fleet has no replica with that number.
    pub(crate) fn resolve(
        &self,
        id: &TargetId,
        source: &impl StateSource,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<ProcessTarget>> {
        let group = id.group();
        self.replicas
            .iter()
            .find(|replica| replica.name() == id.name())
            .map(|replica| self.target(&group, replica, source, clock))
            .transpose()
    }

    fn target(
        &self,
        group: &GroupId,
        replica: &ReplicaState,
        source: &impl StateSource,
        clock: &Arc<dyn Clock>,
    ) -> Result<ProcessTarget> {
        let labels = Labels::from([
            ("fleet".to_owned(), self.name.clone()),
            ("port".to_owned(), replica.port.to_string()),
            ("replica".to_owned(), replica.index.to_string()),
        ]);
        let names = self.network_namespace.as_ref();
        let network_namespace = names.map(|names| namespace_of_replica(names, replica.index));
        let slot = Slot { source: source.clone(), index: replica.index, network_namespace };
        let (check, address) = (self.health.clone(), Some(replica.address()));
        let id = group.target(&replica.name())?;
        Ok(ProcessTarget::new(id, labels, Arc::new(slot), check, address, true, Arc::clone(clock)))
    }
}

impl ReplicaState {
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn name(&self) -> String {
        replica_name(self.index)
    }
}

pub(crate) fn replica_name(index: usize) -> String {
    format!("replica-{index}")
}

/// The shell of the machine on which a replica ran, in the network namespace that the fleet used for it.
pub(crate) fn shell_beyond(
    id: &TargetId,
    network_namespace: Option<&str>,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn Shell> {
    let index = id.name().strip_prefix("replica-").and_then(|index| index.parse().ok());
    let name = network_namespace.zip(index).map(|(names, index)| namespace_of_replica(names, index));
    Arc::new(ProcessShell::beyond(id.clone(), name, Arc::clone(clock)))
}

/// Refuses the id of another scheme.
pub(crate) fn check_scheme(scheme: &'static str, field: &str, given: &str, id: &str) -> Result<()> {
    if given == scheme {
        Ok(())
    } else {
        Err(Error::invalid(field, format!("{id:?}"), format!("an id that begins with {scheme}:")))
    }
}

/// The address on which the replica with this number should listen.
pub(crate) fn address_of(addresses: &[SocketAddr], replica: usize) -> Result<SocketAddr> {
    addresses.get(replica).copied().ok_or_else(|| {
        let expected = format!("a number below {}, the size of the fleet", addresses.len());
        Error::invalid("replica", replica, expected)
    })
}
