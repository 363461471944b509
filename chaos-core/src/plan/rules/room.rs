use super::counts::within_group;
use crate::{
    group::{Group, Member, TargetId},
    plan::{BlastRadius, Quota, Reason},
};

/// The part of one group that may still be hit, counted in targets if a quota is a number, and in capacity if it is a
/// share.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    per_group: Quota,
    floor: Quota,
    hit: usize,
    /// The whole of which the limit is a share, if it is one.
    whole: usize,
    limit: usize,
    sound: usize,
    minimum: usize,
}

/// Faults that cannot be attributed to a member of the group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Faults on targets that the group no longer lists.
    pub(crate) elsewhere: usize,
    /// Faults on an unknown target, which may be any member.
    pub(crate) somewhere: usize,
}

impl Room {
    /// The room in `group`. A fault that cannot be attributed counts as one on the largest member.
    pub(crate) fn of(
        blast_radius: &BlastRadius,
        group: &Group,
        faults: Faults,
        is_under_fault: impl Fn(&Member) -> bool,
        is_sound: impl Fn(&Member) -> bool,
    ) -> Self {
        let (per_group, floor) = (blast_radius.per_group(), blast_radius.floor());
        let (mut hit, mut sound, mut taken_out) = (0usize, 0usize, 0usize);
        for member in &group.members {
            let measure = per_group.measure(member);
            if is_under_fault(member) {
                hit = hit.saturating_add(measure);
                // A member that a fault has taken out of service is not out of service on purpose.
                if member.out_of_service.is_some() {
                    taken_out = taken_out.saturating_add(member.capacity());
                }
            } else if member.is_healthy() && is_sound(member) {
                sound = sound.saturating_add(floor.measure(member));
            }
        }
        let desired = group.desired.saturating_add(taken_out);
        let in_service = group.in_service().saturating_add(taken_out);
        let largest =
            |quota: Quota| group.members.iter().map(|member| quota.measure(member)).max().unwrap_or(1);
        let whole = desired.min(in_service);
        let unseen = faults.elsewhere.saturating_add(faults.somewhere);
        Self {
            per_group,
            floor,
            hit: hit.saturating_add(unseen.saturating_mul(largest(per_group))),
            whole,
            limit: per_group.at_most(whole),
            sound: sound.saturating_sub(faults.somewhere.saturating_mul(largest(floor))),
            minimum: floor.at_least(desired.max(in_service)),
        }
    }

    /// The reason why the sound `member` may not be hit in addition to the others.
    pub(crate) fn bears(&self, member: &Member) -> Result<(), Reason> {
        self.is_within_limit(member)?;
        self.leaves_enough(member)
    }

    fn is_within_limit(&self, member: &Member) -> Result<(), Reason> {
        let weight = self.per_group.measure(member);
        let (active, limit) = (self.hit, self.limit);
        if limit == 0 && self.whole > 0 {
            let limit = self.per_group.to_string();
            return Err(Reason::LimitOfNone { limit, whole: self.whole });
        }
        within_group(active, limit)?;
        let room = limit - active;
        if weight > room { Err(Reason::TooHeavy { weight, room }) } else { Ok(()) }
    }

    /// The reason why too little would be left of the group without `member`.
    pub(crate) fn leaves_enough(&self, member: &Member) -> Result<(), Reason> {
        let left = self.sound.saturating_sub(self.floor.measure(member));
        if left < self.minimum {
            return Err(Reason::TooFewHealthy { left, minimum: self.minimum });
        }
        Ok(())
    }

    /// The rest of the limit.
    pub(crate) fn left(&self) -> usize {
        self.limit.saturating_sub(self.hit).min(self.sound.saturating_sub(self.minimum))
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn hit(&mut self, member: &Member) {
        self.hit = self.hit.saturating_add(self.per_group.measure(member));
        self.sound = self.sound.saturating_sub(self.floor.measure(member));
    }
}

/// The capacity under faults, because a journal counts faults but not their weight. `seen` holds looks at the group,
/// and `under_fault` the targets that are already hit.
pub(crate) fn capacity_under_fault<'a>(
    seen: &[&Group],
    under_fault: impl Iterator<Item = &'a TargetId>,
    somewhere: usize,
) -> usize {
    let weights = seen.iter().flat_map(|group| &group.members).map(|member| member.weight);
    let weight_of = |target: &TargetId| seen.iter().find_map(|group| Some(group.member(target)?.weight));
    // A target that is no longer listed may have been the largest.
    let heaviest = weights.max().unwrap_or(1);
    under_fault.fold(somewhere.saturating_mul(capacity(heaviest)), |sum, target| {
        sum.saturating_add(capacity(weight_of(target).unwrap_or(heaviest)))
    })
}

/// The reason why `member` may not be hit: together with the capacity `hit`, more than `limit` would be under faults.
pub(crate) fn leaves_capacity(hit: usize, member: &Member, limit: usize) -> Result<(), Reason> {
    let (weight, room) = (capacity(member.weight), limit.saturating_sub(hit));
    if weight > room { Err(Reason::TooHeavy { weight, room }) } else { Ok(()) }
}

fn capacity(weight: u32) -> usize {
    usize::try_from(weight).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        capability::Capabilities,
        error::Result,
        group::{Health, Labels, Target},
    };

    #[derive(Debug)]
    struct Named(TargetId, Labels);

    #[crate::async_trait]
    impl Target for Named {
        fn id(&self) -> &TargetId {
            &self.0
        }

        fn labels(&self) -> &Labels {
            &self.1
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        async fn health(&self) -> Result<Health> {
            Ok(Health::Healthy)
        }
    }

    fn group(weights: &[(&str, u32)]) -> Group {
        let id: crate::group::GroupId = "memory:web".parse().unwrap();
        let members = weights.iter().map(|(name, weight)| {
            let target = Named(id.target(name).unwrap(), Labels::new());
            Member::new(Arc::new(target), Health::Healthy).weight(*weight)
        });
        Group::new(id.clone()).members(members.collect::<Vec<_>>())
    }

    /// Two monkeys may have planned at the same moment, each within the limit. The second to arm sees the targets that
    /// the first has hit.
    #[test]
    fn capacity_that_others_have_hit_meanwhile_counts() {
        let (before, now) = (group(&[("a", 4), ("b", 3), ("c", 1)]), group(&[("b", 3), ("c", 1)]));
        let id = |name: &str| now.id.target(name).unwrap();
        let check = |hit: &[&str], name: &str, limit: usize| {
            let hit: Vec<TargetId> = hit.iter().map(|name| id(name)).collect();
            let hit = capacity_under_fault(&[&before, &now], hit.iter(), 0);
            leaves_capacity(hit, now.member(&id(name)).unwrap(), limit)
        };
        assert_eq!(check(&[], "b", 3), Ok(()));
        assert_eq!(check(&["a"], "b", 7), Ok(()), "the weight of who is gone is known from before");
        assert_eq!(check(&["a"], "b", 6), Err(Reason::TooHeavy { weight: 3, room: 2 }));
        // A target that was never seen may have been as heavy as the heaviest.
        assert_eq!(check(&["d"], "b", 6), Err(Reason::TooHeavy { weight: 3, room: 2 }));
    }

    #[test]
    fn faults_on_who_is_shown_no_more_count_as_the_largest_member() {
        let group = group(&[("a", 4), ("b", 2), ("c", 2)]);
        let blast_radius = BlastRadius::default().targets_per_group(crate::plan::Percent(75)).min_healthy(0);
        let faults = Faults { elsewhere: 1, somewhere: 0 };
        let room = Room::of(&blast_radius, &group, faults, |_| false, |_| true);
        assert_eq!(room.bears(&group.members[1]), Ok(()));
        assert_eq!(room.bears(&group.members[0]), Err(Reason::TooHeavy { weight: 4, room: 2 }));
    }

    #[test]
    fn a_fault_that_may_be_anywhere_leaves_one_sound_member_less() {
        let group = group(&[("a", 1), ("b", 1), ("c", 1)]);
        let blast_radius = BlastRadius::default().targets_per_group(3).min_healthy(2);
        let of = |somewhere| {
            let faults = Faults { elsewhere: 0, somewhere };
            Room::of(&blast_radius, &group, faults, |_| false, |_| true).bears(&group.members[0])
        };
        assert_eq!((of(0), of(1)), (Ok(()), Err(Reason::too_few_healthy(1, 2))));
    }
}
