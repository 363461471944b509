use crate::{
    group::{GroupId, Health, Member, TargetId},
    plan::Reason,
    provider::PermittedGroup,
};

/// A member must belong to its group, must not be excluded by its provider, must be neither denied nor unwilling, and
/// must be healthy in the group's listing.
pub(crate) fn may_be_hit(group: &PermittedGroup<'_>, member: &Member) -> Result<(), Reason> {
    let id = group.id();
    if !is_below(id, member.target.id()) {
        // Limits are counted by group. A member with the id of another group would not count.
        return Err(Reason::excluded(format!("its id does not begin with the id of its group, {id}")));
    }
    if let Some(reason) = excluded(member) {
        return Err(reason);
    }
    group.permits(member.target.as_ref())?;
    is_healthy(member.health)
}

/// A target must be healthy.
pub(crate) fn is_healthy(health: Health) -> Result<(), Reason> {
    if health == Health::Healthy { Ok(()) } else { Err(Reason::NotHealthy { health }) }
}

/// Whether the id of `target` is that of `group`, a slash and a name.
pub(crate) fn is_below(group: &GroupId, target: &TargetId) -> bool {
    let name = target.as_str().strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| !name.contains('/'))
}

/// The reason why a member must not be chosen, regardless of its health.
fn excluded(member: &Member) -> Option<Reason> {
    let out_of_service = member.out_of_service.as_ref().map(|why| format!("out of service: {why}"));
    member.excluded.as_ref().map(ToString::to_string).or(out_of_service).map(Reason::excluded)
}
