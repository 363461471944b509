//! The appearance of a group.

use std::{collections::BTreeMap, sync::Arc};

use chaos_core::{Group, Health, Provider, Result, TargetId, group::Labels, provider::GroupFilter};
use futures_util::StreamExt;

pub(in crate::contract) async fn list(
    provider: &(impl Provider + ?Sized),
    filter: &GroupFilter,
) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    let mut stream = provider.groups(filter);
    while let Some(group) = stream.next().await {
        groups.push(group?);
    }
    Ok(groups)
}

/// The properties of a group that must not depend on the way in which it was looked at.
#[derive(Debug, PartialEq)]
pub(in crate::contract) struct Face {
    pub(in crate::contract) labels: Labels,
    pub(in crate::contract) desired: usize,
    pub(in crate::contract) replaces_members: bool,
    pub(in crate::contract) replaces_stopped: bool,
    pub(in crate::contract) is_deploying: bool,
    pub(in crate::contract) members: BTreeMap<TargetId, MemberFace>,
}

#[derive(Debug, PartialEq)]
pub(in crate::contract) struct MemberFace {
    pub(in crate::contract) health: Health,
    pub(in crate::contract) incarnation: Option<Arc<str>>,
    pub(in crate::contract) has_age: bool,
    pub(in crate::contract) excluded: Option<Arc<str>>,
    pub(in crate::contract) out_of_service: Option<Arc<str>>,
    pub(in crate::contract) weight: u32,
}

pub(in crate::contract) fn face(group: &Group) -> Face {
    let members = group.members.iter().map(|member| {
        let face = MemberFace {
            health: member.health,
            incarnation: member.incarnation.clone(),
            has_age: member.began_at.is_some(),
            excluded: member.excluded.clone(),
            out_of_service: member.out_of_service.clone(),
            weight: member.weight,
        };
        (member.target.id().clone(), face)
    });
    Face {
        labels: group.labels.clone(),
        desired: group.desired,
        replaces_members: group.replaces_members,
        replaces_stopped: group.replaces_stopped,
        is_deploying: group.deployment.is_some(),
        members: members.collect(),
    }
}
