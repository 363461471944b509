use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::{Failure, GroupId, TargetId};

/// Who is chosen, and for everybody else the reason why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The seed of the draw: the same seed over the same groups chooses the same targets.
    pub seed: u64,
    /// When the plan was made.
    pub at: Timestamp,
    /// When the calendar closes. None while it is closed, and where it never closes.
    pub closes: Option<Timestamp>,
    /// Why nothing at all may be injected, if so.
    pub refused: Option<Reason>,
    /// What could not be found out. The groups that a doubt concerns are left alone.
    pub doubts: Vec<Doubt>,
    /// Every group that was looked at, sorted by id.
    pub groups: Vec<GroupPlan>,
}

/// Something that could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Doubt {
    /// Whose listing it concerns, or the name of a group that nobody has.
    pub about: String,
    /// What failed.
    pub failure: Failure,
}

/// One group in a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupPlan {
    /// The group.
    pub id: GroupId,
    /// The size that it is meant to have.
    pub desired: usize,
    /// How many of its members were healthy at discovery.
    pub healthy: usize,
    /// Why none of its members was chosen, if none was.
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
    /// What is to happen to it.
    pub decision: Decision,
}

/// What is to happen to a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// This event is injected into it.
    Chosen {
        /// The name of the event.
        event: Cow<'static, str>,
    },
    /// Nothing.
    NotChosen {
        /// Why.
        reason: Reason,
    },
}

impl Plan {
    /// The targets that were chosen, each with the name of its event.
    pub fn chosen(&self) -> impl Iterator<Item = (&TargetId, &str)> {
        self.groups.iter().flat_map(|group| &group.targets).filter_map(|target| match &target.decision {
            Decision::Chosen { event } => Some((&target.id, event.as_ref())),
            Decision::NotChosen { .. } => None,
        })
    }

    /// Every reason that kept the whole plan or a whole group from being touched, for a person to read.
    pub fn why_nothing(&self) -> Vec<String> {
        let refused = self.refused.iter().map(ToString::to_string);
        let doubts = self.doubts.iter().map(|doubt| format!("{}: {}", doubt.about, doubt.failure));
        let groups =
            self.groups.iter().filter_map(|group| Some(format!("{}: {}", group.id, group.reason.as_ref()?)));
        refused.chain(doubts).chain(groups).collect()
    }
}
