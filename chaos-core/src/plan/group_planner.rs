use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;

use super::{
    Decision, GroupPlan, Reason, TargetPlan,
    domain_draw::{DomainHit, keep_one_domain},
    occupancy::Occupancy,
    rules::{self, Faults, Room},
};
use crate::{
    calendar::Window,
    capability::CapabilitySet,
    chance::Draw,
    event::{ChaosEvent, Hold},
    group::{Group, Member, Target, TargetId},
    monkey::{AllTerms, Parts, Terms},
    provider::{PermittedGroup, Provider},
};

/// Plans one group without knowledge of the others.
#[derive(Debug)]
pub(super) struct GroupPlanner<'a> {
    pub(super) parts: &'a Parts,
    pub(super) all_terms: &'a AllTerms,
    pub(super) events: &'a [Arc<dyn ChaosEvent>],
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    /// Whether the calendar is open, by the position of the terms.
    pub(super) windows: Vec<Result<Window, Reason>>,
    pub(super) occupancy: &'a Occupancy,
    pub(super) refused: Option<&'a Reason>,
    /// The only target that may be chosen, if one was requested.
    pub(super) only: Option<&'a TargetId>,
}

/// A chosen target, with everything that the injection needs.
#[derive(Clone, Debug)]
pub(crate) struct Victim {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) group: Arc<Group>,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) event: Arc<dyn ChaosEvent>,
    /// What applied to the group when it was planned.
    pub(crate) terms: Arc<Terms>,
    /// How long the event is held.
    pub(crate) hold: Hold,
    /// When the group was planned: not after the provider listed it.
    pub(crate) planned_at: Timestamp,
    /// The most pending faults in the group, this one included.
    pub(crate) group_active: usize,
    /// In a group with weights whose limit is a share: the most capacity under faults, this fault included.
    pub(crate) group_capacity: Option<usize>,
    /// The most pending faults over the whole journal, this one included. Known when every group is known.
    pub(crate) total_active: usize,
    /// If more victims were chosen than are wanted, those with the lowest numbers stay. The number is drawn in the
    /// victim's own group, so the choice does not depend on the order in which groups arrive.
    pub(crate) rank: u64,
    /// The failure domain of this victim, if a run is kept within one domain.
    pub(super) domain: Option<DomainHit>,
}

/// A group, planned.
#[derive(Debug)]
pub(super) struct PlannedGroup {
    pub(super) plan: GroupPlan,
    pub(super) victims: Vec<Victim>,
    /// The number of its members that are in service, or would be without a fault.
    pub(super) in_service: usize,
}

/// An event that may be injected into this group, and its requirements.
struct Usable<'a> {
    event: &'a Arc<dyn ChaosEvent>,
    requires: CapabilitySet,
    hold: Hold,
}

impl Victim {
    /// The order in which victims stay: the first ones stay.
    pub(super) fn order(&self) -> (Option<(u64, &str)>, u64, &TargetId) {
        let domain = self.domain.as_ref().map(|hit| (hit.rank, &*hit.name));
        (domain, self.rank, self.target.id())
    }
}

impl GroupPlanner<'_> {
    pub(super) fn plan(&self, provider: &Arc<dyn Provider>, mut group: Group) -> PlannedGroup {
        let terms = self.all_terms.for_group(&group);
        let in_order = group.put_in_order();
        let permitted = in_order.and_then(|()| rules::not_denied(&self.parts.filter, &group));
        let usable = permitted.and_then(|permitted| Ok((permitted, self.usable_events(&group, terms)?)));
        let mut eligible = Vec::new();
        let mut in_service = 0;
        let mut targets = Vec::with_capacity(group.members.len());
        for (index, member) in group.members.iter().enumerate() {
            let fault = self.occupancy.on_target(member.target.id());
            if fault.is_some() || member.out_of_service.is_none() {
                in_service += 1;
            }
            let usable = usable.as_ref().map_err(Reason::clone);
            let fits = rules::free_of_faults(fault)
                .and_then(|()| usable.and_then(|(group, usable)| self.look_at(group, terms, member, usable)));
            let reason = match fits {
                Ok(()) => {
                    eligible.push(index);
                    Reason::NotDrawn
                }
                Err(reason) => reason,
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
        let victims = match usable.map(|(_, usable)| usable) {
            Ok(usable) => self.draw(provider, group, terms, &usable, eligible, &mut plan),
            Err(_) => Vec::new(),
        };
        PlannedGroup { plan, victims, in_service }
    }

    /// The events that suit the group and could be undone before the calendar closes.
    fn usable_events(&self, group: &Group, terms: &Terms) -> Result<Vec<Usable<'_>>, Reason> {
        if let Some(reason) = self.refused {
            return Err(reason.clone());
        }
        rules::not_deploying(group)?;
        let window = self.windows[terms.index].clone()?;
        let mut usable = Vec::with_capacity(self.events.len());
        let mut why = Vec::new();
        let mut too_long = None;
        // An order by hand names its event, whatever would be drawn.
        for event in self.events.iter().filter(|event| self.only.is_some() || terms.has_event(event.as_ref()))
        {
            let hold = event.hold();
            if let Err(against) = rules::suits(event.as_ref(), group) {
                // One event may be present twice, with different magnitudes.
                if !why.contains(&against) {
                    why.push(against);
                }
                continue;
            }
            match rules::undone_by(window, self.now, hold.until_deadline(), self.parts.retry.budget) {
                Err(reason) => too_long = Some(reason),
                Ok(_) => usable.push(Usable { event, requires: event.requires(), hold }),
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
    fn look_at(
        &self,
        group: &PermittedGroup<'_>,
        terms: &Terms,
        member: &Member,
        usable: &[Usable<'_>],
    ) -> Result<(), Reason> {
        rules::may_be_hit(group, member)?;
        rules::old_enough(member, self.parts.min_age, self.now)?;
        let offered = member.target.capabilities().set();
        let mut nearest: Option<Reason> = None;
        for event in usable {
            match self.fits(terms, member, offered, event) {
                Ok(()) => return Ok(()),
                Err(reason @ Reason::CoolingDown { .. }) => nearest = Some(reason),
                Err(reason) => nearest = nearest.or(Some(reason)),
            }
        }
        Err(nearest.unwrap_or(Reason::NobodyEligible))
    }

    fn fits(
        &self,
        terms: &Terms,
        member: &Member,
        offered: CapabilitySet,
        usable: &Usable<'_>,
    ) -> Result<(), Reason> {
        rules::offers(offered, usable.requires)?;
        let (target, event) = (member.target.id(), usable.event.name());
        self.occupancy.cooled_down(target, event, terms.cool_down, self.now)
    }

    /// The part of the group that may still be hit.
    fn room(&self, group: &Group, terms: &Terms) -> Room {
        let unseen = self.occupancy.in_group(&group.id).saturating_sub(self.occupancy.on_members(group));
        let somewhere = self.occupancy.somewhere();
        let faults = Faults { elsewhere: unseen.saturating_sub(somewhere), somewhere };
        let is_under_fault = |member: &Member| self.occupancy.on_target(member.target.id()).is_some();
        let is_sound = |member: &Member| rules::is_below(&group.id, member.target.id());
        Room::of(&terms.blast_radius, group, faults, is_under_fault, is_sound)
    }

    /// Chooses among the eligible members within the blast radius. Writes into the plan which are chosen, and why not
    /// more.
    fn draw(
        &self,
        provider: &Arc<dyn Provider>,
        group: Group,
        terms: &Arc<Terms>,
        usable: &[Usable<'_>],
        mut eligible: Vec<usize>,
        plan: &mut GroupPlan,
    ) -> Vec<Victim> {
        let mut room = self.room(&group, terms);
        let (limit, has_weights) = (room.limit(), group.members.iter().any(|member| member.weight > 1));
        let allowed = room.left();

        if let Some(only) = self.only {
            eligible.retain(|index| group.members[*index].target.id() == only);
        }
        if let Some(reason) = nobody_fits(&room, &group, &eligible) {
            for index in eligible {
                plan.targets[index].decision = Decision::NotChosen { reason: reason.clone() };
            }
            plan.reason = Some(reason);
            return Vec::new();
        }

        let domain = match self.parts.blast_radius.domain() {
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
        let mut chosen = Vec::new();
        for position in 0..eligible.len() {
            if room.left() == 0 {
                break;
            }
            let index = draw.next(&mut eligible, position);
            let member = &group.members[index];
            match room.bears(member) {
                Ok(()) => {
                    room.hit(member);
                    chosen.push(index);
                }
                Err(reason) => plan.targets[index].decision = Decision::NotChosen { reason },
            }
        }
        if chosen.is_empty() {
            plan.reason = nobody_fits(&room, &group, &eligible);
        }
        chosen.sort_unstable();
        let more = if has_weights { chosen.len() } else { allowed };
        let group_active = self.occupancy.in_group(&group.id).saturating_add(more);
        let group = Arc::new(group);
        let mut victims = Vec::with_capacity(chosen.len());
        for index in chosen {
            let member = &group.members[index];
            let offered = member.target.capabilities().set();
            let fitting: Vec<&Usable<'_>> =
                usable.iter().filter(|usable| self.fits(terms, member, offered, usable).is_ok()).collect();
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
                terms: Arc::clone(terms),
                hold: drawn.hold,
                planned_at: self.now,
                group_active,
                group_capacity: terms.blast_radius.limits_capacity().then_some(limit).filter(|_| has_weights),
                total_active: 0,
                rank: draw.number(),
                domain: domain.clone(),
            });
        }
        victims
    }
}

/// The reason why none of these members may be hit, if none may: the reason against the lightest of them.
fn nobody_fits(room: &Room, group: &Group, eligible: &[usize]) -> Option<Reason> {
    let lightest = eligible.iter().map(|index| &group.members[*index]).min_by_key(|member| member.weight);
    lightest.map_or(Some(Reason::NobodyEligible), |member| room.bears(member).err())
}
