use std::{collections::BTreeSet, sync::Arc};

use chaos_azure::{StopMode, resource_id_of, resource_id_of_group};
use chaos_core::{Group, Provider, Result, TargetId, provider::GroupFilter};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{
    account::{MACHINES, SCALE_SETS, ids},
    criteria::fits,
};
use crate::functions::{
    call::Call,
    choice::{Amount, Share, Wanted, refused},
    function::{EventKind, TargetKind},
};

type Targets = (Vec<Arc<dyn Provider>>, Vec<Share>);

/// The machines that a function asks for.
///
/// # Errors
/// `Refused` if not all that were asked for can be hit; and if nobody could look.
pub(in crate::functions) async fn targets(
    call: &Call,
    event: EventKind,
    of: TargetKind,
    draw: u64,
) -> Result<Targets> {
    let mode = if event == EventKind::Deallocate { StopMode::Deallocate } else { StopMode::Orderly };
    if of == TargetKind::ScaleSets {
        of_scale_sets(call, mode, draw).await
    } else {
        of_machines(call, mode, draw).await
    }
}

async fn of_machines(call: &Call, mode: StopMode, draw: u64) -> Result<Targets> {
    let machines: BTreeSet<String> = ids(&call.found(MACHINES).await?).collect();
    if machines.is_empty() {
        return Err(refused("nobody was hit: no virtual machine passes the filter".to_owned()));
    }
    let groups = resource_groups(&machines);
    let sets = groups.iter().fold(call.availability_sets()?, |builder, group| builder.resource_group(*group));
    // Machines of a flexible scale set are virtual machines as well.
    let scale_sets = groups.iter().fold(call.scale_sets()?, |builder, group| builder.resource_group(*group));
    let providers: Vec<Arc<dyn Provider>> =
        vec![Arc::new(sets.stop_mode(mode).build()?), Arc::new(scale_sets.stop_mode(mode).build()?)];
    let mut found: Vec<Group> = Vec::new();
    for provider in &providers {
        found.extend(listed(provider).await?);
    }
    let wanted = Wanted { zone: None, machines: Some(machines), name_of: &name_of, amount: Amount::All };
    Ok((providers, wanted.shares(&found, draw).map_err(refused)?))
}

async fn of_scale_sets(call: &Call, mode: StopMode, draw: u64) -> Result<Targets> {
    let sets: BTreeSet<String> = ids(&call.found(SCALE_SETS).await?).collect();
    if sets.is_empty() {
        return Err(refused("nobody was hit: no scale set passes the filter".to_owned()));
    }
    let builder = resource_groups(&sets)
        .iter()
        .fold(call.scale_sets()?, |builder, group| builder.resource_group(*group));
    let provider: Arc<dyn Provider> = Arc::new(builder.stop_mode(mode).build()?);
    let id_of = |group: &Group| resource_id_of_group(&group.id).unwrap_or_default().to_lowercase();
    let mut found = listed(&provider).await?;
    found.retain(|group| sets.contains(&id_of(group)));
    if let Some(missing) = sets.iter().find(|set| !found.iter().any(|group| id_of(group) == **set)) {
        return Err(refused(format!("nobody was hit: the scale set {missing} is no longer there")));
    }
    let criteria = call.arguments.get("instance_criteria").and_then(Value::as_array);
    let machines = criteria.map(|criteria| matching(&found, criteria)).transpose().map_err(refused)?;
    let amount = if machines.is_some() { Amount::All } else { Amount::Count(1) };
    let wanted = Wanted { zone: None, machines, name_of: &name_of, amount };
    Ok((vec![provider], wanted.shares(&found, draw).map_err(refused)?))
}

async fn listed(provider: &Arc<dyn Provider>) -> Result<Vec<Group>> {
    let everything = GroupFilter::all();
    provider.groups(&everything).try_collect().await
}

/// The members that fit, with at least one in each scale set.
fn matching(groups: &[Group], criteria: &[Value]) -> Result<BTreeSet<String>, String> {
    let mut machines = BTreeSet::new();
    for group in groups {
        let set = group.id.path().rsplit('/').next().unwrap_or_default();
        let members = group.members.iter().map(|member| member.target.id());
        let fitting = members.filter(|id| fits(criteria, set, id.name()));
        let before = machines.len();
        machines.extend(fitting.map(name_of));
        if machines.len() == before {
            return Err(format!("nobody was hit: no instance of {} fits the criteria", group.id));
        }
    }
    Ok(machines)
}

/// As ARM names it, in lower case. One of another provider has no such name.
fn name_of(id: &TargetId) -> String {
    resource_id_of(id).unwrap_or_default().to_lowercase()
}

/// The resource groups of resources.
fn resource_groups(ids: &BTreeSet<String>) -> BTreeSet<&str> {
    ids.iter().filter_map(|id| id.split('/').nth(4)).collect()
}
