use std::sync::Arc;

use super::{GroupId, Health, Labels, Target, TargetId};

/// Interchangeable targets with a desired size, as discovered at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Group {
    /// Names it, from any process.
    pub id: GroupId,
    /// Its tags.
    pub labels: Labels,
    /// How many members it is meant to have.
    pub desired: usize,
    /// Whether something replaces a member that dies: an auto-scaling group, a supervised fleet.
    pub replaces_members: bool,
    /// Whether that also replaces a member that is merely stopped, perhaps before it is started again: where an orderly stop counts
    /// as unhealthy, as in an auto-scaling group.
    pub replaces_stopped: bool,
    /// Every member, in any order.
    pub members: Vec<Member>,
}

/// One target of a group, with its health as the discovery saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The target.
    pub target: Arc<dyn Target>,
    /// Its health when the group was discovered.
    pub health: Health,
    /// Tells a member from its replacement where both bear the same id: a process's pid and start time, a container's id.
    /// `None` where ids are never used twice.
    pub incarnation: Option<Arc<str>>,
    /// Why this member must not be chosen although it is healthy, in the provider's words: "protected from scale-in".
    pub excluded: Option<Arc<str>>,
}

impl Group {
    /// A group without members, of desired size 0, that replaces nobody.
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            labels: Labels::new(),
            desired: 0,
            replaces_members: false,
            replaces_stopped: false,
            members: Vec::new(),
        }
    }

    /// Sets the size that the group is meant to have.
    #[must_use]
    pub fn desired(mut self, desired: usize) -> Self {
        self.desired = desired;
        self
    }

    /// Sets whether something replaces members that die.
    #[must_use]
    pub fn replaces_members(mut self, replaces: bool) -> Self {
        self.replaces_members = replaces;
        self
    }

    /// Sets whether members that are merely stopped are replaced too.
    #[must_use]
    pub fn replaces_stopped(mut self, replaces: bool) -> Self {
        self.replaces_stopped = replaces;
        self
    }

    /// Sets the tags.
    #[must_use]
    pub fn labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Sets the members.
    #[must_use]
    pub fn members(mut self, members: impl IntoIterator<Item = Member>) -> Self {
        self.members = members.into_iter().collect();
        self
    }

    /// The member with this id.
    pub fn member(&self, id: &TargetId) -> Option<&Member> {
        self.members.iter().find(|member| member.target.id() == id)
    }

    /// How many members were healthy at discovery.
    pub fn healthy(&self) -> usize {
        self.members.iter().filter(|member| member.health == Health::Healthy).count()
    }
}

impl Member {
    /// A member in this health, with an id that is never used twice.
    pub fn new(target: Arc<dyn Target>, health: Health) -> Self {
        Self { target, health, incarnation: None, excluded: None }
    }

    /// Sets what tells this member from its replacement under the same id.
    #[must_use]
    pub fn incarnation(mut self, incarnation: impl Into<Arc<str>>) -> Self {
        self.incarnation = Some(incarnation.into());
        self
    }

    /// Keeps this member from being chosen, with the reason that the plan will show.
    #[must_use]
    pub fn excluded(mut self, reason: impl Into<Arc<str>>) -> Self {
        self.excluded = Some(reason.into());
        self
    }
}
