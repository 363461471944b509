//! The traffic that the rules in force let through.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Interface, SecurityGroup, security_group::defaults};
use crate::{cloud::Cloud, machine::Machine};

/// The direction in which a connection is opened, seen from a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Direction {
    /// To the machine.
    Inbound,
    /// From the machine.
    Outbound,
}

/// A connection over TCP between a machine and a peer.
#[derive(Clone, Copy, Debug)]
struct Flow {
    direction: Direction,
    machine: Ipv4Addr,
    peer: Ipv4Addr,
    /// The port of the side that it is opened to.
    port: u16,
}

impl Cloud {
    /// Whether the rules in force let a machine open or accept this connection. A machine without an interface may.
    pub(crate) fn lets_through(
        &self,
        machine: &Machine,
        direction: Direction,
        peer: Ipv4Addr,
        port: u16,
    ) -> bool {
        machine.interfaces.iter().filter_map(|id| self.interfaces.get(&id.key())).all(|interface| {
            interface
                .address
                .parse()
                .is_ok_and(|machine| lets_through(self, interface, Flow { direction, machine, peer, port }))
        })
    }

    /// Whether security groups let the reports of the extension on a machine reach Azure.
    pub(crate) fn hears_from(&self, machine: &Machine) -> bool {
        let azure = Ipv4Addr::new(20, 50, 2, 1);
        machine.agent_runs()
            && (!self.settings.results_need_internet
                || self.lets_through(machine, Direction::Outbound, azure, 443))
    }
}

/// Whether both the group of the interface and that of its subnet let a new connection through. In Azure, open
/// connections continue, even under new rules.
fn lets_through(cloud: &Cloud, interface: &Interface, flow: Flow) -> bool {
    let of_subnet = interface.subnet().and_then(|subnet| cloud.subnets.get(&subnet.key())?.group.clone());
    [of_subnet, interface.group_in_force.clone()]
        .into_iter()
        .flatten()
        .filter_map(|group| cloud.security_groups.get(&group.key()))
        .all(|group| allows(group, flow))
}

/// The first rule that matches decides, in the order of their priorities.
fn allows(group: &SecurityGroup, flow: Flow) -> bool {
    let written = group.rules.values().filter_map(|rule| rule.in_force.clone());
    let inherent = defaults().into_iter().filter_map(|(_, rule)| match rule {
        Value::Object(rule) => Some(rule),
        _ => None,
    });
    let mut rules: Vec<Map<String, Value>> = written.chain(inherent).collect();
    rules.sort_by_key(|rule| rule.get("priority").and_then(Value::as_u64));
    rules
        .iter()
        .find(|rule| matches(rule, flow))
        .is_some_and(|rule| text(rule, "access").is_some_and(|access| access.eq_ignore_ascii_case("Allow")))
}

fn matches(rule: &Map<String, Value>, flow: Flow) -> bool {
    let (direction, source, destination) = match flow.direction {
        Direction::Inbound => ("Inbound", flow.peer, flow.machine),
        Direction::Outbound => ("Outbound", flow.machine, flow.peer),
    };
    let is_tcp = text(rule, "protocol")
        .is_some_and(|protocol| protocol == "*" || protocol.eq_ignore_ascii_case("Tcp"));
    is_tcp
        && text(rule, "direction").is_some_and(|way| way.eq_ignore_ascii_case(direction))
        && any(rule, "sourceAddressPrefix", "sourceAddressPrefixes", |prefix| covers(prefix, source))
        && any(rule, "destinationAddressPrefix", "destinationAddressPrefixes", |prefix| {
            covers(prefix, destination)
        })
        && any(rule, "destinationPortRange", "destinationPortRanges", |range| contains(range, flow.port))
}

/// Whether the single value or one of the list passes.
fn any(rule: &Map<String, Value>, single: &str, list: &str, passes: impl Fn(&str) -> bool) -> bool {
    let listed = rule.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    text(rule, single).into_iter().chain(listed).any(passes)
}

fn text<'a>(rule: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    rule.get(field).and_then(Value::as_str)
}

fn covers(prefix: &str, address: Ipv4Addr) -> bool {
    let in_network = address.octets()[0] == 10;
    match prefix.to_lowercase().as_str() {
        "*" | "0.0.0.0/0" => true,
        "virtualnetwork" => in_network,
        "internet" | "azurecloud" => !in_network,
        other => {
            let (base, length) = other.split_once('/').unwrap_or((other, "32"));
            let (Ok(base), Ok(length @ 0..=32)) = (base.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
                return false;
            };
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(base) & mask == u32::from(address) & mask
        }
    }
}

fn contains(range: &str, port: u16) -> bool {
    if range == "*" {
        return true;
    }
    let (low, high) = range.split_once('-').unwrap_or((range, range));
    match (low.parse::<u16>(), high.parse::<u16>()) {
        (Ok(low), Ok(high)) => (low..=high).contains(&port),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_ranges_cover_what_they_say() {
        let inside = Ipv4Addr::new(10, 1, 2, 3);
        let outside = Ipv4Addr::new(20, 1, 2, 3);
        for (prefix, of_inside, of_outside) in [
            ("*", true, true),
            ("VirtualNetwork", true, false),
            ("Internet", false, true),
            ("10.1.2.3", true, false),
            ("10.1.2.0/24", true, false),
            ("0.0.0.0/0", true, true),
            ("10.1.2.4", false, false),
            ("AzureLoadBalancer", false, false),
        ] {
            assert_eq!(
                (covers(prefix, inside), covers(prefix, outside)),
                (of_inside, of_outside),
                "{prefix}"
            );
        }
        assert!(contains("80-90", 85) && contains("80", 80) && !contains("80-90", 91) && !contains("x", 1));
    }
}
