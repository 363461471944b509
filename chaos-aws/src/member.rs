//! From what the API says of a group to what a plan needs to know.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use chaos_core::{Error, ErrorKind, Group, Labels, Member, Result, Target};

use crate::{
    group_path::{GroupPath, is_account},
    machine::{Machine, Membership, health},
    regions::Region,
    selection::Selection,
    target::{InstanceTarget, Means},
};

/// The label of a group that holds how many members it has at least.
pub const MIN_SIZE_LABEL: &str = "aws:autoscaling:min-size";
/// The label of a group that holds how many members it has at most.
pub const MAX_SIZE_LABEL: &str = "aws:autoscaling:max-size";

/// What takes a member's place takes all of these.
const REPLACEMENT: [&str; 4] = ["HealthCheck", "Launch", "ReplaceUnhealthy", "Terminate"];

/// The instances of some groups, as EC2 knows them.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) machines: BTreeMap<String, Arc<Machine>>,
    /// The spot instances that are about to be interrupted.
    pub(crate) interrupted: BTreeSet<String>,
}

/// A group as it was listed, with what is known of its members.
pub(crate) fn group(
    region: &Arc<Region>,
    group: &AutoScalingGroup,
    seen: &Seen,
    selection: &Selection,
    means: &Means,
) -> Result<Group> {
    let name = name(group, region.name())?;
    let account =
        account(group).ok_or_else(|| unreadable("a group that says nothing of its account", region))?;
    let id = GroupPath { account, region: region.name(), name: name.to_owned() }.id()?;
    let mut labels = tags(group);
    let instances = group.instances();
    let suspended = group.suspended_processes().iter().filter_map(|process| process.process_name());
    let is_replacing =
        group.status().is_none() && !suspended.into_iter().any(|name| REPLACEMENT.contains(&name));
    let mut members = Vec::with_capacity(instances.len());
    for instance in instances {
        let instance_id =
            instance.instance_id().ok_or_else(|| unreadable("a member without an id", region))?;
        let machine = seen.machines.get(instance_id).map(Arc::as_ref);
        let instance_labels = machine.map(|machine| machine.labels.clone()).unwrap_or_default();
        let membership = Membership::of(instance);
        let why = group
            .status()
            .map(|status| format!("its group is being deleted ({status})"))
            .or_else(|| own(instance_id, means))
            .or_else(|| protected(instance, selection))
            .or_else(|| interrupted(instance_id, seen))
            .or_else(|| selection.consent.refusal(&[("group", &labels), ("instance", &instance_labels)]));
        let target = InstanceTarget::new(id.target(instance_id)?, Arc::clone(region), machine, means.clone());
        let target: Arc<dyn Target> = Arc::new(target);
        let mut member = Member::new(target, health(machine, Some(membership))).weight(weight(instance));
        if let Some(why) = out_of_service(membership) {
            member = member.out_of_service(why);
        }
        if let Some(why) = why {
            member = member.excluded(why);
        }
        members.push(member);
    }
    let sizes = [(MIN_SIZE_LABEL, group.min_size()), (MAX_SIZE_LABEL, group.max_size())];
    labels.extend(sizes.into_iter().filter_map(|(key, size)| Some((key.to_owned(), size?.to_string()))));
    // The check of EC2's own status is never left out: it takes a stopped instance for unhealthy.
    let told = Group::new(id).labels(labels).desired(desired(group)).members(members);
    Ok(told.replaces_members(is_replacing).replaces_stopped(is_replacing))
}

/// From its ARN: `arn:aws:autoscaling:<region>:<account>:autoScalingGroup:…`.
fn account(group: &AutoScalingGroup) -> Option<&str> {
    group.auto_scaling_group_arn()?.split(':').nth(4).filter(|account| is_account(account))
}

pub(crate) fn name<'a>(group: &'a AutoScalingGroup, region: &str) -> Result<&'a str> {
    group.auto_scaling_group_name().ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "the listing holds a group without a name").with("region", region)
    })
}

pub(crate) fn tags(group: &AutoScalingGroup) -> Labels {
    let tags = group.tags().iter();
    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

fn unreadable(what: &'static str, region: &Region) -> Error {
    let message = format!("the listing holds {what}");
    Error::new(ErrorKind::Unavailable, message).with("region", region.name())
}

/// How many members a group is to have in service; where they have weights, how much capacity, which the service tells in their unit.
fn desired(group: &AutoScalingGroup) -> usize {
    usize::try_from(group.desired_capacity().unwrap_or_default()).unwrap_or_default()
}

fn weight(instance: &Instance) -> u32 {
    instance.weighted_capacity().and_then(|weight| weight.parse().ok()).unwrap_or(1)
}

/// Whoever ends the machine that they run on leaves the rest to whoever replays their journal.
fn own(instance: &str, means: &Means) -> Option<String> {
    let is_own = means.own_instance.as_deref() == Some(instance);
    is_own.then(|| "this program runs on it; allow it with `include_own_instance`".to_owned())
}

/// Why a member gives no service, on purpose: a group that finds one unwell replaces it.
fn out_of_service(membership: Membership<'_>) -> Option<String> {
    if membership.is_in_service() {
        return None;
    }
    let state = membership.state;
    let what = match state {
        _ if state.starts_with("Warmed:") => "in the warm pool",
        "Standby" | "EnteringStandby" => "in standby",
        _ if state.ends_with(":Wait") || state.ends_with(":Proceed") => "a lifecycle hook is under way",
        "Pending" => "not in service yet",
        _ => "leaving its group, or not in service",
    };
    Some(format!("{what} ({state})"))
}

fn protected(instance: &Instance, selection: &Selection) -> Option<String> {
    let is_protected = instance.protected_from_scale_in() == Some(true) && !selection.protected_too;
    is_protected.then(|| "protected from scale-in".to_owned())
}

fn interrupted(instance: &str, seen: &Seen) -> Option<String> {
    seen.interrupted.contains(instance).then(|| "the interruption of its spot instance is pending".to_owned())
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
            ("Pending:Wait", "a lifecycle hook is under way (Pending:Wait)"),
            ("Terminating:Wait", "a lifecycle hook is under way (Terminating:Wait)"),
            ("Pending", "not in service yet (Pending)"),
            ("Detaching", "leaving its group, or not in service (Detaching)"),
            ("unknown", "leaving its group, or not in service (unknown)"),
        ] {
            assert_eq!(why(state).as_deref(), Some(expected));
        }
    }

    #[test]
    fn weights_are_those_of_the_group_and_one_where_it_has_none() {
        let weighing = |weight: &str| weight_of(Instance::builder().weighted_capacity(weight).build());
        fn weight_of(instance: Instance) -> u32 {
            weight(&instance)
        }
        assert_eq!([weighing("4"), weighing("none"), weight_of(Instance::builder().build())], [4, 1, 1]);
        let group = AutoScalingGroup::builder().desired_capacity(12).build();
        assert_eq!(desired(&group), 12, "in the unit of the weights");
    }
}
