use std::{ffi::OsString, net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{Error, ErrorKind, Result, clock::Clock};

use crate::{
    client::{
        health_check::HealthCheck,
        network_namespace::{NetworkNamespace, namespace_of_replica},
        scarcity::scarcity,
    },
    discovery::fleet_state::replica_name,
};

/// The checked and complete settings of a fleet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) replicas: usize,
    /// With the replica's number as `{index}`.
    pub(crate) network_namespace: Option<String>,
    pub(crate) first_port: Option<u16>,
    pub(crate) check: HealthCheck,
    pub(crate) start_within: Duration,
    pub(crate) state_directory: Option<PathBuf>,
    pub(crate) log_directory: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Plan {
    /// A port for each replica: the requested ones, or free ones.
    pub(crate) fn choose_ports(&self) -> Result<Vec<u16>> {
        // All ports are held until the last is chosen, so no two replicas get the same one.
        let held = (0..self.replicas).map(|index| self.hold_port(index)).collect::<Result<Vec<_>>>()?;
        Ok(held.into_iter().map(|(port, _)| port).collect())
    }

    /// The namespace that a replica is started in; `None` for this process's own.
    pub(crate) fn namespace(&self, index: usize) -> Result<Option<NetworkNamespace>> {
        let name = self.network_namespace.as_ref().map(|names| namespace_of_replica(names, index));
        name.map(|name| NetworkNamespace::to_start_in(&name)).transpose()
    }

    /// The file for a replica's output.
    pub(crate) fn log_of(&self, index: usize) -> Option<PathBuf> {
        self.log_directory.as_ref().map(|directory| directory.join(format!("{}.log", replica_name(index))))
    }

    fn hold_port(&self, index: usize) -> Result<(u16, TcpListener)> {
        let wanted = match self.first_port {
            Some(first) => u16::try_from(usize::from(first) + index).map_err(|_| {
                let expected = format!("at most 65535 for the last of {} replicas", self.replicas);
                Error::invalid("first port", first, expected)
            })?,
            None => 0,
        };
        let bind = || {
            let listener = TcpListener::bind(("127.0.0.1", wanted))?;
            Ok((listener.local_addr()?.port(), listener))
        };
        let held = match self.namespace(index)? {
            Some(namespace) => namespace.within(bind),
            None => bind(),
        };
        held.map_err(|error| match self.first_port {
            Some(_) => {
                let expected = format!("a port of 127.0.0.1 that replica-{index} can listen on");
                Error::invalid("port", wanted, expected).caused_by(error)
            }
            None => {
                let scarce = scarcity(&error).unwrap_or("free ports of 127.0.0.1");
                Error::new(ErrorKind::Unavailable, format!("no port can be chosen for lack of {scarce}"))
                    .caused_by(error)
            }
        })
    }
}
