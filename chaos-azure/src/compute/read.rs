//! From the SDK's models to what this crate needs to know.

use azure_mgmt_compute::package_2024_07_01::models::{self, automatic_repairs_policy};
use chaos_core::{Error, ErrorKind, Labels, Result, listing::ENABLED_TAG};

use super::compute::{AvailabilitySet, Orchestration, ScaleSet};
use crate::{
    machine::{AVAILABILITY_ZONE_LABEL, Machine, Power, System, View},
    place::Place,
    resource_id::ResourceId,
    set_path::SetPath,
};

pub(super) fn availability_set(set: models::AvailabilitySet) -> Result<AvailabilitySet> {
    let id = id(&set.resource)?;
    Ok(AvailabilitySet { path: SetPath::of(&id), tags: tags(set.resource.tags) })
}

pub(super) fn scale_set(set: models::VirtualMachineScaleSet) -> Result<ScaleSet> {
    let id = id(&set.resource)?;
    let properties = set.properties.unwrap_or_default();
    let orchestration = match properties.orchestration_mode {
        Some(models::OrchestrationMode::Flexible) => Orchestration::Flexible,
        // What was there before there was a choice.
        Some(models::OrchestrationMode::Uniform) | None => Orchestration::Uniform,
        Some(models::OrchestrationMode::UnknownValue(mode)) => {
            let what = "a scale set has an orchestration mode that is not known here";
            return Err(Error::new(ErrorKind::Unsupported, what).with("mode", mode).with("id", id.as_str()));
        }
    };
    let capacity = set.sku.and_then(|sku| sku.capacity).and_then(|capacity| usize::try_from(capacity).ok());
    let state = properties.provisioning_state.unwrap_or_default();
    let repairs = properties.automatic_repairs_policy.filter(|policy| policy.enabled == Some(true));
    Ok(ScaleSet {
        path: SetPath::of(&id),
        is_being_deleted: state.eq_ignore_ascii_case("Deleting"),
        id,
        tags: tags(set.resource.tags),
        orchestration,
        capacity,
        is_spot: is_spot(
            properties.virtual_machine_profile.as_ref().and_then(|profile| profile.priority.as_ref()),
        ),
        replaces_the_unwell: repairs.is_some_and(|policy| {
            matches!(policy.repair_action, None | Some(automatic_repairs_policy::RepairAction::Replace))
        }),
    })
}

pub(super) fn machine(machine: models::VirtualMachine) -> Result<Machine> {
    let id = id(&machine.resource)?;
    let properties = machine.properties.unwrap_or_default();
    let SetPath { subscription, resource_group, name } = SetPath::of(&id);
    let mut labels = tags(machine.resource.tags);
    labels.extend(zone(machine.zones));
    let read = Machine {
        place: Place::Machine { subscription, resource_group, name },
        location: machine.resource.location,
        unique_id: properties.vm_id,
        labels,
        provisioning: properties.provisioning_state.unwrap_or_default(),
        view: View::default(),
        has_ephemeral_disk: has_ephemeral_disk(properties.storage_profile.as_ref()),
        is_spot: is_spot(properties.priority.as_ref()),
        system: system(properties.storage_profile),
        availability_set: properties.availability_set.map(sub_resource).transpose()?.flatten(),
        protection: None,
        interfaces: interfaces(properties.network_profile),
    };
    Ok(match properties.instance_view {
        Some(view) => read.seen(machine_view(view)),
        None => read,
    })
}

pub(super) fn instance(set: &SetPath, instance: models::VirtualMachineScaleSetVm) -> Result<Machine> {
    let number = instance.instance_id.ok_or_else(|| unreadable("an instance without a number"))?;
    let properties = instance.properties.unwrap_or_default();
    let mut labels = tags(instance.resource.tags);
    labels.extend(zone(instance.zones));
    let protection = properties.protection_policy.and_then(|policy| {
        if policy.protect_from_scale_set_actions == Some(true) {
            Some("protected from scale-set actions")
        } else {
            (policy.protect_from_scale_in == Some(true)).then_some("protected from scale-in")
        }
    });
    let read = Machine {
        place: Place::Instance { set: set.clone(), number },
        location: instance.resource.location,
        unique_id: properties.vm_id,
        labels,
        provisioning: properties.provisioning_state.unwrap_or_default(),
        view: View::default(),
        has_ephemeral_disk: has_ephemeral_disk(properties.storage_profile.as_ref()),
        // Said of the whole set.
        is_spot: false,
        system: system(properties.storage_profile),
        availability_set: None,
        protection,
        interfaces: interfaces(properties.network_profile),
    };
    Ok(match properties.instance_view {
        Some(view) => read.seen(instance_view(view)),
        None => read,
    })
}

/// The place of a machine, and what was seen of it.
pub(super) fn status(machine: models::VirtualMachine) -> Result<(SetPath, View)> {
    let path = SetPath::of(&id(&machine.resource)?);
    let view = machine.properties.and_then(|properties| properties.instance_view);
    Ok((path, view.map(machine_view).unwrap_or_default()))
}

fn machine_view(view: models::VirtualMachineInstanceView) -> View {
    View {
        power: power(&view.statuses),
        fault_domain: view.platform_fault_domain,
        update_domain: view.platform_update_domain,
        is_agent_ready: is_ready(view.vm_agent),
        is_application_unhealthy: is_unhealthy(view.vm_health),
        is_in_standby_pool: view.is_vm_in_standby_pool == Some(true),
    }
}

fn instance_view(view: models::VirtualMachineScaleSetVmInstanceView) -> View {
    View {
        power: power(&view.statuses),
        fault_domain: view.platform_fault_domain,
        update_domain: view.platform_update_domain,
        is_agent_ready: is_ready(view.vm_agent),
        is_application_unhealthy: is_unhealthy(view.vm_health),
        is_in_standby_pool: false,
    }
}

fn power(statuses: &[models::InstanceViewStatus]) -> Option<Power> {
    statuses.iter().filter_map(|status| status.code.as_deref()).find_map(Power::of)
}

fn is_ready(agent: Option<models::VirtualMachineAgentInstanceView>) -> bool {
    let statuses = agent.map(|agent| agent.statuses).unwrap_or_default();
    statuses.iter().any(|status| {
        status.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("ProvisioningState/succeeded"))
    })
}

fn is_unhealthy(health: Option<models::VirtualMachineHealthStatus>) -> bool {
    let code = health.and_then(|health| health.status).and_then(|status| status.code);
    code.is_some_and(|code| code.eq_ignore_ascii_case("HealthState/unhealthy"))
}

fn has_ephemeral_disk(storage: Option<&models::StorageProfile>) -> bool {
    let settings = storage.and_then(|storage| storage.os_disk.as_ref()?.diff_disk_settings.as_ref());
    settings.is_some_and(|settings| settings.option.is_some())
}

fn is_spot(priority: Option<&models::Priority>) -> bool {
    matches!(priority, Some(models::Priority::Spot | models::Priority::Low))
}

fn system(storage: Option<models::StorageProfile>) -> Option<System> {
    let system = storage.and_then(|storage| storage.os_disk).and_then(|disk| disk.os_type)?;
    Some(match system {
        models::os_disk::OsType::Linux => System::Linux,
        models::os_disk::OsType::Windows => System::Windows,
    })
}

fn interfaces(profile: Option<models::NetworkProfile>) -> Vec<String> {
    let references = profile.map(|profile| profile.network_interfaces).unwrap_or_default();
    references.into_iter().filter_map(|reference| reference.sub_resource.id).collect()
}

fn zone(zones: Vec<String>) -> Option<(String, String)> {
    zones.into_iter().next().map(|zone| (AVAILABILITY_ZONE_LABEL.to_owned(), zone))
}

/// ARM finds a tag by its key in whichever case, so that a refusal counts however it is written.
fn tags(tags: Option<serde_json::Value>) -> Labels {
    let Some(serde_json::Value::Object(tags)) = tags else { return Labels::new() };
    tags.into_iter()
        .map(|(key, value)| {
            let key = if key.eq_ignore_ascii_case(ENABLED_TAG) { ENABLED_TAG.to_owned() } else { key };
            (key, value.as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

fn sub_resource(resource: models::SubResource) -> Result<Option<ResourceId>> {
    resource.id.as_deref().map(listed_id).transpose()
}

fn id(resource: &models::Resource) -> Result<ResourceId> {
    listed_id(resource.id.as_deref().ok_or_else(|| unreadable("a resource without an id"))?)
}

fn listed_id(id: &str) -> Result<ResourceId> {
    ResourceId::parse(id).map_err(|error| unreadable("an id that is none").caused_by(error))
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the listing holds {what}"))
}
