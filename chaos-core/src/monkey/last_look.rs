//! The last look before an injection: at the target, its group, and whether the event still suits them.

use std::{future::Future, sync::Arc};

use super::{core::Core, sight::Sight};
use crate::{
    contain::{contained, within},
    error::{Error, ErrorKind, Result},
    event::Scope,
    group::{Group, Health},
    plan::{Reason, Victim, rules},
};

/// The plan may be old by now, so the target must still be healthy, and its group must still bear the loss.
pub(super) async fn look_again(core: &Core, victim: &Victim) -> Result<Arc<Sight>, Reason> {
    let target = victim.target.id();
    let group = limited(core, "the discovery", core.sights.group(victim)).await.map_err(Reason::doubt)??;
    let member = group.member(target).ok_or(Reason::NotHealthy { health: Health::Gone })?;
    rules::may_be_hit(&rules::not_denied(&core.parts.filter, &group)?, member)?;
    rules::not_deploying(&group)?;
    rules::old_enough(member, core.parts.min_age, core.parts.clock.now())?;
    if !Arc::ptr_eq(core.terms.for_group(&group), &victim.terms) {
        // Its limits were counted by the rule that fitted it then.
        let what = "another rule fits the group than when the plan was made";
        return Err(conflict(what, victim));
    }
    // A group may know less about its members than the members themselves.
    let asking = contained("the health check", async { member.target.health().await });
    let health = limited(core, "the health check", asking).await.map_err(Reason::doubt)?;
    rules::is_healthy(health)?;
    let journal = core.journal().map_err(Reason::doubt)?;
    let under_fault = core.sights.under_fault(journal).await.map_err(Reason::doubt)?;
    let sight = core.sights.sight(Arc::clone(&group), under_fault);
    sight.room(&victim.terms.blast_radius).leaves_enough(member)?;
    if let Some(limit) = victim.group_capacity {
        rules::leaves_capacity(sight.capacity_under_fault(victim), member, limit)?;
    }
    if let Some(domain) = core.parts.blast_radius.domain() {
        let hit = rules::domain_of(domain, member)?;
        rules::leaves_another(domain, hit, sight.spares_another(domain, hit))?;
    }
    Ok(sight)
}

/// Repeats the plan's checks of the group, and checks whether the event was prepared for the group as it is now.
pub(super) fn is_still_so(victim: &Victim, prepared: &Group, now: &Group) -> Result<(), Reason> {
    let event = &victim.event;
    rules::suits(event.as_ref(), now).map_err(|why| Reason::Unsuitable { why })?;
    if let Some(member) = now.member(victim.target.id()) {
        rules::offers(member.target.capabilities().set(), event.requires())?;
    }
    let replaces = |group: &Group| (group.replaces_members, group.replaces_stopped);
    let what = if replaces(prepared) != replaces(now) || event.caveat(prepared) != event.caveat(now) {
        "the group no longer replaces its members as it did when the fault was prepared"
    } else {
        return Ok(());
    };
    Err(conflict(what, victim))
}

/// The incarnation of the target, according to `group` and the target itself.
pub(super) async fn incarnation(
    core: &Core,
    victim: &Victim,
    group: &Group,
) -> Result<Option<Arc<str>>, Reason> {
    let member = group.member(victim.target.id());
    let target = member.map_or(&victim.target, |member| &member.target);
    let asking = contained("the look at the target", async { target.incarnation().await });
    let own = limited(core, "the look at the target", asking).await.map_err(Reason::doubt)?;
    match (member.and_then(|member| member.incarnation.clone()), own) {
        (Some(listed), Some(own)) if listed != own => {
            Err(conflict("the target is not the one that its group lists under this name", victim))
        }
        (listed, own) => Ok(listed.or(own)),
    }
}

/// Whether the target is the one that the fault was prepared for.
pub(super) async fn is_still_the_same(
    core: &Core,
    victim: &Victim,
    scope: &Scope,
    now: &Group,
) -> Result<(), Reason> {
    if incarnation(core, victim, now).await?.as_deref() == scope.incarnation() {
        return Ok(());
    }
    Err(conflict(
        "the target was replaced by another one with the same name since the fault was prepared",
        victim,
    ))
}

fn conflict(what: &'static str, victim: &Victim) -> Reason {
    Reason::doubt(Error::new(ErrorKind::Conflict, what).with("target", victim.target.id()))
}

pub(super) async fn limited<T>(
    core: &Core,
    what: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    within(core.parts.clock.as_ref(), core.parts.discovery_limit, what, work).await.and_then(|result| result)
}
