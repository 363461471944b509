use std::collections::BTreeSet;

/// How much of the network that a [`Shell`](crate::Shell)'s scripts see belongs to its target.
///
/// Whoever cuts a network off must not cut off strangers on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkShare {
    /// All of it: the target is a machine, or has a network namespace of its own.
    Whole,
    /// What goes to and from these ports of its machine: the target is one process among others. Both are empty where it
    /// listens on none. Another process may serve the same port on another address, or by the other protocol.
    #[non_exhaustive]
    Ports {
        /// Of TCP, in ascending order.
        tcp: Vec<u16>,
        /// Of UDP, in ascending order.
        udp: Vec<u16>,
    },
}

impl NetworkShare {
    /// That of one process among others, which listens on these ports.
    pub fn ports(tcp: impl IntoIterator<Item = u16>, udp: impl IntoIterator<Item = u16>) -> Self {
        let ascending = |ports: BTreeSet<u16>| ports.into_iter().collect();
        Self::Ports { tcp: ascending(tcp.into_iter().collect()), udp: ascending(udp.into_iter().collect()) }
    }
}
