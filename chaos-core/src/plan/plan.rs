use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Reason, UnmatchedPattern};
use crate::{
    error::Failure,
    group::{GroupId, TargetId},
    text::escaped,
};

/// The chosen targets, and for every other target the reason why it is not chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The seed of the draw: the same seed over the same groups chooses the same targets.
    pub seed: u64,
    /// When the plan was made.
    pub at: Timestamp,
    /// When the calendar closes. `None` if it is closed, or if it never closes.
    pub closes: Option<Timestamp>,
    /// Why nothing at all may be injected, if that is the case.
    pub refused: Option<Reason>,
    /// Facts that could not be found out. The groups that a doubt concerns are left alone.
    pub doubts: Vec<Doubt>,
    /// The patterns of the monkey that fit nothing of all that its providers list. Empty if a listing is in doubt, and
    /// in a plan for a part of the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched_patterns: Vec<UnmatchedPattern>,
    /// Every group that was looked at, sorted by id.
    pub groups: Vec<GroupPlan>,
}

/// A fact that could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubt {
    /// The provider or the group that it concerns, or the name of a group that no provider lists.
    pub about: String,
    /// The error.
    pub failure: Failure,
}

/// One group in a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupPlan {
    /// The group.
    pub id: GroupId,
    /// The desired size of the group; if its members have weights, its desired capacity.
    pub desired: usize,
    /// The number of healthy members at discovery, in the unit of `desired`.
    pub healthy: usize,
    /// Why no member was chosen, if none was.
    pub reason: Option<Reason>,
    /// Every member, sorted by id.
    pub targets: Vec<TargetPlan>,
}

/// One target in a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TargetPlan {
    /// The target.
    pub id: TargetId,
    /// The decision about it.
    pub decision: Decision,
}

/// The decision about a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// This event is injected into it.
    #[non_exhaustive]
    Chosen {
        /// The name of the event.
        event: Cow<'static, str>,
        /// A fact that a person should know beforehand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caveat: Option<String>,
    },
    /// The target is left alone.
    #[non_exhaustive]
    NotChosen {
        /// The reason.
        reason: Reason,
    },
}

impl Decision {
    /// The target is left alone.
    pub fn not_chosen(reason: Reason) -> Self {
        Self::NotChosen { reason }
    }
}

impl Plan {
    /// The targets that were chosen, each with the name of its event.
    pub fn chosen(&self) -> impl Iterator<Item = (&TargetId, &str)> {
        self.groups.iter().flat_map(|group| &group.targets).filter_map(|target| match &target.decision {
            Decision::Chosen { event, .. } => Some((&target.id, event.as_ref())),
            Decision::NotChosen { .. } => None,
        })
    }

    /// How many targets were left alone, by the [kind](Reason::kind) of the reason. A group without members counts as
    /// one.
    pub fn left_alone(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for group in &self.groups {
            let of_group = group.reason.iter().filter(|_| group.targets.is_empty());
            let of_targets = group.targets.iter().filter_map(|target| match &target.decision {
                Decision::NotChosen { reason } => Some(reason),
                Decision::Chosen { .. } => None,
            });
            for reason in of_group.chain(of_targets) {
                *counts.entry(reason.kind()).or_default() += 1;
            }
        }
        counts
    }

    /// Facts that a person should know beforehand about the chosen targets, one for each event and group with such a
    /// fact.
    pub fn caveats(&self) -> BTreeSet<String> {
        let targets =
            self.groups.iter().flat_map(|group| group.targets.iter().map(move |target| (&group.id, target)));
        let caveats = targets.filter_map(|(group, target)| match &target.decision {
            Decision::Chosen { event, caveat } => Some(format!("{event} in {group}: {}", caveat.as_ref()?)),
            Decision::NotChosen { .. } => None,
        });
        caveats.collect()
    }

    /// Every reason that kept the whole plan or a whole group from being touched, for a person to read.
    pub fn why_nothing(&self) -> Vec<String> {
        let refused = self.refused.iter().map(ToString::to_string);
        let doubts = self.doubts.iter().map(ToString::to_string);
        let groups = self.groups.iter().filter_map(GroupPlan::why_nobody);
        refused.chain(doubts).chain(groups).collect()
    }
}

impl GroupPlan {
    /// Why no member was chosen. If the reason differs between members, each reason with the number of its members.
    fn why_nobody(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let id = escaped(self.id.as_str());
        if *reason != Reason::NobodyEligible {
            return Some(format!("{id}: {reason}"));
        }
        let mut counts = BTreeMap::<String, usize>::new();
        for target in &self.targets {
            if let Decision::NotChosen { reason } = &target.decision {
                *counts.entry(reason.to_string()).or_default() += 1;
            }
        }
        let members: Vec<String> =
            counts.iter().map(|(reason, count)| format!("{count} x {reason}")).collect();
        Some(format!("{id}: {reason} ({})", members.join("; ")))
    }
}

impl fmt::Display for Plan {
    /// One line for each chosen target, for each doubt, for each fact to know beforehand, and for each pattern that
    /// fits nothing; or the reasons why no target is chosen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self
            .chosen()
            .map(|(target, event)| format!("{} {}", escaped(event), escaped(target.as_str())))
            .collect();
        if lines.is_empty() {
            lines = self.why_nothing();
        } else {
            lines.extend(self.doubts.iter().map(|doubt| format!("left alone: {doubt}")));
        }
        lines.extend(self.caveats());
        lines.extend(self.unmatched_patterns.iter().map(ToString::to_string));
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escaped(&self.about), escaped(&self.failure.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Health;

    #[test]
    fn a_group_without_anybody_eligible_says_what_its_members_have_against_it() {
        let id: GroupId = "memory:web".parse().unwrap();
        let planned = |name: &str, health| TargetPlan {
            id: id.target(name).unwrap(),
            decision: Decision::NotChosen { reason: Reason::NotHealthy { health } },
        };
        let targets = vec![
            planned("a", Health::Stopped),
            planned("b", Health::Unhealthy),
            planned("c", Health::Stopped),
        ];
        let reason = Some(Reason::NobodyEligible);
        let groups = vec![GroupPlan { id: id.clone(), desired: 3, healthy: 0, reason, targets }];
        let plan = Plan {
            seed: 1,
            at: Timestamp::UNIX_EPOCH,
            closes: None,
            refused: None,
            doubts: Vec::new(),
            unmatched_patterns: Vec::new(),
            groups,
        };
        assert_eq!(
            plan.to_string(),
            "memory:web: no member is eligible (2 x it is stopped; 1 x it is unhealthy)"
        );
    }
}
