//! Virtual machines, alone or as instances of a scale set.

use serde_json::{Map, Value, json};

use super::resource_id::ResourceId;

/// The power state of a machine, according to its instance view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PowerState {
    /// On its way to running.
    Starting,
    /// It runs.
    Running,
    /// On its way to stopped.
    Stopping,
    /// It does not run, keeps its address and its temporary disk, and is billed.
    Stopped,
    /// On its way to deallocated.
    Deallocating,
    /// It does not run and has no host.
    Deallocated,
    /// The platform does not report it.
    Unknown,
}

impl PowerState {
    fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deallocating => "deallocating",
            Self::Deallocated => "deallocated",
            Self::Unknown => "unknown",
        }
    }
}

/// The operating system of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatingSystem {
    /// Scripts run with `sh`.
    #[default]
    Linux,
    /// `RunShellScript` is refused.
    Windows,
}

/// The operations that a scale set must not carry out on an instance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Protection {
    pub(crate) from_scale_in: bool,
    pub(crate) from_scale_set_actions: bool,
}

/// A machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: ResourceId,
    /// Its computer's name.
    pub(crate) name: String,
    pub(crate) vm_id: String,
    pub(crate) location: String,
    pub(crate) zone: Option<String>,
    pub(crate) tags: Map<String, Value>,
    pub(crate) system: OperatingSystem,
    /// Whether its system disk belongs to its host.
    pub(crate) has_ephemeral_disk: bool,
    pub(crate) is_spot: bool,
    pub(crate) availability_set: Option<ResourceId>,
    /// The id of the scale set that it belongs to, if any.
    pub(crate) scale_set: Option<ResourceId>,
    /// The number of an instance of a uniform scale set.
    pub(crate) instance_id: Option<String>,
    /// The order in which the instances of a scale set were made.
    pub(crate) serial: u32,
    pub(crate) fault_domain: u32,
    pub(crate) update_domain: u32,
    pub(crate) power: PowerState,
    /// `Succeeded`, `Updating`, `Failed`, `Creating`, `Deleting`.
    pub(crate) provisioning: String,
    pub(crate) interfaces: Vec<ResourceId>,
    pub(crate) protection: Protection,
    pub(crate) agent_ready: bool,
    pub(crate) created: String,
    /// The number of times that it has been started, restarted or redeployed.
    pub(crate) boots: u32,
    /// The number of scripts that Run Command has begun.
    pub(crate) scripts: u32,
}

impl Machine {
    pub(crate) fn is_uniform_instance(&self) -> bool {
        self.instance_id.is_some()
    }

    /// Whether a script can reach it.
    pub(crate) fn agent_runs(&self) -> bool {
        self.power == PowerState::Running && self.agent_ready
    }

    /// The document in the answer to a `GET`; `id` is in the spelling of the listing.
    pub(crate) fn document(&self, id: &str, with_view: bool) -> Value {
        let mut properties = json!({
            "vmId": self.vm_id,
            "provisioningState": self.provisioning,
            "hardwareProfile": { "vmSize": "Standard_B1s" },
            "storageProfile": { "osDisk": { "osType": self.os_type(), "createOption": "FromImage" }, "dataDisks": [] },
            "osProfile": self.os_profile(),
            "networkProfile": { "networkInterfaces": self.interface_references() },
            "timeCreated": self.created,
        });
        if self.has_ephemeral_disk {
            properties["storageProfile"]["osDisk"]["diffDiskSettings"] =
                json!({ "option": "Local", "placement": "CacheDisk" });
        }
        if self.is_spot && !self.is_uniform_instance() {
            properties["priority"] = json!("Spot");
            properties["evictionPolicy"] = json!("Deallocate");
        }
        if let Some(set) = &self.availability_set {
            properties["availabilitySet"] = json!({ "id": set.shouted() });
        }
        if with_view {
            properties["instanceView"] = self.instance_view();
        }
        match (&self.instance_id, &self.scale_set) {
            (Some(instance), Some(_)) => self.instance_document(id, instance, properties),
            (_, scale_set) => {
                if let Some(set) = scale_set {
                    properties["virtualMachineScaleSet"] = json!({ "id": set.as_str() });
                    properties["platformFaultDomain"] = json!(self.fault_domain);
                }
                let name = id.rsplit('/').next().unwrap_or_default();
                self.resource(id, name, "Microsoft.Compute/virtualMachines", properties)
            }
        }
    }

    /// The document in a listing with `statusOnly=true`: of the model, it has only the fields that name the machine.
    pub(crate) fn status_document(&self) -> Value {
        let id = self.id.shouted();
        json!({
            "name": self.id.name(),
            "id": id,
            "type": "Microsoft.Compute/virtualMachines",
            "location": self.location,
            "properties": {
                "vmId": self.vm_id,
                "provisioningState": self.provisioning,
                "instanceView": self.instance_view(),
            },
        })
    }

    pub(crate) fn instance_view(&self) -> Value {
        let mut view = json!({
            "computerName": self.name,
            "osName": match self.system {
                OperatingSystem::Linux => "debian",
                OperatingSystem::Windows => "Windows Server 2022",
            },
            "osVersion": "12",
            "hyperVGeneration": "V2",
            "disks": [],
            "statuses": self.statuses(),
        });
        // A machine without a host is in no domain.
        if self.power != PowerState::Deallocated {
            view["platformUpdateDomain"] = json!(self.update_domain);
            view["platformFaultDomain"] = json!(self.fault_domain);
        }
        if self.power == PowerState::Running {
            view["vmAgent"] = self.agent();
        }
        view
    }

    /// `ProvisioningState/succeeded` and `PowerState/running`, and the like.
    pub(crate) fn status_codes(&self) -> [String; 2] {
        [
            format!("ProvisioningState/{}", self.provisioning.to_lowercase()),
            format!("PowerState/{}", self.power.code()),
        ]
    }

    fn statuses(&self) -> Value {
        let [provisioning, power] = self.status_codes();
        let lower = self.provisioning.to_lowercase();
        json!([
            {
                "code": provisioning,
                "level": if self.provisioning == "Failed" { "Error" } else { "Info" },
                "displayStatus": format!("Provisioning {lower}"),
                "time": self.created,
            },
            {
                "code": power,
                "level": "Info",
                "displayStatus": format!("VM {}", self.power.code()),
            },
        ])
    }

    fn agent(&self) -> Value {
        let (code, display, message) = if self.agent_ready {
            ("ProvisioningState/succeeded", "Ready", "Guest Agent is running")
        } else {
            ("ProvisioningState/Unavailable", "Not Ready", "VM status blob is found but not yet populated.")
        };
        json!({
            "vmAgentVersion": "2.11.1.12",
            "statuses": [
                { "code": code, "level": "Info", "displayStatus": display, "message": message, "time": self.created },
            ],
        })
    }

    fn instance_document(&self, id: &str, instance: &str, mut properties: Value) -> Value {
        properties["latestModelApplied"] = json!(true);
        properties["modelDefinitionApplied"] = json!("VirtualMachineScaleSet");
        if self.protection.from_scale_in || self.protection.from_scale_set_actions {
            properties["protectionPolicy"] = json!({
                "protectFromScaleIn": self.protection.from_scale_in,
                "protectFromScaleSetActions": self.protection.from_scale_set_actions,
            });
        }
        let kind = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines";
        let mut document = self.resource(id, &self.name, kind, properties);
        document["instanceId"] = json!(instance);
        document["sku"] = json!({ "name": "Standard_B1s", "tier": "Standard" });
        document
    }

    fn resource(&self, id: &str, name: &str, kind: &str, properties: Value) -> Value {
        let mut document = json!({
            "name": name,
            "id": id,
            "type": kind,
            "location": self.location,
            "properties": properties,
        });
        if !self.tags.is_empty() {
            document["tags"] = Value::Object(self.tags.clone());
        }
        if let Some(zone) = &self.zone {
            document["zones"] = json!([zone]);
        }
        document
    }

    fn os_type(&self) -> &'static str {
        match self.system {
            OperatingSystem::Linux => "Linux",
            OperatingSystem::Windows => "Windows",
        }
    }

    fn os_profile(&self) -> Value {
        let mut profile = json!({ "computerName": self.name, "adminUsername": "azureuser", "secrets": [] });
        match self.system {
            OperatingSystem::Linux => {
                profile["linuxConfiguration"] =
                    json!({ "disablePasswordAuthentication": true, "provisionVMAgent": true });
            }
            OperatingSystem::Windows => {
                profile["windowsConfiguration"] = json!({ "provisionVMAgent": true });
            }
        }
        profile
    }

    fn interface_references(&self) -> Vec<Value> {
        self.interfaces
            .iter()
            .enumerate()
            .map(|(index, id)| json!({ "id": id.as_str(), "properties": { "primary": index == 0 } }))
            .collect()
    }
}
