//! `Microsoft.Insights/autoscaleSettings`: one for each scale set that is [held](super::NewScaleSet::held_at) at a
//! number.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    paging::page,
    resource_id::ResourceId,
    scale_set::ScaleSet,
};

pub(super) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let (Method::GET, []) = (call.method.clone(), rest) else { return Err(Answer::no_route(&call.path)) };
    let held = cloud.scale_sets.iter().filter(|(key, set)| key.starts_with(prefix) && set.held_at.is_some());
    let keys: Vec<String> = held.map(|(key, _)| key.clone()).collect();
    page(cloud, call, &keys, |key| cloud.scale_sets.get(key).and_then(document))
}

fn document(set: &ScaleSet) -> Option<Value> {
    // Numbers as strings, as in Azure.
    let number = set.held_at?.to_string();
    let name = format!("{}-autoscale", set.id.name());
    let kind = "microsoft.insights/autoscalesettings";
    let id = ResourceId::in_group(set.id.subscription(), set.id.group(), kind, &name);
    Some(json!({
        "name": name,
        "id": id.as_str(),
        "type": "Microsoft.Insights/autoscaleSettings",
        "location": set.location,
        "properties": {
            "name": name,
            "enabled": true,
            "targetResourceUri": set.id.shouted(),
            "profiles": [{
                "name": "default",
                "capacity": { "minimum": number, "maximum": number, "default": number },
                "rules": [],
            }],
        },
    }))
}
