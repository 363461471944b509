use chaos_core::{Error, ErrorKind, Result, capability::NetworkShare};

use super::{host::Hosts, own_sockets::OwnSockets, ports::Ports};

/// The direction of dropped packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// To the target.
    Ingress,
    /// From the target.
    Egress,
    /// To the target and from it.
    #[default]
    Both,
}

/// The requested traffic to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Everything,
    Hosts(Hosts),
    Ports(Ports),
    Dns,
}

/// The traffic that is dropped on one target. If several parts are set, only traffic that matches all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) hosts: Option<Hosts>,
    /// The destination ports.
    pub(super) ports: Option<Ports>,
    /// The sockets of the target's side, if it is one process among others.
    pub(super) own: Option<OwnSockets>,
}

impl Direction {
    pub(super) fn is_ingress(self) -> bool {
        self != Self::Egress
    }

    pub(super) fn is_egress(self) -> bool {
        self != Self::Ingress
    }
}

impl Traffic {
    /// The part of it that belongs to a target with this share of the network.
    pub(super) fn on(&self, share: &NetworkShare) -> Result<Dropped> {
        match share {
            NetworkShare::Whole => Ok(self.on_all()),
            NetworkShare::Sockets { tcp, udp, .. } => self.on_sockets(OwnSockets::of(tcp, udp)),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                "this version does not know how much of the network is \
                the target's",
            )
            .with("share", format!("{other:?}"))),
        }
    }

    fn on_all(&self) -> Dropped {
        let (hosts, ports) = match self {
            Self::Everything => (None, None),
            Self::Hosts(hosts) => (Some(hosts.clone()), None),
            Self::Ports(ports) => (None, Some(ports.clone())),
            Self::Dns => (None, Some(Ports::of_dns())),
        };
        Dropped { hosts, ports, own: None }
    }

    /// The target is one process among others, which must not be affected.
    fn on_sockets(&self, own: OwnSockets) -> Result<Dropped> {
        if matches!(self, Self::Dns) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the target is one process of a machine, and its DNS traffic cannot be told apart from that of the \
                 machine's other processes",
            ));
        }
        if own.is_empty() {
            return Err(Error::new(
                ErrorKind::Refused,
                "the target is one process of a machine, and it listens on no port that could be cut off",
            ));
        }
        let (hosts, chosen) = match self {
            Self::Hosts(hosts) => (Some(hosts.clone()), own.clone()),
            Self::Ports(ports) => (None, own.on(ports)),
            Self::Everything | Self::Dns => (None, own.clone()),
        };
        if chosen.is_empty() {
            return Err(Error::new(ErrorKind::Refused, "none of these ports is one of the target's")
                .with("target", own));
        }
        Ok(Dropped { hosts, ports: None, own: Some(chosen) })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Protocol, *};

    fn ports(ports: &[u16]) -> Traffic {
        Traffic::Ports(Ports::of(Protocol::Tcp, ports.iter().copied()).unwrap())
    }

    fn share(tcp: &[&str], udp: &[&str]) -> NetworkShare {
        let sockets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        NetworkShare::sockets(sockets(tcp), sockets(udp))
    }

    #[test]
    fn a_process_loses_its_own_sockets_and_no_others() {
        let share = share(&["127.0.0.1:8080", "127.0.0.1:8081", "[::1]:8080"], &["0.0.0.0:53"]);
        let own = |traffic: Traffic| traffic.on(&share).unwrap().own.unwrap().to_string();
        assert_eq!(own(Traffic::Everything), "tcp/127.0.0.1/8080-8081 tcp/::1/8080 udp/0.0.0.0/53");
        assert_eq!(own(ports(&[22, 8081])), "tcp/127.0.0.1/8081");
        let of_hosts = Traffic::Hosts(Hosts::parse(["10.0.0.0/8"]).unwrap());
        assert_eq!(own(of_hosts.clone()), own(Traffic::Everything));
        assert!(of_hosts.on(&share).unwrap().hosts.is_some());
    }

    #[test]
    fn what_would_hit_strangers_or_nobody_is_refused() {
        let of_8080 = share(&["10.0.0.1:8080"], &[]);
        let error = ports(&[22]).on(&of_8080).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("10.0.0.1/8080"), "{error}");
        assert_eq!(Traffic::Dns.on(&of_8080).unwrap_err().kind(), ErrorKind::Unsupported);
        let nothing = Traffic::Everything.on(&share(&[], &[])).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::Refused);
    }
}
