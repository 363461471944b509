use std::sync::Arc;

use futures_util::{StreamExt, future::join_all};
use jiff::Timestamp;

use super::{
    Decision, Doubt, Fits, GroupPlan, Plan, Reason,
    group_planner::{GroupPlanner, PlannedGroup, Victim},
    occupancy::Occupancy,
    rules,
};
use crate::{
    contain::{contained, within},
    error::{Error, ErrorKind, Failure, Result},
    event::ChaosEvent,
    group::TargetId,
    journal::Journal,
    monkey::{AllTerms, Parts},
    provider::{GroupFilter, Provider, is_name_of},
};

/// Everything that decides which targets are chosen.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) parts: &'a Parts,
    /// What applies to each group.
    pub(crate) terms: &'a AllTerms,
    /// The events to draw from: the monkey's, or the requested one.
    pub(crate) events: &'a [Arc<dyn ChaosEvent>],
    /// `None` if the monkey is leashed and has no journal; no fault is known then.
    pub(crate) journal: Option<&'a dyn Journal>,
    pub(crate) seed: u64,
}

/// A plan and the handles to carry it out.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) victims: Vec<Victim>,
}

/// One provider's groups, planned, and the chosen targets.
#[derive(Default)]
struct Listing {
    groups: Vec<GroupPlan>,
    /// Each with the position of its group in `groups`.
    victims: Vec<(usize, Victim)>,
    /// The number of members in service in the groups.
    in_service: usize,
    doubts: Vec<Doubt>,
}

impl Planner<'_> {
    /// Plans over every group that passes `filter`. Groups are planned as they arrive. `unsteady` forbids everything.
    pub(crate) async fn plan_all(
        &self,
        providers: &[Arc<dyn Provider>],
        filter: &GroupFilter,
        unsteady: Option<Reason>,
    ) -> Planned {
        let now = self.parts.clock.now();
        let (occupancy, refused) = self.read_occupancy(now, unsteady).await;
        let planner = self.group_planner(now, &occupancy, refused.as_ref(), None);
        let fits = Fits::of(&self.parts.filter, self.terms);
        let listings =
            join_all(providers.iter().map(|provider| self.list(provider, filter, &planner, &fits))).await;
        let mut planned = self.gather(now, refused.clone(), &occupancy, listings);
        // In some of the groups, most patterns fit nothing.
        if planned.plan.doubts.is_empty() && filter.names() == self.parts.filter.names() {
            planned.plan.unmatched_patterns = fits.unmatched();
        }
        if planned.plan.groups.is_empty() && planned.plan.doubts.is_empty() {
            let nothing =
                if filter.names().is_some() { Reason::NoGroupPasses } else { Reason::NothingListed };
            planned.plan.refused.get_or_insert(nothing);
        }
        for name in filter.names().unwrap_or_default() {
            if !planned.plan.groups.iter().any(|group| is_name_of(name, &group.id)) {
                planned.plan.doubts.push(unknown_group(name, providers));
            }
        }
        planned
    }

    /// Plans one injection into one target, after a fresh look at its group. `unsteady` forbids everything.
    pub(crate) async fn plan_one(
        &self,
        provider: &Arc<dyn Provider>,
        target: &TargetId,
        unsteady: Option<Reason>,
    ) -> Planned {
        let now = self.parts.clock.now();
        let (occupancy, refused) = self.read_occupancy(now, unsteady).await;
        let planner = self.group_planner(now, &occupancy, refused.as_ref(), Some(target));
        let group_id = target.group();
        let planning = contained("the planning", async {
            let group = provider.group(&group_id).await?;
            if group.member(target).is_none() {
                return Err(
                    Error::new(ErrorKind::NotFound, "the group has no such member").with("target", target)
                );
            }
            Ok(planner.plan(provider, group))
        });
        let mut listing = Listing::default();
        match within(self.parts.clock.as_ref(), self.parts.discovery_limit, "the discovery", planning)
            .await
            .and_then(|result| result)
        {
            Ok(planned) => listing.add(planned),
            Err(error) => {
                listing.doubts.push(Doubt { about: group_id.to_string(), failure: (&error).into() });
            }
        }
        self.gather(now, refused.clone(), &occupancy, vec![listing])
    }

    fn group_planner<'a>(
        &'a self,
        now: Timestamp,
        occupancy: &'a Occupancy,
        refused: Option<&'a Reason>,
        only: Option<&'a TargetId>,
    ) -> GroupPlanner<'a> {
        GroupPlanner {
            parts: self.parts,
            all_terms: self.terms,
            events: self.events,
            seed: self.seed,
            now,
            windows: self.terms.iter().map(|terms| rules::open(terms.calendar.as_ref(), now)).collect(),
            occupancy,
            refused,
            only,
        }
    }

    /// The contents of the journal, and whether it, the calendar or an unsteady system forbids everything.
    async fn read_occupancy(&self, now: Timestamp, unsteady: Option<Reason>) -> (Occupancy, Option<Reason>) {
        let occupancy = match self.journal {
            None => Occupancy::default(),
            Some(journal) => match Occupancy::read(journal, now, self.terms.longest_cool_down()).await {
                Ok(occupancy) => occupancy,
                Err(error) => {
                    return (Occupancy::default(), Some(Reason::Doubt { failure: (&error).into() }));
                }
            },
        };
        let halted = rules::not_halted(occupancy.halt.as_ref().map(|halt| halt.reason.as_str()));
        let refused = halted.and_then(|()| rules::open(self.parts.calendar.as_ref(), now).map(|_| ())).err();
        (occupancy, refused.or(unsteady))
    }

    async fn list(
        &self,
        provider: &Arc<dyn Provider>,
        filter: &GroupFilter,
        planner: &GroupPlanner<'_>,
        fits: &Fits<'_>,
    ) -> Listing {
        let mut listing = Listing::default();
        let (wanted, surplus) = self.wanted(planner.occupancy.total, None);
        let reading = async {
            let mut stream = provider.groups(filter);
            while let Some(group) = stream.next().await {
                let group = group?;
                if group.id.scheme() != provider.scheme() {
                    return Err(Error::new(
                        ErrorKind::Other,
                        "the provider listed a group of another scheme than its own",
                    )
                    .with("scheme", provider.scheme())
                    .with("group", &group.id));
                }
                fits.see(&group);
                listing.add(planner.plan(provider, group));
                // Memory for targets that are certainly not wanted would grow with the number of groups.
                if let Some(wanted) = wanted
                    .filter(|wanted| listing.victims.len() >= wanted.saturating_mul(2).saturating_add(64))
                {
                    listing.keep(wanted, &surplus);
                }
            }
            Ok(())
        };
        let reading = contained("the provider", reading);
        let read = within(self.parts.clock.as_ref(), self.parts.discovery_limit, "the discovery", reading)
            .await
            .and_then(|result| result);
        if let Err(error) = read {
            let failure = Failure::from(&error);
            listing.victims.clear();
            for group in &mut listing.groups {
                group.leave_alone(&Reason::Doubt { failure: failure.clone() });
            }
            listing.doubts.push(Doubt { about: provider.scheme().to_owned(), failure });
        }
        listing.leave_alone_who_is_there_twice();
        listing
    }

    /// The number of victims that the limits across groups allow, and the reason for those beyond. `None` while the
    /// number depends on the total number of targets.
    fn wanted(&self, active: usize, present: Option<usize>) -> (Option<usize>, Reason) {
        let limits =
            (self.parts.blast_radius.run_limit(present), self.parts.blast_radius.active_limit(present));
        let (Some(run_limit), Some(limit)) = limits else {
            return (None, Reason::NotDrawn);
        };
        let free = limit.saturating_sub(active);
        if run_limit <= free {
            (Some(run_limit), Reason::RunLimit { limit: run_limit })
        } else {
            (Some(free), Reason::ActiveLimit { active, limit })
        }
    }

    /// Combines the listings and applies the limits that span groups.
    fn gather(
        &self,
        now: Timestamp,
        refused: Option<Reason>,
        occupancy: &Occupancy,
        listings: Vec<Listing>,
    ) -> Planned {
        let mut doubts = Vec::new();
        let mut all = Listing::default();
        for listing in listings {
            doubts.extend(listing.doubts);
            all.in_service += listing.in_service;
            let offset = all.groups.len();
            all.groups.extend(listing.groups);
            all.victims.extend(listing.victims.into_iter().map(|(group, victim)| (offset + group, victim)));
        }
        all.keep_one_domain();
        let present = Some(all.in_service);
        let (wanted, surplus) = self.wanted(occupancy.total, present);
        all.keep(wanted.unwrap_or(usize::MAX), &surplus);
        let total_active = self.parts.blast_radius.active_limit(present).unwrap_or(0);
        let mut victims: Vec<Victim> =
            all.victims.into_iter().map(|(_, victim)| Victim { total_active, ..victim }).collect();
        victims.sort_unstable_by(|one, other| one.target.id().cmp(other.target.id()));
        all.groups.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let closes = self
            .parts
            .calendar
            .window(now)
            .map(|window| window.closes)
            .filter(|closes| *closes < Timestamp::MAX);
        Planned {
            plan: Plan {
                seed: self.seed,
                at: now,
                closes,
                refused,
                doubts,
                unmatched_patterns: Vec::new(),
                groups: all.groups,
            },
            victims,
        }
    }
}

impl Planned {
    /// Withdraws the choice of one victim.
    pub(crate) fn spare(&mut self, victim: usize, reason: &Reason) {
        let victim = self.victims.remove(victim);
        if let Ok(position) = self.plan.groups.binary_search_by(|group| group.id.cmp(&victim.group.id)) {
            self.plan.groups[position].spare(victim.target.id(), reason);
        }
    }
}

impl Listing {
    fn add(&mut self, planned: PlannedGroup) {
        let position = self.groups.len();
        self.groups.push(planned.plan);
        self.in_service += planned.in_service;
        self.victims.extend(planned.victims.into_iter().map(|victim| (position, victim)));
    }

    /// If two groups have the same id, it is unknown which one is right, so neither is touched.
    fn leave_alone_who_is_there_twice(&mut self) {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_unstable_by(|one, other| self.groups[*one].id.cmp(&self.groups[*other].id));
        let same = order.chunk_by(|one, other| self.groups[*one].id == self.groups[*other].id);
        let twice: Vec<Vec<usize>> = same.filter(|same| same.len() > 1).map(<[usize]>::to_vec).collect();
        for same in twice {
            self.victims.retain(|(position, _)| !same.contains(position));
            let failure = Failure::new(ErrorKind::Other, "the provider listed the group more than once");
            self.doubts.push(Doubt { about: self.groups[same[0]].id.to_string(), failure: failure.clone() });
            for position in same {
                self.groups[position].leave_alone(&Reason::Doubt { failure: failure.clone() });
            }
        }
    }

    /// Keeps the `wanted` victims of the lowest rank, and withdraws the choice of the others.
    fn keep(&mut self, wanted: usize, reason: &Reason) {
        if self.victims.len() <= wanted {
            return;
        }
        self.victims.sort_unstable_by(|(_, one), (_, other)| one.order().cmp(&other.order()));
        for (group, victim) in self.victims.drain(wanted..) {
            self.groups[group].spare(victim.target.id(), reason);
        }
    }

    /// Keeps the victims in the failure domain that the run hits, if it is limited to one.
    fn keep_one_domain(&mut self) {
        let first = self.victims.iter().map(|(_, victim)| victim).min_by_key(|victim| victim.order());
        let Some(hit) = first.and_then(|victim| victim.domain.clone()) else { return };
        let reason = Reason::OutsideDomain { label: hit.label.to_string(), domain: hit.name.to_string() };
        for (group, victim) in self.victims.extract_if(.., |(_, victim)| victim.domain.as_ref() != Some(&hit))
        {
            self.groups[group].spare(victim.target.id(), &reason);
        }
    }
}

impl GroupPlan {
    /// Withdraws every choice in this group.
    fn leave_alone(&mut self, reason: &Reason) {
        self.reason = Some(reason.clone());
        for target in &mut self.targets {
            target.decision = Decision::NotChosen { reason: reason.clone() };
        }
    }

    /// Withdraws the choice of one target.
    fn spare(&mut self, id: &TargetId, reason: &Reason) {
        if let Ok(position) = self.targets.binary_search_by(|target| target.id.cmp(id)) {
            self.targets[position].decision = Decision::NotChosen { reason: reason.clone() };
        }
        let nobody_left =
            self.targets.iter().all(|target| matches!(target.decision, Decision::NotChosen { .. }));
        if nobody_left {
            self.reason = Some(reason.clone());
        }
    }
}

fn unknown_group(name: &str, providers: &[Arc<dyn Provider>]) -> Doubt {
    let schemes: Vec<&str> = providers.iter().map(|provider| provider.scheme()).collect();
    let error = Error::new(ErrorKind::NotFound, "no provider lists a group with this name")
        .with("group", name)
        .with("providers", schemes.join(", "));
    Doubt { about: name.to_owned(), failure: (&error).into() }
}

/// The provider with the scheme of `target`.
pub(crate) fn provider_of<'a>(
    providers: &'a [Arc<dyn Provider>],
    target: &TargetId,
) -> Result<&'a Arc<dyn Provider>> {
    providers.iter().find(|provider| provider.scheme() == target.scheme()).ok_or_else(|| {
        let schemes: Vec<&str> = providers.iter().map(|provider| provider.scheme()).collect();
        Error::new(ErrorKind::InvalidInput, "no provider of this monkey has this scheme")
            .with("target", target)
            .with("providers", schemes.join(", "))
    })
}
