//! Converts the API's description of a group to the data that a plan needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chaos_core::{Group, Result, Target, group::Member};

use crate::{
    capability::target::{InstanceTarget, Means},
    client::regions::Region,
    discovery::selection::Selection,
    model::{
        group_path::GroupPath,
        listed_group::{ListedGroup, ListedMember},
        machine::{GROUP_TAG, Machine, Membership, health},
    },
};

/// The label of a group with its minimum number of members.
pub const MIN_SIZE_LABEL: &str = "aws:autoscaling:min-size";
/// The label of a group with its maximum number of members.
pub const MAX_SIZE_LABEL: &str = "aws:autoscaling:max-size";

/// The instances of some groups, as EC2 knows them.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) machines: BTreeMap<String, Machine>,
    /// The spot instances that are about to be interrupted.
    pub(crate) interrupted: BTreeSet<String>,
}

/// A group as listed, with the known data of its members.
pub(crate) fn group(
    region: &Arc<Region>,
    group: &ListedGroup,
    seen: &Seen,
    selection: &Selection,
    means: &Means,
) -> Result<Group> {
    let path = GroupPath { account: &group.account, region: region.name(), name: group.name.clone() };
    let id = path.id()?;
    let mut members = Vec::with_capacity(group.members.len());
    for listed in &group.members {
        let machine = seen.machines.get(&listed.id);
        let instance_labels = machine.map(|machine| machine.labels.clone()).unwrap_or_default();
        let why = group
            .status
            .as_ref()
            .map(|status| format!("its group is being deleted ({status})"))
            .or_else(|| own(&listed.id, means))
            .or_else(|| protected(listed, selection))
            .or_else(|| interrupted(&listed.id, seen))
            .or_else(|| selection.groups.refusal(&[("group", &group.tags), ("instance", &instance_labels)]))
            .or_else(|| untagged(machine));
        let target = InstanceTarget::new(id.target(&listed.id)?, Arc::clone(region), machine, means.clone());
        let target: Arc<dyn Target> = Arc::new(target);
        let health = health(machine, Some(listed.membership()));
        let mut member = Member::new(target, health).weight(listed.weight);
        if let Some(why) = out_of_service(listed.membership()) {
            member = member.out_of_service(why);
        }
        if let Some(why) = why {
            member = member.excluded(why);
        }
        members.push(member);
    }
    let mut labels = group.tags.clone();
    let sizes = [(MIN_SIZE_LABEL, group.min_size), (MAX_SIZE_LABEL, group.max_size)];
    labels.extend(sizes.map(|(key, size)| (key.to_owned(), size.to_string())));
    // The check of EC2's own status is always active, and considers a stopped instance unhealthy.
    let told = Group::new(id).labels(labels).desired(group.desired).members(members);
    Ok(told.replaces_members(group.is_replacing).replaces_stopped(group.is_replacing))
}

/// A program that ends its own machine leaves the recovery to a replay of its journal.
fn own(instance: &str, means: &Means) -> Option<String> {
    let is_own = means.own_instance.as_deref() == Some(instance);
    is_own.then(|| "this program runs on it; allow it with `include_own_instance`".to_owned())
}

/// The reason why a member is out of service on purpose, if it is. A group replaces an unhealthy member, so that is not
/// such a reason.
fn out_of_service(membership: Membership<'_>) -> Option<String> {
    if membership.is_in_service() {
        return None;
    }
    let state = membership.state;
    let what = match state {
        _ if state.starts_with("Warmed:") => "in the warm pool",
        "Standby" | "EnteringStandby" => "in standby",
        _ if state.ends_with(":Wait") || state.ends_with(":Proceed") => "a lifecycle hook is in progress",
        "Pending" => "not in service yet",
        _ => "leaving its group, or not in service",
    };
    Some(format!("{what} ({state})"))
}

fn protected(member: &ListedMember, selection: &Selection) -> Option<String> {
    (member.is_protected && !selection.protected_too).then(|| "protected from scale-in".to_owned())
}

fn interrupted(instance: &str, seen: &Seen) -> Option<String> {
    seen.interrupted.contains(instance).then(|| "the interruption of its spot instance is pending".to_owned())
}

/// Without its tags, it is unknown whether the instance itself has opted out.
fn untagged(machine: Option<&Machine>) -> Option<String> {
    let is_untold = machine.is_some_and(|machine| !machine.tells_tags());
    is_untold.then(|| format!("EC2 does not list its tags, not even {GROUP_TAG}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_but_in_service_has_its_reason() {
        let why = |state| out_of_service(Membership { state, health: "Healthy" });
        assert_eq!(why("InService"), None);
        for (state, expected) in [
            ("Warmed:Stopped", "in the warm pool (Warmed:Stopped)"),
            ("Warmed:Pending:Wait", "in the warm pool (Warmed:Pending:Wait)"),
            ("Standby", "in standby (Standby)"),
            ("Pending:Wait", "a lifecycle hook is in progress (Pending:Wait)"),
            ("Terminating:Wait", "a lifecycle hook is in progress (Terminating:Wait)"),
            ("Pending", "not in service yet (Pending)"),
            ("Detaching", "leaving its group, or not in service (Detaching)"),
            ("unknown", "leaving its group, or not in service (unknown)"),
        ] {
            assert_eq!(why(state).as_deref(), Some(expected));
        }
    }
}
