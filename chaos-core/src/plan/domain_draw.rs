use std::{collections::BTreeSet, sync::Arc};

use super::{Decision, FailureDomain, GroupPlan, Reason, occupancy::Occupancy, rules};
use crate::{chance::Draw, group::Group};

/// The failure domain that a run hits in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DomainHit {
    pub(super) label: Arc<str>,
    pub(super) name: Arc<str>,
    /// Of the domains that different groups would hit, the run hits the one with the lowest number. The number is drawn
    /// from the name alone, so groups that share domains agree without knowing each other.
    pub(super) rank: u64,
}

/// Draws the domain, keeps the `eligible` members that are in it, and writes into the plan why the others are not
/// chosen. `None` if no domain may be hit; the reason is in the plan.
pub(super) fn keep_one_domain(
    domain: &FailureDomain,
    group: &Group,
    occupancy: &Occupancy,
    seed: u64,
    eligible: &mut Vec<usize>,
    plan: &mut GroupPlan,
) -> Option<DomainHit> {
    let label: Arc<str> = domain.label().into();
    let told = |index: &usize| rules::domain_of(domain, &group.members[*index]);
    let of = |index: &usize| told(index).ok();
    let mut leave = |index: usize, reason: Reason| {
        plan.targets[index].decision = Decision::NotChosen { reason };
    };

    eligible.retain(|index| told(index).map_err(|reason| leave(*index, reason)).is_ok());
    let mut names: Vec<(u64, &str)> = match domain.name() {
        Some(name) => vec![(0, name)],
        None => {
            let names: BTreeSet<&str> = eligible.iter().filter_map(of).collect();
            names.into_iter().map(|name| (Draw::for_domain(seed, name).number(), name)).collect()
        }
    };
    names.sort_unstable();
    let Some(&(_, first)) = names.first() else {
        plan.reason = Some(Reason::NobodyEligible);
        return None;
    };

    let is_spared = |name: &str| {
        // If the target of a fault is gone, the domain of the fault is no longer known.
        occupancy.in_group(&group.id) == occupancy.on_members(group)
            && domain.spares_another(name, &group.members, |member| {
                occupancy.on_target(member.target.id()).is_some()
            })
    };
    let spares = |name: &str| rules::leaves_another(domain, name, is_spared(name));
    let Some((rank, name)) = names.iter().copied().find(|(_, name)| spares(name).is_ok()) else {
        let reason = Reason::no_other_domain(&*label, first);
        for index in eligible.drain(..) {
            leave(index, reason.clone());
        }
        plan.reason = Some(reason);
        return None;
    };

    for index in eligible.extract_if(.., |index| of(index) != Some(name)) {
        leave(index, Reason::OutsideDomain { label: label.to_string(), domain: name.to_owned() });
    }
    if eligible.is_empty() {
        plan.reason = Some(Reason::NobodyEligible);
        return None;
    }
    Some(DomainHit { label, name: name.into(), rank })
}
