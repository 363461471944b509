//! Converts the SDK's models to the data that this crate needs.

use azure_mgmt_compute::package_2024_07_01::models::{self, automatic_repairs_policy};
use chaos_core::{Error, ErrorKind, Result, group::Labels, jiff::Timestamp, listing::ENABLED_TAG};

use super::sets::{AvailabilitySet, Entry, Listed, Orchestration, ScaleSet};
use crate::model::{
    machine::{AVAILABILITY_ZONE_LABEL, Machine, Power, System, View},
    place::Place,
    resource_id::ResourceId,
    set_path::SetPath,
};

pub(super) fn availability_set(set: models::AvailabilitySet) -> Result<AvailabilitySet> {
    let id = id(&set.resource)?;
    let mut doubts = Doubts::default();
    let tags = doubts.of(tags(set.resource.tags));
    Ok(AvailabilitySet { path: SetPath::of(&id), tags, doubt: doubts.first() })
}

/// A resource as listed. An unreadable id does not affect the others.
pub(super) fn listed_availability_set(set: models::AvailabilitySet) -> Result<Listed<AvailabilitySet>> {
    listed(set.resource.id.clone(), || availability_set(set))
}

pub(super) fn listed_scale_set(set: models::VirtualMachineScaleSet) -> Result<Listed<ScaleSet>> {
    listed(set.resource.id.clone(), || scale_set(set))
}

fn listed<T>(id: Option<String>, read: impl FnOnce() -> Result<T>) -> Result<Listed<T>> {
    let id = id.ok_or_else(|| unreadable("a resource without an id"))?;
    if ResourceId::parse(&id).is_err() {
        return Ok(Listed::Unreadable(id));
    }
    read().map(Listed::Read)
}

pub(super) fn scale_set(set: models::VirtualMachineScaleSet) -> Result<ScaleSet> {
    let id = id(&set.resource)?;
    let mut doubts = Doubts::default();
    let properties = doubts.of(set.properties.ok_or_else(|| untold("anything of the scale set")));
    let orchestration = match properties.orchestration_mode {
        Some(models::OrchestrationMode::Flexible) => Orchestration::Flexible,
        // The default, from a time without a choice.
        Some(models::OrchestrationMode::Uniform) | None => Orchestration::Uniform,
        Some(models::OrchestrationMode::UnknownValue(mode)) => {
            doubts.add(format!("this version does not know its orchestration mode {mode:?}"));
            Orchestration::Uniform
        }
    };
    let capacity = set.sku.and_then(|sku| sku.capacity).and_then(|capacity| usize::try_from(capacity).ok());
    let capacity = doubts.of(capacity.ok_or_else(|| untold("the capacity of its scale set")));
    let state = doubts.of(properties.provisioning_state.ok_or_else(|| untold("the state of its scale set")));
    let repairs = properties.automatic_repairs_policy.filter(|policy| policy.enabled == Some(true));
    let tags = doubts.of(tags(set.resource.tags));
    Ok(ScaleSet {
        path: SetPath::of(&id),
        is_being_deleted: state.eq_ignore_ascii_case("Deleting"),
        id,
        tags,
        orchestration,
        capacity,
        is_spot: is_spot(
            properties.virtual_machine_profile.as_ref().and_then(|profile| profile.priority.as_ref()),
        ),
        replaces_the_unwell: repairs.is_some_and(|policy| {
            matches!(policy.repair_action, None | Some(automatic_repairs_policy::RepairAction::Replace))
        }),
        doubt: doubts.first(),
    })
}

/// The machines of availability sets in a listing of all machines.
///
/// # Errors
/// If a machine with an unreadable part may belong to any of them.
pub(super) fn entry(found: models::VirtualMachine) -> Result<Entry> {
    let properties = found.properties.as_ref().ok_or_else(|| unreadable("a machine without properties"))?;
    let Some(set) = properties.availability_set.clone() else { return Ok(Entry::OfNone) };
    let set = set.id.ok_or_else(|| unreadable("a machine of an availability set without an id"))?;
    // A set with an unreadable id is already in doubt.
    let Ok(set) = ResourceId::parse(&set) else { return Ok(Entry::OfNone) };
    Ok(match machine(found) {
        Ok(machine) => Entry::Machine(Box::new(machine)),
        Err(error) => Entry::Unreadable { set: SetPath::of(&set), why: error.to_string() },
    })
}

pub(super) fn machine(machine: models::VirtualMachine) -> Result<Machine> {
    let id = id(&machine.resource)?;
    let properties = machine.properties.ok_or_else(|| unreadable("a machine without properties"))?;
    let SetPath { subscription, resource_group, name } = SetPath::of(&id);
    let mut doubts = Doubts::default();
    let mut labels = doubts.of(tags(machine.resource.tags));
    labels.extend(zone(machine.zones));
    let read = Machine {
        place: Place::Machine { subscription, resource_group, name },
        location: machine.resource.location,
        unique_id: unique(properties.vm_id, &mut doubts),
        created_at: properties.time_created.and_then(|at| Timestamp::from_second(at.unix_timestamp()).ok()),
        labels,
        provisioning: doubts
            .of(properties.provisioning_state.ok_or_else(|| untold("its provisioning state"))),
        view: View::default(),
        has_ephemeral_disk: has_ephemeral_disk(properties.storage_profile.as_ref()),
        is_spot: is_spot(properties.priority.as_ref()),
        system: system(properties.storage_profile),
        availability_set: properties.availability_set.map(sub_resource).transpose()?.flatten(),
        protection: None,
        interfaces: doubts.of(interfaces(properties.network_profile)),
        doubt: doubts.first(),
    };
    Ok(match properties.instance_view {
        Some(view) => read.seen(machine_view(view)),
        None => read,
    })
}

pub(super) fn instance(set: &SetPath, instance: models::VirtualMachineScaleSetVm) -> Result<Machine> {
    let number = instance.instance_id.ok_or_else(|| unreadable("an instance without a number"))?;
    let properties = instance.properties.ok_or_else(|| unreadable("an instance without properties"))?;
    let mut doubts = Doubts::default();
    let mut labels = doubts.of(tags(instance.resource.tags));
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
        unique_id: unique(properties.vm_id, &mut doubts),
        created_at: properties.time_created.and_then(|at| Timestamp::from_second(at.unix_timestamp()).ok()),
        labels,
        provisioning: doubts
            .of(properties.provisioning_state.ok_or_else(|| untold("its provisioning state"))),
        view: View::default(),
        has_ephemeral_disk: has_ephemeral_disk(properties.storage_profile.as_ref()),
        // Known from the whole set.
        is_spot: false,
        system: system(properties.storage_profile),
        availability_set: None,
        protection,
        interfaces: doubts.of(interfaces(properties.network_profile)),
        doubt: doubts.first(),
    };
    Ok(match properties.instance_view {
        Some(view) => read.seen(instance_view(view)),
        None => read,
    })
}

/// The place of a machine, and its instance view; `None` if its id cannot be read. Then another listing puts its set in
/// doubt.
pub(super) fn status(machine: models::VirtualMachine) -> Result<Option<(SetPath, View)>> {
    let id = machine.resource.id.as_deref().ok_or_else(|| unreadable("a resource without an id"))?;
    let Ok(id) = ResourceId::parse(id) else { return Ok(None) };
    let view = machine.properties.and_then(|properties| properties.instance_view);
    Ok(Some((SetPath::of(&id), view.map(machine_view).unwrap_or_default())))
}

/// A required field that an answer lacks, or that cannot be read.
#[derive(Default)]
struct Doubts(Vec<String>);

impl Doubts {
    fn of<T: Default>(&mut self, read: Result<T, String>) -> T {
        read.unwrap_or_else(|why| {
            self.add(why);
            T::default()
        })
    }

    fn add(&mut self, why: String) {
        self.0.push(why);
    }

    fn first(self) -> Option<String> {
        self.0.into_iter().next()
    }
}

fn untold(what: &str) -> String {
    format!("Azure does not report {what}")
}

/// In lower case: Azure writes it in either.
fn unique(vm_id: Option<String>, doubts: &mut Doubts) -> Option<String> {
    let unique = doubts.of(vm_id.filter(|id| !id.is_empty()).ok_or_else(|| untold("its vmId")));
    (!unique.is_empty()).then(|| unique.to_lowercase())
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

/// No interfaces and no answer about interfaces look the same; only an isolation needs any.
fn interfaces(profile: Option<models::NetworkProfile>) -> Result<Vec<String>, String> {
    let references = profile.map(|profile| profile.network_interfaces).unwrap_or_default();
    let ids = references.into_iter().map(|reference| reference.sub_resource.id);
    ids.collect::<Option<_>>().ok_or_else(|| untold("its network interfaces"))
}

fn zone(zones: Vec<String>) -> Option<(String, String)> {
    zones.into_iter().next().map(|zone| (AVAILABILITY_ZONE_LABEL.to_owned(), zone))
}

/// ARM ignores the case of a tag's key, so a refusal counts in any spelling. A resource without tags may lack the field
/// altogether.
fn tags(tags: Option<serde_json::Value>) -> Result<Labels, String> {
    use serde_json::Value;
    let tags = match tags {
        None | Some(Value::Null) => return Ok(Labels::new()),
        Some(Value::Object(tags)) => tags,
        Some(_) => return Err("its tags cannot be read".to_owned()),
    };
    tags.into_iter()
        .map(|(key, value)| {
            let Value::String(value) = value else { return Err(format!("its tag {key:?} cannot be read")) };
            let key = if key.eq_ignore_ascii_case(ENABLED_TAG) { ENABLED_TAG.to_owned() } else { key };
            Ok((key, value))
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
    ResourceId::parse(id).map_err(|error| unreadable("an invalid id").caused_by(error))
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("an answer of Azure holds {what}"))
}
