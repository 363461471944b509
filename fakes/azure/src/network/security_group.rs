//! A network security group.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::resource_id::ResourceId;

/// A network security group with its rules, by their names in lower case.
#[derive(Clone, Debug)]
pub(crate) struct SecurityGroup {
    pub(crate) id: ResourceId,
    pub(crate) etag: String,
    pub(crate) location: String,
    pub(crate) tags: Map<String, Value>,
    pub(crate) provisioning: String,
    pub(crate) rules: BTreeMap<String, Rule>,
    /// The operation that changes it or one of its rules.
    pub(crate) operation: Option<String>,
}

/// One of the explicit rules.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) etag: String,
    /// The properties in the last `PUT`.
    pub(crate) properties: Map<String, Value>,
    pub(crate) provisioning: String,
    /// The properties in force. They become `properties` once the operation has ended.
    pub(crate) in_force: Option<Map<String, Value>>,
}

impl SecurityGroup {
    /// The document in the answer to a `GET`; `interfaces` and `subnets` are those that it is attached to.
    pub(crate) fn document(&self, interfaces: &[String], subnets: &[String]) -> Value {
        let references = |ids: &[String]| ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>();
        let mut properties = json!({
            "provisioningState": self.provisioning,
            "resourceGuid": "00000000-0000-4000-8000-000000000000",
            "securityRules": self.rules.values().map(|rule| self.rule_document(rule)).collect::<Vec<_>>(),
            "defaultSecurityRules": defaults().iter().map(|(name, rule)| json!({
                "name": name,
                "id": self.id.child("defaultSecurityRules", name).as_str(),
                "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                "properties": rule,
            })).collect::<Vec<_>>(),
        });
        if !interfaces.is_empty() {
            properties["networkInterfaces"] = json!(references(interfaces));
        }
        if !subnets.is_empty() {
            properties["subnets"] = json!(references(subnets));
        }
        let mut document = json!({
            "name": self.id.name(),
            "id": self.id.as_str(),
            "etag": self.etag,
            "type": "Microsoft.Network/networkSecurityGroups",
            "location": self.location,
            "properties": properties,
        });
        if !self.tags.is_empty() {
            document["tags"] = Value::Object(self.tags.clone());
        }
        document
    }

    pub(crate) fn rule_document(&self, rule: &Rule) -> Value {
        let mut properties = rule.properties.clone();
        properties.insert("provisioningState".to_owned(), json!(rule.provisioning));
        for list in [
            "sourceAddressPrefixes",
            "destinationAddressPrefixes",
            "sourcePortRanges",
            "destinationPortRanges",
        ] {
            properties.entry(list).or_insert(json!([]));
        }
        json!({
            "name": rule.name,
            "id": self.id.child("securityRules", &rule.name).as_str(),
            "etag": rule.etag,
            "type": "Microsoft.Network/networkSecurityGroups/securityRules",
            "properties": properties,
        })
    }
}

/// The rules that each group has, which cannot be changed.
pub(super) fn defaults() -> [(&'static str, Value); 6] {
    let rule = |priority: u32, direction: &str, access: &str, source: &str, destination: &str| {
        json!({
            "provisioningState": "Succeeded",
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
            "sourceAddressPrefix": source,
            "destinationAddressPrefix": destination,
            "access": access,
            "priority": priority,
            "direction": direction,
        })
    };
    [
        ("AllowVnetInBound", rule(65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork")),
        ("AllowAzureLoadBalancerInBound", rule(65001, "Inbound", "Allow", "AzureLoadBalancer", "*")),
        ("DenyAllInBound", rule(65500, "Inbound", "Deny", "*", "*")),
        ("AllowVnetOutBound", rule(65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork")),
        ("AllowInternetOutBound", rule(65001, "Outbound", "Allow", "*", "Internet")),
        ("DenyAllOutBound", rule(65500, "Outbound", "Deny", "*", "*")),
    ]
}
