//! Converts ARM's description of a set and its machines to the data that a plan needs.

use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Health, Result, Target, TargetId,
    capability::Capabilities,
    group::{Labels, Member},
};

use crate::{
    capability::{means::Means, target::MachineTarget},
    discovery::selection::Selection,
    model::{machine::Machine, place::is_number, set_path::SetPath},
};

/// A set, as it was listed.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) path: SetPath,
    pub(crate) tags: Labels,
    /// The desired number of machines, including deallocated ones; `None` if none is set.
    pub(crate) desired: Option<usize>,
    pub(crate) replaces_members: bool,
    pub(crate) replaces_stopped: bool,
    /// The reason why none of its machines may be chosen.
    pub(crate) excluded: Option<&'static str>,
    /// The missing required data: none of its machines is chosen, and nothing is concluded from it.
    pub(crate) doubt: Option<String>,
    /// Whether a name may be a number, as with the instances of a uniform scale set. In other scale sets, such a name
    /// would be mistaken for one of these when a target is found again.
    pub(crate) has_numbers_for_names: bool,
}

/// Checks that all required data of a set and its machines is known, as a look at their recovery needs it.
///
/// # Errors
/// The missing data.
pub(crate) fn certain(set: &Set, machines: &[Machine]) -> Result<()> {
    let error =
        |why: &str| Error::new(ErrorKind::Unavailable, format!("the answer of Azure is incomplete: {why}"));
    if let Some(why) = &set.doubt {
        return Err(error(why).with("set", &set.path.name));
    }
    let doubtful = machines.iter().find_map(|machine| Some((machine, machine.doubt.as_deref()?)));
    doubtful.map_or(Ok(()), |(machine, why)| Err(error(why).with("machine", &machine.place)))
}

/// A set of which only the existence is known.
#[derive(Debug)]
struct Unreadable {
    id: TargetId,
    labels: Labels,
}

#[async_trait]
impl Target for Unreadable {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Unknown)
    }
}

/// Stands in a listing for a set whose id cannot be used, so that this set is visible and left alone, and the others
/// are not affected.
pub(crate) fn unreadable(scheme: &str, subscription: &str, id: &str) -> Result<Group> {
    let segments: Vec<&str> = id.split('/').collect();
    let part = |index: usize| segments.get(index).copied().unwrap_or_default();
    let shown = |text: &str| -> String {
        let shown = text.chars().take(90).flat_map(char::to_lowercase);
        shown.map(|character| if character.is_control() { '?' } else { character }).collect()
    };
    let path = format!("{subscription}/{}/{}", shown(part(4)), shown(part(segments.len().saturating_sub(1))));
    let group = GroupId::new(scheme, &path)?;
    let target = Unreadable { id: group.target("unreadable")?, labels: Labels::new() };
    let why = format!("Azure gives the set the id {id:?}, which this program cannot read");
    let member = Member::new(Arc::new(target) as Arc<dyn Target>, Health::Unknown).excluded(why);
    Ok(Group::new(group).members([member]))
}

/// A group of these machines.
pub(crate) fn group(
    scheme: &str,
    set: Set,
    machines: &[Machine],
    selection: &Selection,
    means: &Means,
) -> Result<Group> {
    let id = set.path.group_id(scheme)?;
    let mut members = Vec::with_capacity(machines.len());
    for machine in machines {
        let why = set
            .doubt
            .clone()
            .or_else(|| machine.doubt.clone())
            .or_else(|| set.excluded.map(str::to_owned))
            .or_else(|| misleading(machine, &set))
            .or_else(|| machine.unfit().filter(|_| !machine.is_out_of_service()))
            .or_else(|| own(machine, means))
            .or_else(|| protected(machine, selection))
            .or_else(|| selection.groups.refusal(&[("set", &set.tags), ("machine", &machine.labels)]));
        let target = MachineTarget::new(id.target(machine.place.name())?, machine, means);
        let target: Arc<dyn Target> = Arc::new(target);
        let mut member = Member::new(target, machine.health());
        // Names are reused; this id is not.
        if let Some(unique) = &machine.unique_id {
            member = member.incarnation(unique.as_str());
        }
        member.began_at = machine.created_at;
        if let Some(why) = why {
            member = member.excluded(why);
        }
        if let Some(why) = machine.unfit().filter(|_| machine.is_out_of_service()) {
            member = member.out_of_service(why);
        }
        members.push(member);
    }
    let mut group = Group::new(id).labels(set.tags).members(members);
    if let Some(desired) = set.desired {
        let deallocated = machines.iter().filter(|machine| machine.is_deallocated()).count();
        group = group.desired(desired.saturating_sub(deallocated));
    }
    Ok(group.replaces_members(set.replaces_members).replaces_stopped(set.replaces_stopped))
}

fn protected(machine: &Machine, selection: &Selection) -> Option<String> {
    machine.protection.filter(|_| !selection.protected_too).map(str::to_owned)
}

/// A program that ends its own machine leaves the recovery to a replay of its journal.
fn own(machine: &Machine, means: &Means) -> Option<String> {
    let unique = machine.unique_id.as_deref()?;
    let is_own = means.own_machine.as_ref().is_some_and(|own| own.is(unique));
    is_own.then(|| "this program runs on it; allow it with `include_own_machine`".to_owned())
}

fn misleading(machine: &Machine, set: &Set) -> Option<String> {
    let is_misleading = !set.has_numbers_for_names && is_number(machine.place.name());
    is_misleading.then(|| "its name is a number, like that of an instance of a uniform scale set".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{machine::example, place::Place};

    #[test]
    fn a_number_is_a_name_of_instances_alone() {
        let path = SetPath {
            subscription: "11111111-1111-4111-8111-111111111111".to_owned(),
            resource_group: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let set = |has_numbers_for_names| Set {
            path: path.clone(),
            tags: Labels::new(),
            desired: Some(1),
            replaces_members: false,
            replaces_stopped: false,
            excluded: None,
            doubt: None,
            has_numbers_for_names,
        };
        let mut machine = example(None, "Succeeded");
        assert_eq!(misleading(&machine, &set(false)), None);
        machine.place = Place::of_member(path.clone(), "7".to_owned());
        assert_eq!(misleading(&machine, &set(true)), None);
        assert!(misleading(&machine, &set(false)).unwrap().contains("its name is a number"));
    }
}
