//! `Microsoft.Compute/virtualMachines`.

use hyper::Method;
use serde_json::Value;

use super::run_command;
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    machine::{Machine, PowerState},
    operation::Provider,
    paging::page,
    work::{Power, Work},
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let key = |name: &str| format!("{prefix}providers/microsoft.compute/virtualmachines/{name}");
    match (call.method.clone(), rest) {
        (Method::GET, []) => list(cloud, call, prefix),
        (Method::GET, [name]) => {
            let machine = find(cloud, call, &key(name))?;
            let with_view =
                call.parameter("$expand").is_some_and(|wanted| wanted.eq_ignore_ascii_case("instanceView"));
            Ok(Answer::ok(machine.document(machine.id.as_str(), with_view)))
        }
        (Method::GET, [name, "instanceview"]) => {
            Ok(Answer::ok(find(cloud, call, &key(name))?.instance_view()))
        }
        (Method::POST, [name, "runcommand"]) => {
            let machine = find(cloud, call, &key(name))?.clone();
            run_command::answer(cloud, call, &machine)
        }
        (Method::POST, [name, order]) => {
            let machine = find(cloud, call, &key(name))?.clone();
            let order = Power::named(order).ok_or_else(|| Answer::no_route(&call.path))?;
            change_power(cloud, call, &machine, order)
        }
        (Method::DELETE, [name]) => {
            let Some(machine) = cloud.machines.get(&key(name)) else { return Ok(Answer::empty(204)) };
            let location = machine.location.clone();
            Ok(cloud.accept(call, Provider::Compute, &location, Work::Delete { machine: key(name) }))
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// Changes the power state of a machine or an instance. A newer order takes over from an older one, except from a
/// deletion.
pub(super) fn change_power(cloud: &mut Cloud, call: &Call, machine: &Machine, order: Power) -> Answered {
    refuse_while_deleted(machine)?;
    if machine.has_ephemeral_disk && order == Power::Deallocate {
        let message = "Operation 'deallocate' is not supported on VMs or VM Scale Set instances using an ephemeral OS \
            disk.";
        return Err(Answer::conflict("OperationNotAllowed", message));
    }
    let work = Work::Power { machine: machine.id.key(), order, before: PowerState::Unknown };
    Ok(cloud.accept(call, Provider::Compute, &machine.location, work))
}

pub(super) fn refuse_while_deleted(machine: &Machine) -> Result<(), Answer> {
    if machine.provisioning != "Deleting" {
        return Ok(());
    }
    Err(Answer::conflict(
        "OperationNotAllowed",
        format!(
            "This operation is not allowed on VM '{}' since the VM is marked for deletion. You can only retry the \
             Delete operation (or wait for an ongoing one to complete).",
            machine.name
        ),
    ))
}

fn find<'a>(cloud: &'a Cloud, call: &Call, key: &str) -> Result<&'a Machine, Answer> {
    cloud.machines.get(key).ok_or_else(|| errors::resource_not_found(call))
}

fn list(cloud: &Cloud, call: &Call, prefix: &str) -> Answered {
    let of_subscription = prefix.matches('/').count() == 4;
    let scale_set = match call.parameter("$filter") {
        None => None,
        Some(filter) => Some(scale_set_of(filter).ok_or_else(|| {
            Answer::bad_request("BadRequest", format!("The filter '{filter}' is not supported."))
        })?),
    };
    let with_view = match call.parameter("$expand") {
        None => false,
        Some(_) if scale_set.is_none() => {
            let message = "$expand can only be specified if a valid $filter option is specified.";
            return Err(Answer::bad_request("BadRequest", message));
        }
        Some(wanted) => wanted.eq_ignore_ascii_case("instanceView"),
    };
    // `statusOnly` is a parameter of the listing of a subscription alone.
    let status_only = of_subscription && call.flag("statusOnly");
    let belongs = |machine: &Machine| match &scale_set {
        None => true,
        Some(wanted) => machine.scale_set.as_ref().is_some_and(|set| set.key() == *wanted),
    };
    let keys: Vec<String> = cloud
        .machines
        .iter()
        .filter(|(key, machine)| {
            key.starts_with(prefix) && !machine.is_uniform_instance() && belongs(machine)
        })
        .map(|(key, _)| key.clone())
        .collect();
    page(cloud, call, &keys, |key| {
        let machine = cloud.machines.get(key)?;
        Some(shown(machine, of_subscription, status_only, with_view))
    })
}

fn shown(machine: &Machine, of_subscription: bool, status_only: bool, with_view: bool) -> Value {
    if status_only {
        machine.status_document()
    } else if of_subscription {
        machine.document(&machine.id.shouted(), with_view)
    } else {
        machine.document(machine.id.as_str(), with_view)
    }
}

/// The key of the scale set that `'virtualMachineScaleSet/id' eq 'ID'` names.
fn scale_set_of(filter: &str) -> Option<String> {
    let lower = filter.to_lowercase();
    let id = lower.trim().strip_prefix("'virtualmachinescaleset/id' eq ")?.trim().trim_matches('\'');
    id.starts_with("/subscriptions/").then(|| id.to_owned())
}
