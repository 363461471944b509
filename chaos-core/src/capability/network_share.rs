use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// How much of the network that a [`Shell`](crate::capability::Shell)'s scripts see belongs to its target.
///
/// A fault that cuts a network off must not cut off strangers on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkShare {
    /// All of it: the target is a machine, or has a network namespace of its own.
    Whole,
    /// The traffic of these addresses and ports of its machine: the target is one process among others. Both lists are
    /// empty if it listens nowhere. Another process may serve the same port on another address, or with the other
    /// protocol.
    ///
    /// `0.0.0.0` means every IPv4 address, and `::` every IPv6 address. A socket that serves both is listed twice.
    #[non_exhaustive]
    Sockets {
        /// The TCP sockets, in ascending order.
        tcp: Vec<SocketAddr>,
        /// The UDP sockets, in ascending order.
        udp: Vec<SocketAddr>,
    },
}

impl NetworkShare {
    /// The share of one process among others, which listens on these sockets. `::ffff:10.0.0.1` counts as 10.0.0.1, as
    /// on the wire.
    pub fn sockets(
        tcp: impl IntoIterator<Item = SocketAddr>,
        udp: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        Self::Sockets { tcp: ascending(tcp), udp: ascending(udp) }
    }

    /// The share of one process among others, which listens on these ports of every address.
    pub fn ports(tcp: impl IntoIterator<Item = u16>, udp: impl IntoIterator<Item = u16>) -> Self {
        let everywhere = |port| {
            [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
                .map(|address| SocketAddr::new(address, port))
        };
        Self::sockets(tcp.into_iter().flat_map(everywhere), udp.into_iter().flat_map(everywhere))
    }
}

fn ascending(sockets: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let plain = |socket: SocketAddr| SocketAddr::new(socket.ip().to_canonical(), socket.port());
    sockets.into_iter().map(plain).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_is_told_once_in_order_and_as_it_travels() {
        let sockets = ["[::ffff:10.0.0.1]:80", "10.0.0.1:80", "[::1]:8080", "0.0.0.0:53"];
        let share = NetworkShare::sockets(sockets.map(|socket| socket.parse().unwrap()), []);
        let NetworkShare::Sockets { tcp, udp } = share else { panic!("it is one process of several") };
        let texts: Vec<_> = tcp.iter().map(ToString::to_string).collect();
        assert_eq!(
            (texts, udp),
            (["0.0.0.0:53", "10.0.0.1:80", "[::1]:8080"].map(str::to_owned).to_vec(), vec![])
        );
    }

    #[test]
    fn a_port_is_that_of_every_address() {
        let both = ["0.0.0.0:80", "[::]:80"].map(|socket| socket.parse().unwrap());
        assert_eq!(NetworkShare::ports([80], []), NetworkShare::sockets(both, []));
    }
}
