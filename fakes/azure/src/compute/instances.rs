//! `Microsoft.Compute/virtualMachineScaleSets/virtualMachines`: the instances of a scale set.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    run_command,
    virtual_machines::{change_power, refuse_while_deleted},
};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    machine::{Machine, Protection},
    network::Interface,
    operation::Provider,
    paging::page,
    scale_set::ScaleSet,
    work::{Power, Work},
    world::Orchestration,
};

/// `rest` is the path after `virtualMachines`.
pub(super) fn answer(cloud: &mut Cloud, call: &Call, set: &ScaleSet, rest: &[&str]) -> Answered {
    if set.orchestration == Orchestration::Flexible {
        return match (call.method.clone(), rest) {
            (Method::GET, []) => list_flexible(cloud, call, set),
            _ => Err(not_for_flexible(set)),
        };
    }
    let Some((id, rest)) = rest.split_first() else {
        return match call.method {
            Method::GET => list(cloud, call, set),
            _ => Err(Answer::no_route(&call.path)),
        };
    };
    let key = format!("{}{id}", set.instances_prefix());
    let Some(machine) = cloud.machines.get(&key).cloned() else {
        return match (call.method.clone(), rest) {
            (Method::DELETE, []) => Ok(Answer::empty(204)),
            (Method::GET, _) => Err(errors::sub_resource_not_found(call)),
            _ => Err(no_instance(set, id)),
        };
    };
    match (call.method.clone(), rest) {
        (Method::GET, []) => {
            let with_view =
                call.parameter("$expand").is_some_and(|wanted| wanted.eq_ignore_ascii_case("instanceView"));
            Ok(Answer::ok(machine.document(machine.id.as_str(), with_view)))
        }
        (Method::GET, ["instanceview"]) => Ok(Answer::ok(machine.instance_view())),
        (Method::GET, ["networkinterfaces"]) => interfaces(cloud, call, &format!("{key}/")),
        (Method::GET, ["networkinterfaces", name]) => {
            let interface = cloud.interfaces.get(&format!("{key}/networkinterfaces/{name}"));
            let interface = interface.ok_or_else(|| errors::sub_resource_not_found(call))?;
            Ok(Answer::ok(interface.document()))
        }
        (Method::PUT, []) => protect(cloud, call, &machine),
        (Method::DELETE, []) => {
            let work = Work::Delete { machine: key };
            Ok(cloud.accept(call, Provider::Compute, &machine.location, work))
        }
        (Method::POST, ["runcommand"]) => run_command::answer(cloud, call, &machine),
        (Method::POST, [order]) => {
            let order = Power::named(order).ok_or_else(|| Answer::no_route(&call.path))?;
            change_power(cloud, call, &machine, order)
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// The machines of a scale set.
pub(super) fn members<'a>(cloud: &'a Cloud, set: &ScaleSet) -> Vec<&'a Machine> {
    let key = set.id.key();
    cloud
        .machines
        .values()
        .filter(|machine| machine.scale_set.as_ref().is_some_and(|set| set.key() == key))
        .collect()
}

/// 400 for an instance that a scale set does not have.
pub(super) fn no_instance(set: &ScaleSet, id: &str) -> Answer {
    Answer::bad_request(
        "InvalidParameter",
        format!(
            "The provided instanceId {id} is not an active Virtual Machine Scale Set VM instanceId of '{}'.",
            set.id.name()
        ),
    )
}

/// The interfaces whose keys begin with `prefix`.
pub(super) fn interfaces(cloud: &Cloud, call: &Call, prefix: &str) -> Answered {
    let keys: Vec<String> = cloud.interfaces.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
    page(cloud, call, &keys, |key| cloud.interfaces.get(key).map(Interface::document))
}

fn list(cloud: &Cloud, call: &Call, set: &ScaleSet) -> Answered {
    let with_view =
        call.parameter("$expand").is_some_and(|wanted| wanted.eq_ignore_ascii_case("instanceView"));
    let keys: Vec<String> = members(cloud, set).into_iter().map(|machine| machine.id.key()).collect();
    page(cloud, call, &keys, |key| {
        cloud.machines.get(key).map(|machine| machine.document(machine.id.as_str(), with_view))
    })
}

/// For a flexible scale set, the listing has little more than the names of the machines.
fn list_flexible(cloud: &Cloud, call: &Call, set: &ScaleSet) -> Answered {
    let keys: Vec<String> = members(cloud, set).into_iter().map(|machine| machine.id.key()).collect();
    page(cloud, call, &keys, |key| {
        let machine = cloud.machines.get(key)?;
        Some(json!({
            "name": machine.name,
            "instanceId": machine.name,
            "id": machine.id.as_str(),
            "type": "Microsoft.Compute/virtualMachines",
            "location": machine.location,
        }))
    })
}

/// Changes the protection policy, which is all that a `PUT` can change here.
fn protect(cloud: &mut Cloud, call: &Call, machine: &Machine) -> Answered {
    refuse_while_deleted(machine)?;
    let policy = call.json().pointer("/properties/protectionPolicy");
    let flag =
        |name: &str| policy.and_then(|policy| policy.get(name)).and_then(Value::as_bool).unwrap_or(false);
    let protection = Protection {
        from_scale_in: flag("protectFromScaleIn"),
        from_scale_set_actions: flag("protectFromScaleSetActions"),
    };
    let key = machine.id.key();
    if let Some(machine) = cloud.machines.get_mut(&key) {
        machine.protection = protection;
    }
    let document = cloud.machines.get(&key).map(|machine| machine.document(machine.id.as_str(), false));
    Ok(Answer::ok(document.unwrap_or_default()))
}

fn not_for_flexible(set: &ScaleSet) -> Answer {
    Answer::conflict(
        "OperationNotAllowed",
        format!(
            "This operation is not supported on the Virtual Machine Scale Set '{}', whose orchestration mode is \
             Flexible. Use the API of its virtual machines.",
            set.id.name()
        ),
    )
}
