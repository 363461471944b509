//! Scale sets.

use serde_json::{Map, Value, json};

use super::{
    machine::{Machine, OperatingSystem},
    resource_id::ResourceId,
    world::{Orchestration, SecurityGroups},
};

/// A scale set; its instances are machines.
#[derive(Clone, Debug)]
pub(crate) struct ScaleSet {
    pub(crate) id: ResourceId,
    pub(crate) unique_id: String,
    pub(crate) location: String,
    pub(crate) tags: Map<String, Value>,
    pub(crate) zones: Vec<String>,
    pub(crate) orchestration: Orchestration,
    pub(crate) fault_domains: u32,
    pub(crate) system: OperatingSystem,
    pub(crate) security_groups: SecurityGroups,
    /// The desired number of instances.
    pub(crate) capacity: u32,
    /// The number of the next instance.
    pub(crate) next: u32,
    pub(crate) provisioning: String,
    /// Whether automatic instance repairs are on.
    pub(crate) repairs: bool,
    /// The number of instances that an autoscale setting holds.
    pub(crate) held_at: Option<u32>,
    /// Whether its instances are spot ones.
    pub(crate) is_spot: bool,
}

impl ScaleSet {
    /// The key that the keys of its uniform instances begin with.
    pub(crate) fn instances_prefix(&self) -> String {
        format!("{}/virtualmachines/", self.id.key())
    }

    /// The document in the answer to a `GET`.
    pub(crate) fn document(&self) -> Value {
        let mut profile = json!({
            "osProfile": { "computerNamePrefix": self.id.name(), "adminUsername": "azureuser" },
            "storageProfile": { "osDisk": { "createOption": "FromImage", "osType": match self.system {
                OperatingSystem::Linux => "Linux",
                OperatingSystem::Windows => "Windows",
            } } },
            "networkProfile": { "networkInterfaceConfigurations": [self.interface_configuration()] },
        });
        match self.system {
            OperatingSystem::Linux => {
                profile["osProfile"]["linuxConfiguration"] = json!({ "provisionVMAgent": true })
            }
            OperatingSystem::Windows => {
                profile["osProfile"]["windowsConfiguration"] = json!({ "provisionVMAgent": true });
            }
        }
        if self.is_spot {
            profile["priority"] = json!("Spot");
            profile["evictionPolicy"] = json!("Deallocate");
        }
        let mut document = json!({
            "name": self.id.name(),
            "id": self.id.as_str(),
            "type": "Microsoft.Compute/virtualMachineScaleSets",
            "location": self.location,
            "sku": { "name": "Standard_B1s", "tier": "Standard", "capacity": self.capacity },
            "properties": {
                "singlePlacementGroup": false,
                "orchestrationMode": match self.orchestration {
                    Orchestration::Uniform => "Uniform",
                    Orchestration::Flexible => "Flexible",
                },
                "upgradePolicy": { "mode": "Manual" },
                "automaticRepairsPolicy": {
                    "enabled": self.repairs, "gracePeriod": "PT10M", "repairAction": "Replace",
                },
                "virtualMachineProfile": profile,
                "provisioningState": self.provisioning,
                "overprovision": false,
                "platformFaultDomainCount": self.fault_domains,
                "uniqueId": self.unique_id,
            },
        });
        if !self.tags.is_empty() {
            document["tags"] = Value::Object(self.tags.clone());
        }
        if !self.zones.is_empty() {
            document["zones"] = json!(self.zones);
        }
        document
    }

    pub(crate) fn instance_view(&self, instances: &[&Machine]) -> Value {
        let mut summary: Vec<(String, u32)> = Vec::new();
        for machine in instances {
            for code in machine.status_codes() {
                match summary.iter_mut().find(|(known, _)| *known == code) {
                    Some((_, count)) => *count += 1,
                    None => summary.push((code, 1)),
                }
            }
        }
        let statuses: Vec<Value> =
            summary.into_iter().map(|(code, count)| json!({ "code": code, "count": count })).collect();
        json!({
            "virtualMachine": { "statusesSummary": statuses },
            "statuses": [{
                "code": format!("ProvisioningState/{}", self.provisioning.to_lowercase()),
                "level": "Info",
                "displayStatus": format!("Provisioning {}", self.provisioning.to_lowercase()),
            }],
            "orchestrationServices": [{
                "serviceName": "AutomaticRepairs",
                "serviceState": if self.repairs { "Running" } else { "NotRunning" },
            }],
        })
    }

    fn interface_configuration(&self) -> Value {
        let mut properties = json!({
            "primary": true,
            "ipConfigurations": [{ "name": "ipconfig", "properties": {
                "primary": true,
                "privateIPAddressVersion": "IPv4",
                "subnet": { "id": self.subnet().as_str() },
            } }],
        });
        if let Some(group) = self.shared_group(SecurityGroups::Shared) {
            properties["networkSecurityGroup"] = json!({ "id": group.as_str() });
        }
        json!({ "name": format!("{}-nic", self.id.name()), "properties": properties })
    }

    /// The subnet of its interfaces.
    pub(crate) fn subnet(&self) -> ResourceId {
        subnet_of(self.id.subscription(), self.id.group(), self.id.name())
    }

    /// The group that all interfaces share or that their subnet has, if either is so.
    pub(crate) fn shared_group(&self, wanted: SecurityGroups) -> Option<ResourceId> {
        (self.security_groups == wanted).then(|| {
            let name = format!("{}-nsg", self.id.name());
            ResourceId::in_group(
                self.id.subscription(),
                self.id.group(),
                "Microsoft.Network/networkSecurityGroups",
                &name,
            )
        })
    }
}

/// The subnet that the machines of a set of this name are in.
pub(crate) fn subnet_of(subscription: &str, group: &str, set: &str) -> ResourceId {
    ResourceId::in_group(subscription, group, "Microsoft.Network/virtualNetworks", &format!("{set}-vnet"))
        .child("subnets", "default")
}
