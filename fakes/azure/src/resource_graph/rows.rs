//! The rows of the table `Resources`.

use serde_json::{Value, json};

use crate::{cloud::Cloud, compute::availability_sets, machine::Machine, resource_id::ResourceId};

/// The columns of the table, with their types in an answer.
pub(super) const COLUMNS: [(&str, &str); 16] = [
    ("id", "string"),
    ("name", "string"),
    ("type", "string"),
    ("tenantId", "string"),
    ("kind", "string"),
    ("location", "string"),
    ("resourceGroup", "string"),
    ("subscriptionId", "string"),
    ("managedBy", "string"),
    ("sku", "object"),
    ("plan", "object"),
    ("properties", "object"),
    ("tags", "object"),
    ("identity", "object"),
    ("zones", "object"),
    ("extendedLocation", "object"),
];

/// The resources of these subscriptions that the caller may read, in the order of their ids. Instances of uniform scale
/// sets are in another table.
pub(super) fn rows(cloud: &Cloud, subscriptions: &[String]) -> Vec<Value> {
    let machines = cloud.machines.values().filter(|machine| !machine.is_uniform_instance());
    let documents = machines.map(|machine| (&machine.id, of_machine(machine)));
    let documents = documents.chain(cloud.scale_sets.values().map(|set| (&set.id, set.document())));
    let sets = cloud.availability_sets.values();
    let documents = documents.chain(sets.map(|set| (&set.id, availability_sets::document(cloud, set, true))));
    let mut found: Vec<(String, Value)> = documents
        .filter(|(id, document)| {
            let action = format!("{}/read", document["type"].as_str().unwrap_or_default());
            subscriptions.contains(&id.subscription().to_lowercase())
                && cloud.role.allows(&action, id.as_str())
        })
        .map(|(id, document)| (id.key(), row(cloud, id, &document)))
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().map(|(_, row)| row).collect()
}

/// Resource Graph adds the power state to the model.
fn of_machine(machine: &Machine) -> Value {
    let mut document = machine.document(machine.id.as_str(), false);
    let [_, power] = machine.status_codes();
    let shown = format!("VM {}", power.trim_start_matches("PowerState/"));
    document["properties"]["extended"] = json!({ "instanceView": { "powerState": {
        "code": power, "displayStatus": shown, "level": "Info",
    } } });
    document
}

/// Kinds and groups are in lower case there.
fn row(cloud: &Cloud, id: &ResourceId, document: &Value) -> Value {
    let subscription = cloud.subscriptions.get(&id.subscription().to_lowercase());
    let mut row = json!({
        "id": id.as_str(),
        "name": id.name(),
        "type": document["type"].as_str().unwrap_or_default().to_lowercase(),
        "tenantId": subscription.map_or("", |subscription| subscription.tenant.as_str()),
        "kind": "",
        "location": document["location"],
        "resourceGroup": id.group().to_lowercase(),
        "subscriptionId": id.subscription(),
        "managedBy": "",
    });
    for column in ["sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation"] {
        row[column] = document[column].clone();
    }
    row
}
