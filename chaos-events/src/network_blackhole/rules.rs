use std::fmt::Display;

use super::{Direction, allowed::Openings, host::Hosts, ports::as_ranges, traffic::Dropped};
use crate::host_script::HostFault;

/// The traffic that the script must drop, and the traffic that it must let through.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) dropped: Dropped,
    pub(super) direction: Direction,
    pub(super) openings: Openings,
}

impl Rules {
    pub(super) fn tell(&self, fault: HostFault) -> HostFault {
        let (dropped, openings) = (&self.dropped, &self.openings);
        let (hosts, ports) =
            (dropped.hosts.clone().unwrap_or_default(), dropped.ports.clone().unwrap_or_default());
        fault
            .with("ingress", flag(self.direction.is_ingress()))
            .with("egress", flag(self.direction.is_egress()))
            .with("by_host", flag(dropped.hosts.is_some()))
            .with("by_port", flag(dropped.ports.is_some()))
            .with("own", dropped.own.as_ref().map(ToString::to_string).unwrap_or_default())
            .with("hosts4", list(&hosts.v4))
            .with("hosts6", list(&hosts.v6))
            .with("names", hosts.names())
            .with("tcp", as_ranges(ports.tcp()))
            .with("udp", as_ranges(ports.udp()))
            .with("open_loopback", flag(openings.loopback))
            .with("open_neighbours", flag(openings.neighbours))
            .with("open4", list(&openings.hosts.v4))
            .with("open6", list(&openings.hosts.v6))
            .with("open_names", Hosts::names(&openings.hosts))
            .with("open_tcp", as_ranges(openings.ports.tcp()))
            .with("open_udp", as_ranges(openings.ports.udp()))
            .with("open_local_tcp", as_ranges(openings.local_ports.tcp()))
    }
}

fn flag(is_so: bool) -> u8 {
    u8::from(is_so)
}

fn list(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
