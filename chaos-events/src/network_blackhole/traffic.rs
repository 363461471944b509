use chaos_core::{Error, ErrorKind, NetworkShare, Result};

use super::{host::Hosts, ports::Ports};

/// Where dropped packets were going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// To the target.
    Ingress,
    /// From the target.
    Egress,
    /// To it and from it.
    #[default]
    Both,
}

/// The transport protocols that have ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP only.
    Tcp,
    /// UDP only.
    Udp,
    /// TCP and UDP.
    #[default]
    Both,
}

/// What is asked to be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Everything,
    Hosts(Hosts),
    Ports(Ports),
    Dns,
}

/// What is dropped on one target. Where both are given, only traffic that is of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) hosts: Option<Hosts>,
    pub(super) ports: Option<Ports>,
    /// Whether the ports are those of the target's side, and not those that packets are sent to.
    pub(super) local_ports: bool,
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
    /// What of it belongs to a target that has this share of the network.
    pub(super) fn on(&self, share: &NetworkShare) -> Result<Dropped> {
        match share {
            NetworkShare::Whole => Ok(self.on_all()),
            NetworkShare::Ports { tcp, udp, .. } => self.on_ports(&Ports::of_process(tcp, udp)),
            other => Err(Error::new(ErrorKind::Unsupported, "this share of a network is not known here")
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
        Dropped { hosts, ports, local_ports: false }
    }

    /// The target is one process among others, which must not notice.
    fn on_ports(&self, own: &Ports) -> Result<Dropped> {
        if matches!(self, Self::Dns) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the target is one process of a machine, whose DNS cannot be told from that of its other processes",
            ));
        }
        let refused =
            |message| Error::new(ErrorKind::Refused, message).with("tcp", own.tcp()).with("udp", own.udp());
        if own.is_empty() {
            return Err(refused(
                "the target is one process of a machine, and listens on no port that could be cut off",
            ));
        }
        let (hosts, ports) = match self {
            Self::Hosts(hosts) => (Some(hosts.clone()), own.clone()),
            Self::Ports(ports) => (None, ports.common(own)),
            Self::Everything | Self::Dns => (None, own.clone()),
        };
        if ports.is_empty() {
            return Err(refused("none of these ports is one of the target's"));
        }
        Ok(Dropped { hosts, ports: Some(ports), local_ports: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(ports: &[u16]) -> Traffic {
        Traffic::Ports(Ports::of(Protocol::Tcp, ports.iter().copied()).unwrap())
    }

    #[test]
    fn a_process_loses_its_own_ports_and_no_others() {
        let share = NetworkShare::ports([8080, 8081], [53]);
        let of_everything = Traffic::Everything.on(&share).unwrap();
        assert!(of_everything.local_ports);
        let of_everything = of_everything.ports.unwrap();
        assert_eq!((of_everything.tcp(), of_everything.udp()), ("8080-8081".to_owned(), "53".to_owned()));
        let of_some = ports(&[22, 8081]).on(&share).unwrap().ports.unwrap();
        assert_eq!((of_some.tcp(), of_some.udp()), ("8081".to_owned(), String::new()));
        let of_hosts = Traffic::Hosts(Hosts::parse(["10.0.0.0/8"]).unwrap()).on(&share).unwrap();
        assert_eq!(of_hosts.ports.unwrap().tcp(), "8080-8081");
        assert!(of_hosts.hosts.is_some());
    }

    #[test]
    fn what_would_hit_strangers_or_nobody_is_refused() {
        let share = NetworkShare::ports([8080], []);
        let error = ports(&[22]).on(&share).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("8080"), "{error}");
        assert_eq!(Traffic::Dns.on(&share).unwrap_err().kind(), ErrorKind::Unsupported);
        let nothing = Traffic::Everything.on(&NetworkShare::ports([], [])).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::Refused);
    }
}
