//! Builds resources from the descriptions of a test.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    chaos_studio::Experiment,
    cloud::{AvailabilitySet, Cloud},
    machine::{Machine, OperatingSystem, PowerState, Protection},
    network::{Interface, SecurityGroup, Subnet},
    resource_id::ResourceId,
    scale_set::{ScaleSet, subnet_of},
    timer::Timer,
    world::{
        New, NewAvailabilitySet, NewExperiment, NewScaleSet, NewSubscription, Orchestration, SecurityGroups,
    },
};

pub(crate) fn add(cloud: &mut Cloud, new: &New) {
    match new {
        New::AvailabilitySet(set) => availability_set(cloud, set),
        New::ScaleSet(set) => scale_set(cloud, set),
        New::Experiment(new) => experiment(cloud, new),
        New::Subscription(NewSubscription { id, tenant }) => {
            cloud.ensure_subscription(id, tenant);
        }
    }
}

fn availability_set(cloud: &mut Cloud, new: &NewAvailabilitySet) {
    let group = cloud.ensure_group(&new.subscription, &new.resource_group);
    let id = ResourceId::in_group(&new.subscription, &group, "Microsoft.Compute/availabilitySets", &new.name);
    let network = Network::lay(cloud, &id, &new.location, new.security_groups);
    for index in 0..new.machines {
        let name = format!("{}-{index}", new.name);
        let blank = Blank {
            id: ResourceId::in_group(&new.subscription, &group, "Microsoft.Compute/virtualMachines", &name),
            location: new.location.clone(),
            tags: tags(&new.tags),
            system: new.system,
        };
        let mut machine = blank.machine(cloud, name);
        machine.availability_set = Some(id.clone());
        machine.fault_domain = index % new.fault_domains.max(1);
        machine.update_domain = index % new.update_domains.max(1);
        network.plug(cloud, &mut machine);
        cloud.machines.insert(machine.id.key(), machine);
    }
    let set = AvailabilitySet {
        location: new.location.clone(),
        tags: tags(&new.tags),
        fault_domains: new.fault_domains,
        update_domains: new.update_domains,
        id,
    };
    cloud.availability_sets.insert(set.id.key(), set);
}

fn scale_set(cloud: &mut Cloud, new: &NewScaleSet) {
    let group = cloud.ensure_group(&new.subscription, &new.resource_group);
    let id = ResourceId::in_group(
        &new.subscription,
        &group,
        "Microsoft.Compute/virtualMachineScaleSets",
        &new.name,
    );
    // An interface of a uniform instance is made from the model of the scale set: it has no group of its own.
    let security_groups = match (new.orchestration, new.security_groups) {
        (Orchestration::Uniform, SecurityGroups::PerMachine) => SecurityGroups::Shared,
        (_, groups) => groups,
    };
    let set = ScaleSet {
        unique_id: cloud.fresh_id(),
        location: new.location.clone(),
        tags: tags(&new.tags),
        zones: new.zones.clone(),
        orchestration: new.orchestration,
        fault_domains: new.fault_domains,
        system: new.system,
        security_groups,
        capacity: 0,
        next: 0,
        provisioning: "Succeeded".to_owned(),
        repairs: new.automatic_repairs,
        held_at: new.held_at,
        is_spot: new.spot,
        id,
    };
    let key = set.id.key();
    cloud.scale_sets.insert(key.clone(), set);
    for _ in 0..new.capacity {
        if let Some(machine) = cloud.add_instance(&key) {
            Timer::Boot { machine }.ring(cloud);
        }
    }
}

fn experiment(cloud: &mut Cloud, new: &NewExperiment) {
    let group = cloud.ensure_group(&new.subscription, &new.resource_group);
    let experiment = Experiment {
        id: ResourceId::in_group(&new.subscription, &group, "Microsoft.Chaos/experiments", &new.name),
        location: "westeurope".to_owned(),
        lasts_milliseconds: new.lasts_milliseconds,
        fails: new.fails,
        steps: new.steps.clone(),
        selectors: new.selectors.clone(),
        executions: Vec::new(),
    };
    cloud.experiments.insert(experiment.id.key(), experiment);
}

impl Cloud {
    /// Brings a scale set to this many instances. The newest that are not protected go first.
    pub(crate) fn resize(&mut self, key: &str, capacity: u32) {
        while self.scale_sets.get(key).is_some_and(|set| set.capacity < capacity) {
            let Some(machine) = self.add_instance(key) else { return };
            self.after(10, Timer::Boot { machine });
        }
        while self.scale_sets.get(key).is_some_and(|set| set.capacity > capacity) {
            let newest = self
                .machines
                .values()
                .filter(|machine| machine.scale_set.as_ref().is_some_and(|set| set.key() == key))
                .filter(|machine| {
                    !machine.protection.from_scale_in && !machine.protection.from_scale_set_actions
                })
                .max_by_key(|machine| machine.serial)
                .map(|machine| machine.id.key());
            let Some(newest) = newest else { return };
            self.remove_machine(&newest);
        }
    }

    /// Adds an instance that is being created, and returns its key.
    fn add_instance(&mut self, key: &str) -> Option<String> {
        let set = self.scale_sets.get_mut(key)?;
        let number = set.next;
        set.next += 1;
        set.capacity += 1;
        let set = set.clone();
        let (name, id, instance_id) = match set.orchestration {
            Orchestration::Uniform => {
                let instance = number.to_string();
                (
                    format!("{}_{number}", set.id.name()),
                    set.id.child("virtualMachines", &instance),
                    Some(instance),
                )
            }
            Orchestration::Flexible => {
                let name = format!("{}_{:08x}", set.id.name(), number.wrapping_mul(0x9e37_79b9));
                let kind = "Microsoft.Compute/virtualMachines";
                (name.clone(), ResourceId::in_group(set.id.subscription(), set.id.group(), kind, &name), None)
            }
        };
        let blank = Blank { id, location: set.location.clone(), tags: set.tags.clone(), system: set.system };
        let mut machine = blank.machine(self, name);
        machine.serial = number;
        machine.instance_id = instance_id;
        machine.scale_set = Some(set.id.clone());
        machine.fault_domain = number % set.fault_domains.max(1);
        machine.power = PowerState::Starting;
        "Creating".clone_into(&mut machine.provisioning);
        if let Some(count) = u32::try_from(set.zones.len()).ok().filter(|count| *count > 0) {
            let index = usize::try_from(number % count).unwrap_or_default();
            machine.zone = set.zones.get(index).cloned();
        }
        let network = Network::lay(self, &set.id, &set.location, set.security_groups);
        network.plug(self, &mut machine);
        let key = machine.id.key();
        self.machines.insert(key.clone(), machine);
        Some(key)
    }
}

/// The common parts of all machines of a set.
struct Blank {
    id: ResourceId,
    location: String,
    tags: Map<String, Value>,
    system: OperatingSystem,
}

impl Blank {
    fn machine(self, cloud: &mut Cloud, name: String) -> Machine {
        Machine {
            id: self.id,
            vm_id: cloud.fresh_id(),
            name,
            location: self.location,
            zone: None,
            tags: self.tags,
            system: self.system,
            has_ephemeral_disk: false,
            is_spot: false,
            availability_set: None,
            scale_set: None,
            instance_id: None,
            serial: 0,
            fault_domain: 0,
            update_domain: 0,
            power: PowerState::Running,
            provisioning: "Succeeded".to_owned(),
            interfaces: Vec::new(),
            protection: Protection::default(),
            agent_ready: true,
            created: cloud.now.to_string(),
            boots: 1,
            scripts: 0,
        }
    }
}

/// The subnet of a set, and the source of its machines' groups.
struct Network {
    subnet: ResourceId,
    groups: SecurityGroups,
    shared: ResourceId,
    location: String,
}

impl Network {
    /// Creates its missing parts.
    fn lay(cloud: &mut Cloud, set: &ResourceId, location: &str, groups: SecurityGroups) -> Self {
        let subnet = subnet_of(set.subscription(), set.group(), set.name());
        let shared = group_id(set, &format!("{}-nsg", set.name()));
        if matches!(groups, SecurityGroups::Shared | SecurityGroups::Subnet) {
            ensure_security_group(cloud, &shared, location);
        }
        cloud.subnets.entry(subnet.key()).or_insert_with(|| Subnet {
            id: subnet.clone(),
            prefix: "10.0.0.0/8".to_owned(),
            group: (groups == SecurityGroups::Subnet).then(|| shared.clone()),
        });
        Self { subnet, groups, shared, location: location.to_owned() }
    }

    /// Gives a machine its interface.
    fn plug(&self, cloud: &mut Cloud, machine: &mut Machine) {
        let name = format!("{}-nic", machine.name);
        let id = if machine.is_uniform_instance() {
            machine.id.child("networkInterfaces", &name)
        } else {
            let kind = "Microsoft.Network/networkInterfaces";
            ResourceId::in_group(machine.id.subscription(), machine.id.group(), kind, &name)
        };
        let group = match self.groups {
            SecurityGroups::None | SecurityGroups::Subnet => None,
            SecurityGroups::Shared => Some(self.shared.clone()),
            SecurityGroups::PerMachine => {
                let own = group_id(&machine.id, &format!("{}-nsg", machine.name));
                ensure_security_group(cloud, &own, &self.location);
                Some(own)
            }
        };
        let mut properties = Map::new();
        let configuration = json!({ "name": "ipconfig", "properties": {
            "privateIPAllocationMethod": "Dynamic",
            "subnet": { "id": self.subnet.as_str() },
            "primary": true,
            "privateIPAddressVersion": "IPv4",
        } });
        properties.insert("ipConfigurations".to_owned(), json!([configuration]));
        properties.insert("enableAcceleratedNetworking".to_owned(), json!(false));
        properties.insert("enableIPForwarding".to_owned(), json!(false));
        properties.insert("dnsSettings".to_owned(), json!({ "dnsServers": [] }));
        if let Some(group) = &group {
            properties.insert("networkSecurityGroup".to_owned(), json!({ "id": group.as_str() }));
        }
        let interface = Interface {
            etag: cloud.fresh_etag(),
            location: self.location.clone(),
            tags: machine.tags.clone(),
            properties,
            provisioning: "Succeeded".to_owned(),
            address: cloud.fresh_address(),
            machine: Some(machine.id.clone()),
            group_in_force: group,
            operation: None,
            id,
        };
        machine.interfaces.push(interface.id.clone());
        cloud.interfaces.insert(interface.id.key(), interface);
    }
}

fn group_id(beside: &ResourceId, name: &str) -> ResourceId {
    ResourceId::in_group(
        beside.subscription(),
        beside.group(),
        "Microsoft.Network/networkSecurityGroups",
        name,
    )
}

fn ensure_security_group(cloud: &mut Cloud, id: &ResourceId, location: &str) {
    if cloud.security_groups.contains_key(&id.key()) {
        return;
    }
    let group = SecurityGroup {
        etag: cloud.fresh_etag(),
        location: location.to_owned(),
        tags: Map::new(),
        provisioning: "Succeeded".to_owned(),
        rules: BTreeMap::new(),
        operation: None,
        id: id.clone(),
    };
    cloud.security_groups.insert(id.key(), group);
}

fn tags(tags: &BTreeMap<String, String>) -> Map<String, Value> {
    tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}
