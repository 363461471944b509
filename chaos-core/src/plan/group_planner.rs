use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Decision, GroupPlan, Reason, TargetPlan,
    domain_draw::{DomainHit, keep_one_domain},
    occupancy::Occupancy,
};
use crate::{
    BlastRadius, CapabilitySet, ChaosEvent, ErrorKind, Failure, Group, GroupId, Health, Hold, Member,
    Provider, Target, TargetId, Window, chance::Draw, clock,
};

/// Plans one group, knowing nothing of the others.
#[derive(Debug)]
pub(super) struct GroupPlanner<'a> {
    pub(super) events: &'a [Arc<dyn ChaosEvent>],
    pub(super) blast_radius: &'a BlastRadius,
    pub(super) budget: Duration,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    pub(super) window: Option<Window>,
    pub(super) occupancy: &'a Occupancy,
    pub(super) refused: Option<&'a Reason>,
    /// Where only one target is wanted, this one.
    pub(super) only: Option<&'a TargetId>,
}

/// A chosen target, with all that the injection needs.
#[derive(Clone, Debug)]
pub(crate) struct Victim {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) group: Arc<Group>,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) event: Arc<dyn ChaosEvent>,
    /// How long the event is held.
    pub(crate) hold: Hold,
    /// Not after the provider told of the group.
    pub(crate) planned_at: Timestamp,
    /// The most pending faults in the group, this one included.
    pub(crate) group_active: usize,
    /// The most pending faults over the whole journal, this one included. Known when every group is.
    pub(crate) total_active: usize,
    /// Where fewer victims are wanted than were chosen, those with the lowest numbers stay. Drawn in the victim's own group,
    /// so that who stays does not depend on the order in which groups arrive.
    pub(crate) rank: u64,
    /// Where a run is kept within one failure domain, that of this victim.
    pub(super) domain: Option<DomainHit>,
}

/// An event that may be injected into this group, and what it requires.
struct Usable<'a> {
    event: &'a Arc<dyn ChaosEvent>,
    requires: CapabilitySet,
    hold: Hold,
}

impl Victim {
    /// Those who are first in this order stay.
    pub(super) fn order(&self) -> (Option<(u64, &str)>, u64, &TargetId) {
        let domain = self.domain.as_ref().map(|hit| (hit.rank, &*hit.name));
        (domain, self.rank, self.target.id())
    }
}

impl GroupPlanner<'_> {
    pub(super) fn plan(&self, provider: &Arc<dyn Provider>, mut group: Group) -> (GroupPlan, Vec<Victim>) {
        group.members.sort_unstable_by(|one, other| one.target.id().cmp(other.target.id()));
        let usable = listed_twice(&group).map_or_else(|| self.usable_events(&group), Err);
        let mut eligible = Vec::new();
        let mut sound = 0;
        let mut targets = Vec::with_capacity(group.members.len());
        for (index, member) in group.members.iter().enumerate() {
            let fault = self.occupancy.on_target(member.target.id());
            if member.health == Health::Healthy && fault.is_none() && is_below(&group.id, member.target.id())
            {
                sound += 1;
            }
            let reason = match (fault, &usable) {
                (Some((fault, state)), _) => Reason::UnderFault { fault, state },
                (None, Ok(usable)) => match self.look_at(&group.id, member, usable) {
                    Ok(()) => {
                        eligible.push(index);
                        Reason::NotDrawn
                    }
                    Err(reason) => reason,
                },
                (None, Err(reason)) => reason.clone(),
            };
            targets.push(TargetPlan {
                id: member.target.id().clone(),
                decision: Decision::NotChosen { reason },
            });
        }
        let mut plan = GroupPlan {
            id: group.id.clone(),
            desired: group.desired,
            healthy: group.healthy(),
            reason: usable.as_ref().err().cloned(),
            targets,
        };
        let victims = match usable {
            Ok(usable) => self.draw(provider, group, &usable, eligible, sound, &mut plan),
            Err(_) => Vec::new(),
        };
        (plan, victims)
    }

    /// The events that suit the group and could be undone before the calendar closes.
    fn usable_events(&self, group: &Group) -> Result<Vec<Usable<'_>>, Reason> {
        if let Some(reason) = self.refused {
            return Err(reason.clone());
        }
        let closes = self.window.ok_or(Reason::CalendarClosed)?.closes;
        let mut usable = Vec::with_capacity(self.events.len());
        let mut why = Vec::new();
        let mut too_long = None;
        for event in self.events {
            let hold = event.hold();
            let undone_by = clock::after(self.now, hold.until_deadline().saturating_add(self.budget));
            match event.suits(group) {
                Err(reason) => why.push(format!("{}: {reason}", event.name())),
                Ok(()) if undone_by > closes => too_long = Some(Reason::ClosesTooSoon { closes, undone_by }),
                Ok(()) => usable.push(Usable { event, requires: event.requires(), hold }),
            }
        }
        match (usable.is_empty(), too_long) {
            (false, _) => Ok(usable),
            (true, Some(reason)) => Err(reason),
            (true, None) if why.is_empty() => {
                Err(Reason::Unsuitable { why: "the monkey has no event".to_owned() })
            }
            (true, None) => Err(Reason::Unsuitable { why: why.join("; ") }),
        }
    }

    /// Whether at least one event may be injected into this member.
    fn look_at(&self, group: &GroupId, member: &Member, usable: &[Usable<'_>]) -> Result<(), Reason> {
        if !is_below(group, member.target.id()) {
            // Limits are counted by group: a member that is filed elsewhere would not count.
            let why = format!("its id does not begin with that of its group, {}", group);
            return Err(Reason::Excluded { why });
        }
        if let Some(why) = &member.excluded {
            return Err(Reason::Excluded { why: why.as_ref().to_owned() });
        }
        if member.health != Health::Healthy {
            return Err(Reason::NotHealthy { health: member.health });
        }
        let offered = member.target.capabilities().set();
        let mut nearest: Option<Reason> = None;
        for event in usable {
            match self.fits(member, offered, event) {
                Ok(()) => return Ok(()),
                Err(reason @ Reason::CoolingDown { .. }) => nearest = Some(reason),
                Err(reason) => nearest = nearest.or(Some(reason)),
            }
        }
        Err(nearest.unwrap_or(Reason::NobodyEligible))
    }

    fn fits(&self, member: &Member, offered: CapabilitySet, usable: &Usable<'_>) -> Result<(), Reason> {
        let missing = usable.requires.missing_from(offered);
        if !missing.is_empty() {
            return Err(Reason::LacksCapability { missing });
        }
        match self.occupancy.cooling_until(member.target.id(), usable.event.name()) {
            Some(until) => Err(Reason::CoolingDown { until }),
            None => Ok(()),
        }
    }

    /// Chooses among the eligible within the blast radius, and writes into the plan who and why not more.
    fn draw(
        &self,
        provider: &Arc<dyn Provider>,
        group: Group,
        usable: &[Usable<'_>],
        mut eligible: Vec<usize>,
        sound: usize,
        plan: &mut GroupPlan,
    ) -> Vec<Victim> {
        let present = group.members.len();
        let active = self.occupancy.in_group(&group.id);
        let limit = self.blast_radius.group_limit(group.desired, present);
        let minimum = self.blast_radius.healthy_floor(group.desired, present);
        let spare = sound.saturating_sub(minimum);
        let allowed = limit.saturating_sub(active).min(spare);

        let mut refused = Vec::new();
        if let Some(only) = self.only {
            eligible.retain(|index| group.members[*index].target.id() == only);
        }
        let none_because = if eligible.is_empty() {
            Some(Reason::NobodyEligible)
        } else if active >= limit {
            refused.clone_from(&eligible);
            Some(Reason::GroupLimit { active, limit })
        } else if spare == 0 {
            refused.clone_from(&eligible);
            Some(Reason::TooFewHealthy { left: sound.saturating_sub(1), minimum })
        } else {
            None
        };
        if let Some(reason) = none_because {
            for index in refused {
                plan.targets[index].decision = Decision::NotChosen { reason: reason.clone() };
            }
            plan.reason = Some(reason);
            return Vec::new();
        }

        let domain = match self.blast_radius.domain() {
            None => None,
            Some(domain) => {
                let hit = keep_one_domain(domain, &group, self.occupancy, self.seed, &mut eligible, plan);
                if hit.is_none() {
                    return Vec::new();
                }
                hit
            }
        };
        let mut draw = Draw::for_group(self.seed, group.id.as_str());
        let mut chosen = draw.choose(&mut eligible, allowed).to_vec();
        chosen.sort_unstable();
        let group = Arc::new(group);
        let mut victims = Vec::with_capacity(chosen.len());
        for index in chosen {
            let member = &group.members[index];
            let offered = member.target.capabilities().set();
            let fitting: Vec<&Usable<'_>> =
                usable.iter().filter(|usable| self.fits(member, offered, usable).is_ok()).collect();
            let Some(drawn) = fitting.get(draw.below(fitting.len())) else {
                continue;
            };
            plan.targets[index].decision = Decision::Chosen {
                event: Cow::Borrowed(drawn.event.name()),
                caveat: drawn.event.caveat(&group),
            };
            victims.push(Victim {
                provider: Arc::clone(provider),
                group: Arc::clone(&group),
                target: Arc::clone(&member.target),
                event: Arc::clone(drawn.event),
                hold: drawn.hold,
                planned_at: self.now,
                group_active: active + allowed,
                total_active: 0,
                rank: draw.number(),
                domain: domain.clone(),
            });
        }
        victims
    }
}

/// Why a group whose members are sorted is in doubt: one of them stands there more than once, and counts of it are wrong.
fn listed_twice(group: &Group) -> Option<Reason> {
    let twice = group.members.windows(2).find(|pair| pair[0].target.id() == pair[1].target.id())?;
    let message = format!("the provider listed {} more than once", twice[0].target.id());
    Some(Reason::Doubt { failure: Failure::new(ErrorKind::Other, message) })
}

/// Whether the id of `target` is that of `group`, a slash and a name.
fn is_below(group: &GroupId, target: &TargetId) -> bool {
    let name = target.as_str().strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| !name.contains('/'))
}
