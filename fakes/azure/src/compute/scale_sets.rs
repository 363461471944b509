//! `Microsoft.Compute/virtualMachineScaleSets`.

use hyper::Method;
use serde_json::Value;

use super::instances::{self, members};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    machine::{Machine, PowerState},
    operation::Provider,
    paging::page,
    scale_set::ScaleSet,
    work::{Power, Work},
    world::Orchestration,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let key = |name: &str| format!("{prefix}providers/microsoft.compute/virtualmachinescalesets/{name}");
    match (call.method.clone(), rest) {
        (Method::GET, []) => {
            let keys: Vec<String> =
                cloud.scale_sets.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
            page(cloud, call, &keys, |key| cloud.scale_sets.get(key).map(ScaleSet::document))
        }
        (Method::GET, [name]) => Ok(Answer::ok(find(cloud, call, &key(name))?.document())),
        (Method::PATCH, [name]) => resize(cloud, call, &key(name)),
        (Method::GET, [name, "instanceview"]) => {
            let set = find(cloud, call, &key(name))?;
            Ok(Answer::ok(set.instance_view(&members(cloud, set))))
        }
        (_, [name, "virtualmachines", rest @ ..]) => {
            let set = find(cloud, call, &key(name))?.clone();
            instances::answer(cloud, call, &set, rest)
        }
        (Method::GET, [name, "networkinterfaces"]) => {
            let set = find(cloud, call, &key(name))?;
            instances::interfaces(cloud, call, &set.instances_prefix())
        }
        (Method::POST, [name, order]) => on_several(cloud, call, &key(name), order),
        _ => Err(Answer::no_route(&call.path)),
    }
}

fn find<'a>(cloud: &'a Cloud, call: &Call, key: &str) -> Result<&'a ScaleSet, Answer> {
    cloud.scale_sets.get(key).ok_or_else(|| errors::resource_not_found(call))
}

/// Changes `sku.capacity`, which is all that a `PATCH` can change here.
fn resize(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let set = find(cloud, call, key)?;
    let capacity = call.json().pointer("/sku/capacity").and_then(Value::as_u64);
    let Some(capacity) = capacity.and_then(|capacity| u32::try_from(capacity).ok()) else {
        return Err(Answer::no_route("PATCH of anything but sku.capacity"));
    };
    let location = set.location.clone();
    let work = Work::Capacity { scale_set: key.to_owned(), capacity };
    let operation = cloud.begin(call, Provider::Compute, &location, work);
    let answer = find(cloud, call, key)?.document();
    Ok(cloud.started(Answer::ok(answer), &operation))
}

/// An order for the instances that the body names, or for all.
fn on_several(cloud: &mut Cloud, call: &Call, key: &str, order: &str) -> Answered {
    let set = find(cloud, call, key)?;
    let named: Option<Vec<&str>> = call
        .json()
        .get("instanceIds")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_str).collect());
    let is_delete = order == "delete";
    if is_delete && named.as_ref().is_none_or(Vec::is_empty) {
        return Err(Answer::bad_request(
            "InvalidParameter",
            "The value of parameter instanceIds is invalid.",
        ));
    }
    let wanted = named.filter(|ids| !ids.contains(&"*"));
    let mut works = Vec::new();
    for machine in chosen(cloud, set, wanted.as_deref())? {
        // An order for the whole set passes over protected instances.
        if wanted.is_none() && machine.protection.from_scale_set_actions {
            continue;
        }
        works.push(match Power::named(order) {
            Some(order) => Work::Power { machine: machine.id.key(), order, before: PowerState::Unknown },
            None if is_delete => Work::Delete { machine: machine.id.key() },
            None => return Err(Answer::no_route(&call.path)),
        });
    }
    let location = set.location.clone();
    Ok(cloud.accept(call, Provider::Compute, &location, Work::Several(works)))
}

fn chosen<'a>(cloud: &'a Cloud, set: &ScaleSet, wanted: Option<&[&str]>) -> Result<Vec<&'a Machine>, Answer> {
    let members = members(cloud, set);
    let Some(ids) = wanted else { return Ok(members) };
    ids.iter()
        .map(|id| {
            let found = members.iter().find(|machine| match set.orchestration {
                Orchestration::Uniform => machine.instance_id.as_deref() == Some(*id),
                Orchestration::Flexible => machine.name.eq_ignore_ascii_case(id),
            });
            found.copied().ok_or_else(|| instances::no_instance(set, id))
        })
        .collect()
}
