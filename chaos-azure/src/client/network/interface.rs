use std::net::IpAddr;

use chaos_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::document::{LastChange, remove};
use crate::{
    client::{arm::unreadable, permissions::Needed},
    model::resource_id::ResourceId,
};

/// The resources that a configuration of an interface may be in, and the actions that are needed to name them.
const LINKED: [(&str, &str); 6] = [
    ("subnet", "Microsoft.Network/virtualNetworks/subnets/join/action"),
    ("publicIPAddress", "Microsoft.Network/publicIPAddresses/join/action"),
    ("loadBalancerBackendAddressPools", "Microsoft.Network/loadBalancers/backendAddressPools/join/action"),
    ("loadBalancerInboundNatRules", "Microsoft.Network/loadBalancers/inboundNatRules/join/action"),
    (
        "applicationGatewayBackendAddressPools",
        "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
    ),
    ("applicationSecurityGroups", "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action"),
];

/// The fields that Azure sets itself, in this version of the API. All others are written back, known here or not.
const READ_ONLY: [&str; 14] = [
    "/name",
    "/type",
    "/etag",
    "/properties/virtualMachine",
    "/properties/privateEndpoint",
    "/properties/tapConfigurations",
    "/properties/macAddress",
    "/properties/primary",
    "/properties/vnetEncryptionSupported",
    "/properties/defaultOutboundConnectivityEnabled",
    "/properties/hostedWorkloads",
    "/properties/dscpConfiguration",
    "/properties/resourceGuid",
    "/properties/provisioningState",
];
const READ_ONLY_IN_CONFIGURATIONS: [&str; 3] =
    ["/etag", "/properties/provisioningState", "/properties/privateLinkConnectionProperties"];

/// A network interface of a machine: the complete document of ARM, because it is written back completely.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    id: ResourceId,
    document: Value,
}

impl Interface {
    pub(super) fn read(document: Value) -> Result<Self> {
        let id = ResourceId::parse(document["id"].as_str().unwrap_or_default()).map_err(unreadable)?;
        // An interface without a security group lacks the field; the other fields show that the answer is complete.
        let configurations = document["properties"]["ipConfigurations"].as_array();
        if configurations.is_none_or(Vec::is_empty) {
            let what = "Azure does not report the configuration of a network interface";
            return Err(Error::new(ErrorKind::Unavailable, what).with("interface", id.as_str()));
        }
        Ok(Self { id, document })
    }

    /// The actions that are needed to write it back, besides writing: to name everything that it is in, even without a
    /// change.
    pub(crate) fn linked(&self) -> Vec<Needed> {
        let configurations = self.document["properties"]["ipConfigurations"].as_array();
        let mut linked = Vec::new();
        for properties in
            configurations.into_iter().flatten().map(|configuration| &configuration["properties"])
        {
            for (field, action) in LINKED {
                let (one, many) = (&properties[field]["id"], properties[field].as_array());
                let ids = many.into_iter().flatten().map(|resource| &resource["id"]).chain([one]);
                linked.extend(ids.filter_map(Value::as_str).map(|id| Needed::new(action, id)));
            }
        }
        linked
    }

    /// Whether it belongs to an instance of a uniform scale set. Then only the scale set can give it a security group.
    pub(crate) fn is_of_instance(id: &ResourceId) -> bool {
        id.kind().starts_with("microsoft.compute/")
    }

    pub(crate) fn id(&self) -> &ResourceId {
        &self.id
    }

    /// The version, which changes with every change.
    pub(super) fn version(&self) -> Option<String> {
        self.document["etag"].as_str().map(str::to_owned)
    }

    /// The state of its last change.
    pub(crate) fn last_change(&self) -> LastChange {
        LastChange::of(&self.document)
    }

    /// Its security group, if any.
    pub(crate) fn group(&self) -> Result<Option<ResourceId>> {
        let id = self.document["properties"]["networkSecurityGroup"]["id"].as_str();
        id.map(|id| ResourceId::parse(id).map_err(unreadable)).transpose()
    }

    /// Its private addresses, as far as it has any at the moment.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let configurations = self.document["properties"]["ipConfigurations"].as_array();
        configurations.into_iter().flatten().filter_map(|configuration| {
            configuration["properties"]["privateIPAddress"].as_str()?.parse().ok()
        })
    }

    /// The document to write back, with another security group or none.
    pub(super) fn with_group(&self, group: Option<&ResourceId>) -> Value {
        let mut document = self.document.clone();
        remove(&mut document, &READ_ONLY);
        if let Some(configurations) = document["properties"]["ipConfigurations"].as_array_mut() {
            for configuration in configurations {
                remove(configuration, &READ_ONLY_IN_CONFIGURATIONS);
            }
        }
        if let Some(properties) = document["properties"].as_object_mut() {
            match group {
                Some(group) => {
                    properties.insert("networkSecurityGroup".to_owned(), json!({ "id": group.as_str() }));
                }
                None => {
                    properties.remove("networkSecurityGroup");
                }
            }
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers";

    fn interface() -> Interface {
        Interface::read(json!({
            "id": format!("{GROUP}/Microsoft.Network/networkInterfaces/web-0-nic"),
            "etag": "W/\"1\"",
            "location": "westeurope",
            "properties": {
                "networkSecurityGroup": { "id": format!("{GROUP}/Microsoft.Network/networkSecurityGroups/web") },
                "ipConfigurations": [
                    { "properties": { "privateIPAddress": "10.0.0.4" } },
                    { "etag": "W/\"1\"", "properties": { "privateIPAddress": "fd00::4", "primary": true } },
                    { "properties": {} },
                ],
                "enableIPForwarding": true,
                "macAddress": "00-0D-3A-00-00-01",
                "somethingNew": { "etag": "kept" },
            },
        }))
        .unwrap()
    }

    #[test]
    fn everything_but_the_group_is_written_back_as_it_was() {
        let interface = interface();
        assert_eq!(interface.version().as_deref(), Some("W/\"1\""));
        assert_eq!(interface.group().unwrap().unwrap().name(), "web");
        let addresses: Vec<String> = interface.addresses().map(|address| address.to_string()).collect();
        assert_eq!(addresses, ["10.0.0.4", "fd00::4"]);

        let without = interface.with_group(None);
        let mut expected = interface.document.clone();
        remove(&mut expected, &["/etag", "/properties/networkSecurityGroup", "/properties/macAddress"]);
        remove(&mut expected["properties"]["ipConfigurations"][1], &["/etag"]);
        assert_eq!(without, expected);
        let other = format!("{GROUP}/Microsoft.Network/networkSecurityGroups/other");
        let moved = interface.with_group(Some(&ResourceId::parse(&other).unwrap()));
        expected["properties"]["networkSecurityGroup"] = json!({ "id": other });
        assert_eq!(moved, expected);
    }

    #[test]
    fn an_interface_of_an_instance_is_told_by_its_id() {
        let id = |path: &str| ResourceId::parse(&format!("{GROUP}/{path}")).unwrap();
        let of_instance =
            id("Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/0/networkInterfaces/nic");
        assert!(Interface::is_of_instance(&of_instance));
        assert!(!Interface::is_of_instance(&id("Microsoft.Network/networkInterfaces/nic")));
    }
}
