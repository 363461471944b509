//! `Microsoft.Compute/availabilitySets`.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::{AvailabilitySet, Cloud},
    errors,
    paging::page,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    match (call.method.clone(), rest) {
        (Method::GET, []) => list(cloud, call, prefix),
        (Method::GET, [name]) => {
            let key = format!("{prefix}providers/microsoft.compute/availabilitysets/{name}");
            cloud
                .availability_sets
                .get(&key)
                .map(|set| Answer::ok(document(cloud, set, true)))
                .ok_or_else(|| errors::resource_not_found(call))
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

fn list(cloud: &Cloud, call: &Call, prefix: &str) -> Answered {
    let keys: Vec<String> =
        cloud.availability_sets.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
    // A listing of a whole subscription names the machines only when asked to.
    let with_machines =
        call.parameter("$expand") == Some("virtualMachines/$ref") || prefix.matches('/').count() > 4;
    page(cloud, call, &keys, |key| {
        cloud.availability_sets.get(key).map(|set| document(cloud, set, with_machines))
    })
}

/// The document in the answer to a `GET`.
pub(crate) fn document(cloud: &Cloud, set: &AvailabilitySet, with_machines: bool) -> Value {
    let mut document = json!({
        "name": set.id.name(),
        "id": set.id.as_str(),
        "type": "Microsoft.Compute/availabilitySets",
        "location": set.location,
        "sku": { "name": "Aligned" },
        "properties": {
            "platformUpdateDomainCount": set.update_domains,
            "platformFaultDomainCount": set.fault_domains,
        },
    });
    if !set.tags.is_empty() {
        document["tags"] = Value::Object(set.tags.clone());
    }
    if with_machines {
        let key = set.id.key();
        let members: Vec<Value> = cloud
            .machines
            .values()
            .filter(|machine| machine.availability_set.as_ref().is_some_and(|set| set.key() == key))
            .map(|machine| json!({ "id": machine.id.shouted() }))
            .collect();
        document["properties"]["virtualMachines"] = Value::Array(members);
    }
    document
}
