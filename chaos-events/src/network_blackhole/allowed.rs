use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chaos_core::Result;

use super::{
    Protocol,
    host::{Host, Hosts},
    ports::Ports,
};

/// Traffic that a [`NetworkBlackhole`](crate::NetworkBlackhole) lets through, in both directions.
///
/// ```
/// use chaos_events::{Allowed, NetworkBlackhole, Protocol};
///
/// let blackhole = NetworkBlackhole::everything()
///     .allow(Allowed::host("monitoring.example")?)
///     .allow(Allowed::port(Protocol::Tcp, 9100)?);
/// let nothing_at_all = NetworkBlackhole::everything().allow_nothing();
/// # let _ = (blackhole, nothing_at_all);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Loopback,
    Ssh,
    Dhcp,
    NeighbourDiscovery,
    CloudServices,
    Shell,
    Host(Host),
    Port(Protocol, u16),
}

/// Metadata and credentials of instances, containers and pods on AWS, which Google and Azure share for instances; the
/// agent of Azure; metadata on Google.
const CLOUD: [IpAddr; 7] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

impl Allowed {
    /// The traffic of a machine with itself.
    pub fn loopback() -> Self {
        Self(Kind::Loopback)
    }

    /// TCP with port 22 of the machine, by which its operator reaches it.
    pub fn ssh() -> Self {
        Self(Kind::Ssh)
    }

    /// DHCP and `DHCPv6`, by which the machine keeps its address.
    pub fn dhcp() -> Self {
        Self(Kind::Dhcp)
    }

    /// IPv6 neighbour and router discovery. IPv4 uses ARP for that, which is never dropped.
    pub fn neighbour_discovery() -> Self {
        Self(Kind::NeighbourDiscovery)
    }

    /// The addresses under which clouds offer metadata, credentials and agents: `169.254.169.254`, `169.254.170.2`,
    /// `169.254.170.23`, `168.63.129.16`, `fd00:ec2::254`, `fd00:ec2::23` and `fd20:ce::254`.
    pub fn cloud_services() -> Self {
        Self(Kind::CloudServices)
    }

    /// The traffic that carries orders to the target if they use its own network, such as the endpoints of AWS Systems
    /// Manager. These are the addresses that its shell [names](chaos_core::capability::Shell::lifeline) when the fault
    /// is prepared. Without it, such a target is out of reach until the deadline.
    pub fn shell() -> Self {
        Self(Kind::Shell)
    }

    /// Traffic with a host: an address, a range of addresses (`10.0.0.0/8`), or a name, which the target resolves when
    /// the fault begins.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn host(host: &str) -> Result<Self> {
        Ok(Self(Kind::Host(Host::parse(host)?)))
    }

    /// Traffic from and to this port, on either side.
    ///
    /// # Errors
    /// `InvalidInput` for port 0.
    pub fn port(protocol: Protocol, port: u16) -> Result<Self> {
        Ports::of(protocol, [port])?;
        Ok(Self(Kind::Port(protocol, port)))
    }

    /// The traffic that keeps a machine alive and within its operator's reach.
    pub(super) fn by_default() -> Vec<Self> {
        vec![
            Self::loopback(),
            Self::ssh(),
            Self::dhcp(),
            Self::neighbour_discovery(),
            Self::cloud_services(),
            Self::shell(),
        ]
    }
}

/// All traffic that is let through, combined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Openings {
    pub(super) loopback: bool,
    pub(super) neighbours: bool,
    pub(super) hosts: Hosts,
    /// Ports of either side.
    pub(super) ports: Ports,
    /// Ports of the machine's side.
    pub(super) local_ports: Ports,
}

impl Openings {
    /// Combines them. For a process among others, those that are for a machine are left out.
    ///
    /// `lifeline` holds the addresses through which the shell of a machine is reached.
    pub(super) fn of(allowed: &[Allowed], is_machine: bool, lifeline: &[IpAddr]) -> Result<Self> {
        let mut openings = Self::default();
        let mut hosts = Vec::new();
        for Allowed(kind) in allowed {
            match kind {
                Kind::Host(host) => hosts.push(host.clone()),
                Kind::Port(protocol, port) => openings.ports.add(*protocol, *port)?,
                _ if !is_machine => {}
                Kind::Loopback => openings.loopback = true,
                Kind::NeighbourDiscovery => openings.neighbours = true,
                Kind::Ssh => openings.local_ports.add(Protocol::Tcp, 22)?,
                Kind::Dhcp => {
                    for port in [67, 68, 546, 547] {
                        openings.ports.add(Protocol::Udp, port)?;
                    }
                }
                Kind::CloudServices => hosts.extend(CLOUD.into_iter().map(host_of)),
                Kind::Shell => hosts.extend(lifeline.iter().copied().map(host_of)),
            }
        }
        openings.hosts.add(hosts);
        openings.hosts.check_number("allowed hosts")?;
        Ok(openings)
    }
}

fn host_of(address: IpAddr) -> Host {
    Host::Network(address.to_canonical().into())
}
