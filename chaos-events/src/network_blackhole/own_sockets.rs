use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
};

use super::ports::{Ports, as_ranges};

/// The addresses and ports on which one process among others listens. `0.0.0.0` and `::` mean every address of their
/// family.
///
/// Displayed in the form for the script: `tcp/127.0.0.1/8080,9000-9010`, separated by blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnSockets {
    tcp: BTreeMap<IpAddr, BTreeSet<u16>>,
    udp: BTreeMap<IpAddr, BTreeSet<u16>>,
}

impl OwnSockets {
    pub(super) fn of(tcp: &[SocketAddr], udp: &[SocketAddr]) -> Self {
        Self { tcp: by_address(tcp), udp: by_address(udp) }
    }

    /// The sockets with one of these ports.
    pub(super) fn on(&self, ports: &Ports) -> Self {
        Self { tcp: within(&self.tcp, ports.tcp()), udp: within(&self.udp, ports.udp()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.udp.is_empty()
    }
}

impl fmt::Display for OwnSockets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = "";
        for (protocol, sockets) in [("tcp", &self.tcp), ("udp", &self.udp)] {
            for (address, ports) in sockets {
                write!(formatter, "{blank}{protocol}/{address}/{}", as_ranges(ports))?;
                blank = " ";
            }
        }
        Ok(())
    }
}

fn by_address(sockets: &[SocketAddr]) -> BTreeMap<IpAddr, BTreeSet<u16>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for socket in sockets {
        found.entry(socket.ip()).or_default().insert(socket.port());
    }
    found
}

fn within(
    sockets: &BTreeMap<IpAddr, BTreeSet<u16>>,
    ports: &BTreeSet<u16>,
) -> BTreeMap<IpAddr, BTreeSet<u16>> {
    let common = sockets.iter().map(|(address, own)| (*address, own & ports));
    common.filter(|(_, common)| !common.is_empty()).collect()
}
