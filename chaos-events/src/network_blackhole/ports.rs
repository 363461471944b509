use std::collections::BTreeSet;

use chaos_core::{Error, Result};

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

/// Ports by protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

impl Ports {
    pub(super) fn of(protocol: Protocol, ports: impl IntoIterator<Item = u16>) -> Result<Self> {
        let mut found = Self::default();
        for port in ports {
            found.add(protocol, port)?;
        }
        if found.is_empty() {
            return Err(Error::invalid("ports", "none", "at least one"));
        }
        Ok(found)
    }

    /// DNS, and DNS over TLS.
    pub(super) fn of_dns() -> Self {
        let ports = BTreeSet::from([53, 853]);
        Self { tcp: ports.clone(), udp: ports }
    }

    pub(super) fn add(&mut self, protocol: Protocol, port: u16) -> Result<()> {
        if port == 0 {
            return Err(Error::invalid("port", port, "from 1 to 65535"));
        }
        if protocol != Protocol::Udp {
            self.tcp.insert(port);
        }
        if protocol != Protocol::Tcp {
            self.udp.insert(port);
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.udp.is_empty()
    }

    pub(super) fn tcp(&self) -> &BTreeSet<u16> {
        &self.tcp
    }

    pub(super) fn udp(&self) -> &BTreeSet<u16> {
        &self.udp
    }
}

/// As `80,8080-8090`.
pub(super) fn as_ranges(ports: &BTreeSet<u16>) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for &port in ports {
        match ranges.last_mut() {
            Some((_, last)) if *last == port - 1 => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let texts = ranges.iter().map(
        |(first, last)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        },
    );
    texts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_ranges() {
        let ports = Ports::of(Protocol::Tcp, (8080..=8082).chain([80, 443, 65535])).unwrap();
        assert_eq!(as_ranges(ports.tcp()), "80,443,8080-8082,65535");
        assert_eq!(as_ranges(ports.udp()), "");
        assert_eq!(as_ranges(Ports::of(Protocol::Both, 1..=u16::MAX).unwrap().udp()), "1-65535");
    }

    #[test]
    fn there_are_some_and_none_is_zero() {
        assert!(Ports::of(Protocol::Udp, []).is_err());
        assert!(Ports::of(Protocol::Udp, [0]).is_err());
    }
}
