//! From what a test asks for to resources.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    cloud::{AvailabilitySet, Cloud},
    machine::{Machine, PowerState, Protection},
    resource_id::ResourceId,
    world::{New, NewAvailabilitySet},
};

pub(crate) fn add(cloud: &mut Cloud, new: &New) {
    match new {
        New::AvailabilitySet(set) => availability_set(cloud, set),
        New::ScaleSet(_) | New::Experiment(_) => {}
    }
}

fn availability_set(cloud: &mut Cloud, new: &NewAvailabilitySet) {
    let group = cloud.ensure_group(&new.subscription, &new.resource_group);
    let id = ResourceId::in_group(&new.subscription, &group, "Microsoft.Compute/availabilitySets", &new.name);
    for index in 0..new.machines {
        let name = format!("{}-{index}", new.name);
        let machine = Machine {
            id: ResourceId::in_group(&new.subscription, &group, "Microsoft.Compute/virtualMachines", &name),
            vm_id: cloud.fresh_id(),
            name,
            location: new.location.clone(),
            zone: None,
            tags: tags(&new.tags),
            system: new.system,
            availability_set: Some(id.clone()),
            scale_set: None,
            instance_id: None,
            fault_domain: index % new.fault_domains.max(1),
            update_domain: index % new.update_domains.max(1),
            power: PowerState::Running,
            provisioning: "Succeeded".to_owned(),
            interfaces: Vec::new(),
            protection: Protection::default(),
            agent_ready: true,
            created: cloud.now.to_string(),
            boots: 1,
        };
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

fn tags(tags: &BTreeMap<String, String>) -> Map<String, Value> {
    tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}
