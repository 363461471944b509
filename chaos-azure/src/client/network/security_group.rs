use std::net::IpAddr;

use chaos_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{LastChange, remove};
use crate::{client::arm::unreadable, model::resource_id::ResourceId};

/// The fields that Azure sets itself, in this version of the API. All others are written back, known here or not.
const READ_ONLY: [&str; 9] = [
    "/name",
    "/type",
    "/etag",
    "/properties/defaultSecurityRules",
    "/properties/networkInterfaces",
    "/properties/subnets",
    "/properties/flowLogs",
    "/properties/resourceGuid",
    "/properties/provisioningState",
];
const READ_ONLY_IN_RULES: [&str; 3] = ["/type", "/etag", "/properties/provisioningState"];

/// A network security group with its explicit rules. The default rules come after all of these.
#[derive(Clone, Debug)]
pub(crate) struct SecurityGroup {
    pub(crate) id: ResourceId,
    pub(crate) rules: Vec<Rule>,
    /// The complete document of ARM.
    document: Value,
}

/// A rule of a network security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// The lowest takes precedence.
    pub(crate) priority: u32,
    pub(crate) direction: Direction,
    pub(crate) access: Access,
    /// The addresses of the machine's side. Empty if the rule names none, or names them in another way.
    pub(crate) addresses: Vec<IpAddr>,
}

/// The direction in which a connection is opened, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

/// The effect of a rule on traffic.
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
    /// Whether it has a rule of this name, in upper or lower case.
    pub(crate) fn has_rule(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn read(document: Value) -> Result<Self> {
        let id = ResourceId::parse(document["id"].as_str().unwrap_or_default()).map_err(unreadable)?;
        // A group without rules has an empty list of them.
        let rules = document["properties"]["securityRules"].as_array().ok_or_else(|| {
            let what = "Azure does not list the rules of a security group";
            Error::new(ErrorKind::Unavailable, what).with("security_group", id.as_str())
        })?;
        let rules = rules.iter().map(Rule::read).collect::<Result<_>>()?;
        Ok(Self { id, rules, document })
    }

    #[cfg(test)]
    pub(crate) fn of(id: ResourceId, rules: Vec<Rule>) -> Self {
        Self { id, rules, document: Value::Null }
    }

    /// The version, which changes with every change.
    pub(super) fn version(&self) -> Option<String> {
        self.document["etag"].as_str().map(str::to_owned)
    }

    /// The state of its last change.
    pub(crate) fn last_change(&self) -> LastChange {
        LastChange::of(&self.document)
    }

    /// The same without the rules of these names, as it is to be written back.
    pub(super) fn without_rules(&self, are_to_go: impl Fn(&str) -> bool) -> Value {
        let mut document = self.document.clone();
        remove(&mut document, &READ_ONLY);
        if let Some(rules) = document["properties"]["securityRules"].as_array_mut() {
            rules.retain(|rule| !are_to_go(rule["name"].as_str().unwrap_or_default()));
            for rule in rules {
                remove(rule, &READ_ONLY_IN_RULES);
            }
        }
        document
    }
}

impl Rule {
    fn read(document: &Value) -> Result<Self> {
        let name = document["name"].as_str().ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "Azure lists a rule of a security group without its name")
        })?;
        let name = name.to_owned();
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

    /// The form that ARM takes: all traffic to and from the addresses on the machine's side. If there are none, all
    /// traffic to and from any address.
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

/// The only address in a prefix, if it has just one.
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
    fn everything_but_the_rules_that_go_is_written_back_as_it_was() {
        let rule = |name: &str| {
            let properties =
                json!({ "priority": 100, "direction": "Inbound", "access": "Deny", "somethingNew": true });
            json!({ "name": name, "properties": properties })
        };
        let as_told = |name: &str| {
            let mut rule = rule(name);
            rule["etag"] = json!("W/\"1\"");
            rule["properties"]["provisioningState"] = json!("Succeeded");
            rule
        };
        let id = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/Microsoft.Network/\
                  networkSecurityGroups/web";
        let group = SecurityGroup::read(json!({
            "id": id, "name": "web", "etag": "W/\"2\"", "location": "westeurope", "tags": { "team": "shop" },
            "properties": {
                "securityRules": [as_told("ssh"), as_told("chaos")], "defaultSecurityRules": [as_told("DenyAll")],
                "flushConnection": true, "provisioningState": "Succeeded",
            },
        }))
        .unwrap();
        assert_eq!(group.version().as_deref(), Some("W/\"2\""));
        let expected = json!({
            "id": id, "location": "westeurope", "tags": { "team": "shop" },
            "properties": { "securityRules": [rule("ssh")], "flushConnection": true },
        });
        assert_eq!(group.without_rules(|name| name == "chaos"), expected);
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
