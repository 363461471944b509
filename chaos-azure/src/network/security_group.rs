use std::net::IpAddr;

use chaos_core::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{arm::unreadable, resource_id::ResourceId};

/// A network security group, with the rules that somebody wrote. The default rules come after all of these.
#[derive(Clone, Debug)]
pub(crate) struct SecurityGroup {
    pub(crate) id: ResourceId,
    pub(crate) rules: Vec<Rule>,
}

/// A rule of a network security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// The lowest decides first.
    pub(crate) priority: u32,
    pub(crate) direction: Direction,
    pub(crate) access: Access,
    /// Whose traffic it is about, on the machine's side: the addresses that it names. Empty where it names none, or names them
    /// otherwise.
    pub(crate) addresses: Vec<IpAddr>,
}

/// Which way a connection is opened, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

/// What a rule does with traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Access {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    priority: u32,
    direction: Direction,
    access: Access,
    #[serde(default)]
    source_address_prefix: Option<String>,
    #[serde(default)]
    source_address_prefixes: Option<Vec<String>>,
    #[serde(default)]
    destination_address_prefix: Option<String>,
    #[serde(default)]
    destination_address_prefixes: Option<Vec<String>>,
}

impl SecurityGroup {
    pub(super) fn read(document: Value) -> Result<Self> {
        let id = ResourceId::parse(document["id"].as_str().unwrap_or_default()).map_err(unreadable)?;
        let rules = document["properties"]["securityRules"].as_array();
        let rules = rules.into_iter().flatten().map(Rule::read).collect::<Result<_>>()?;
        Ok(Self { id, rules })
    }
}

impl Rule {
    fn read(document: &Value) -> Result<Self> {
        let name = document["name"].as_str().unwrap_or_default().to_owned();
        let properties = Properties::deserialize(&document["properties"]).map_err(unreadable)?;
        let (one, many) = match properties.direction {
            Direction::Inbound => {
                (properties.destination_address_prefix, properties.destination_address_prefixes)
            }
            Direction::Outbound => (properties.source_address_prefix, properties.source_address_prefixes),
        };
        let prefixes = one.into_iter().chain(many.into_iter().flatten());
        let addresses = prefixes.filter_map(|prefix| address(&prefix)).collect();
        let Properties { priority, direction, access, .. } = properties;
        Ok(Self { name, priority, direction, access, addresses })
    }

    /// As ARM takes it: everything to and from the addresses on the machine's side; to and from everybody, where there are none.
    pub(super) fn document(&self) -> Value {
        let mut properties = json!({
            "description": "Isolates a machine for a chaos fault, which removes it in the end",
            "priority": self.priority,
            "direction": match self.direction { Direction::Inbound => "Inbound", Direction::Outbound => "Outbound" },
            "access": match self.access { Access::Allow => "Allow", Access::Deny => "Deny" },
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
        });
        let (here, there) = match self.direction {
            Direction::Inbound => ("destination", "source"),
            Direction::Outbound => ("source", "destination"),
        };
        properties[format!("{there}AddressPrefix")] = json!("*");
        if self.addresses.is_empty() {
            properties[format!("{here}AddressPrefix")] = json!("*");
        } else {
            properties[format!("{here}AddressPrefixes")] = json!(self.addresses);
        }
        json!({ "name": self.name, "properties": properties })
    }
}

/// The address that a prefix holds alone.
fn address(prefix: &str) -> Option<IpAddr> {
    let (address, length) = prefix.split_once('/').unwrap_or((prefix, ""));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { "32" } else { "128" };
    (length.is_empty() || length == whole).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_back_as_it_was_written() {
        for direction in [Direction::Inbound, Direction::Outbound] {
            for addresses in [vec![], vec!["10.0.0.4".parse().unwrap(), "10.0.0.5".parse().unwrap()]] {
                let name = "chaos".to_owned();
                let rule = Rule { name, priority: 100, direction, access: Access::Deny, addresses };
                assert_eq!(Rule::read(&rule.document()).unwrap(), rule);
            }
        }
    }

    #[test]
    fn a_rule_is_about_everything_to_and_from_the_machine() {
        let rule = |direction| Rule {
            name: "chaos".to_owned(),
            priority: 100,
            direction,
            access: Access::Deny,
            addresses: vec!["10.0.0.4".parse().unwrap()],
        };
        let described = "Isolates a machine for a chaos fault, which removes it in the end";
        let mut expected = json!({ "name": "chaos", "properties": {
            "description": described, "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*",
            "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefixes": ["10.0.0.4"], "destinationPortRange": "*",
        } });
        assert_eq!(rule(Direction::Inbound).document(), expected);
        expected["properties"] = json!({
            "description": described, "priority": 100, "direction": "Outbound", "access": "Deny", "protocol": "*",
            "sourceAddressPrefixes": ["10.0.0.4"], "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "*",
        });
        assert_eq!(rule(Direction::Outbound).document(), expected);
    }

    #[test]
    fn only_whole_addresses_are_some_machine() {
        for (prefix, expected) in [
            ("10.0.0.4", Some("10.0.0.4")),
            ("10.0.0.4/32", Some("10.0.0.4")),
            ("fd00::4/128", Some("fd00::4")),
            ("10.0.0.0/24", None),
            ("*", None),
            ("VirtualNetwork", None),
        ] {
            assert_eq!(address(prefix), expected.map(|address| address.parse().unwrap()), "{prefix}");
        }
    }
}
