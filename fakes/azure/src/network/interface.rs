//! A network interface.

use serde_json::{Map, Value, json};

use crate::resource_id::ResourceId;

/// A network interface, of a virtual machine or of an instance of a uniform scale set.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) id: ResourceId,
    pub(crate) etag: String,
    pub(crate) location: String,
    pub(crate) tags: Map<String, Value>,
    /// The properties in the last `PUT`.
    pub(crate) properties: Map<String, Value>,
    pub(crate) provisioning: String,
    pub(crate) address: String,
    pub(crate) machine: Option<ResourceId>,
    /// The group that is in force. It becomes the one of `properties` once the operation has ended.
    pub(crate) group_in_force: Option<ResourceId>,
    /// The operation that changes it.
    pub(crate) operation: Option<String>,
}

impl Interface {
    /// The group that `properties` name.
    pub(crate) fn group(&self) -> Option<ResourceId> {
        reference(&self.properties, "networkSecurityGroup")
    }

    pub(crate) fn subnet(&self) -> Option<ResourceId> {
        let configuration =
            self.properties.get("ipConfigurations")?.get(0)?.get("properties")?.as_object()?;
        reference(configuration, "subnet")
    }

    /// The document in the answer to a `GET`.
    pub(crate) fn document(&self) -> Value {
        let mut properties = self.properties.clone();
        properties.insert("provisioningState".to_owned(), json!(self.provisioning));
        properties.insert("macAddress".to_owned(), json!("00-0D-3A-00-00-01"));
        properties.insert("primary".to_owned(), json!(true));
        properties.insert("nicType".to_owned(), json!("Standard"));
        properties.insert("tapConfigurations".to_owned(), json!([]));
        properties.insert("hostedWorkloads".to_owned(), json!([]));
        if let Some(machine) = &self.machine {
            properties.insert("virtualMachine".to_owned(), json!({ "id": machine.as_str() }));
        }
        let configurations = self.properties.get("ipConfigurations").and_then(Value::as_array);
        let configurations: Vec<Value> = configurations
            .into_iter()
            .flatten()
            .map(|configuration| self.configuration(configuration))
            .collect();
        properties.insert("ipConfigurations".to_owned(), Value::Array(configurations));
        let mut document = json!({
            "name": self.id.name(),
            "id": self.id.as_str(),
            "etag": self.etag,
            "type": "Microsoft.Network/networkInterfaces",
            "location": self.location,
            "properties": properties,
        });
        if !self.tags.is_empty() {
            document["tags"] = Value::Object(self.tags.clone());
        }
        document
    }

    fn configuration(&self, put: &Value) -> Value {
        let name = put.get("name").and_then(Value::as_str).unwrap_or("ipconfig");
        let mut properties = put.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        properties.insert("provisioningState".to_owned(), json!(self.provisioning));
        properties.insert("privateIPAddress".to_owned(), json!(self.address));
        for (key, value) in [
            ("privateIPAllocationMethod", json!("Dynamic")),
            ("privateIPAddressVersion", json!("IPv4")),
            ("primary", json!(true)),
        ] {
            properties.entry(key).or_insert(value);
        }
        json!({
            "name": name,
            "id": self.id.child("ipConfigurations", name).as_str(),
            "etag": self.etag,
            "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
            "properties": properties,
        })
    }
}

/// The id that a field refers to, as `{"id": ...}`.
pub(super) fn reference(properties: &Map<String, Value>, field: &str) -> Option<ResourceId> {
    properties.get(field)?.get("id")?.as_str().map(ResourceId::new)
}
