use std::sync::Arc;

use super::{GroupId, Health, Labels, Target, TargetId};
use crate::{
    error::{ErrorKind, Failure},
    plan::Reason,
};

/// Interchangeable targets with a desired size, as discovered at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Group {
    /// Names it, from any process.
    pub id: GroupId,
    /// Its tags.
    pub labels: Labels,
    /// How many members it is meant to have in service; in a group with weights, how much capacity. Unless it is set,
    /// that of the members that are in service.
    pub desired: usize,
    /// Whether something replaces a member that dies: an auto-scaling group, a supervised fleet.
    pub replaces_members: bool,
    /// Whether that also replaces a member that is merely stopped, perhaps before it is started again: where an orderly
    /// stop counts as unhealthy, as in an auto-scaling group.
    pub replaces_stopped: bool,
    /// Every member, in any order.
    pub members: Vec<Member>,
    /// What `desired` was set to by counting. While it is that, nobody has said it.
    counted: Option<usize>,
}

/// One target of a group, with its health as the discovery saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The target.
    pub target: Arc<dyn Target>,
    /// Its health when the group was discovered.
    pub health: Health,
    /// Tells a member from its replacement where both bear the same id: a process's pid and start time, a container's
    /// id. `None` where ids are never used twice, and where only [`Target::incarnation`] tells; where both do, they
    /// tell the same.
    pub incarnation: Option<Arc<str>>,
    /// Why this member must not be chosen although it is healthy, in the provider's words: "protected from scale-in".
    pub excluded: Option<Arc<str>>,
    /// Why somebody has taken this member out of service on purpose, in the provider's words: "in standby". It is not
    /// chosen, does not count as healthy, and the group is not meant to have it: how many must stay healthy is counted
    /// without it.
    pub out_of_service: Option<Arc<str>>,
    /// How much of the group's capacity it is, at least 1. Where members differ in it, whatever is a share of the group
    /// is one of its capacity.
    pub weight: u32,
}

impl Group {
    /// A group without members that replaces nobody.
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            labels: Labels::new(),
            desired: 0,
            replaces_members: false,
            replaces_stopped: false,
            members: Vec::new(),
            counted: Some(0),
        }
    }

    /// Sets the size that the group is meant to have. Default: that of its members in service.
    #[must_use]
    pub fn desired(mut self, desired: usize) -> Self {
        self.desired = desired;
        self.counted = None;
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
        self.count_desired();
        self
    }

    /// Sorts the members, and counts them where nobody has said how many there should be.
    ///
    /// # Errors
    /// Why the group is in doubt: one of its members stands there more than once, and whatever is counted of it is
    /// wrong.
    pub(crate) fn put_in_order(&mut self) -> Result<(), Reason> {
        self.members.sort_unstable_by(|one, other| one.target.id().cmp(other.target.id()));
        self.count_desired();
        match self.members.windows(2).find(|pair| pair[0].target.id() == pair[1].target.id()) {
            None => Ok(()),
            Some(twice) => {
                let message = format!("the provider listed {} more than once", twice[0].target.id());
                Err(Reason::Doubt { failure: Failure::new(ErrorKind::Other, message) })
            }
        }
    }

    /// Unless somebody has said the size that the group is meant to have, it is that of its members in service.
    fn count_desired(&mut self) {
        if self.counted == Some(self.desired) {
            self.desired = self.in_service();
            self.counted = Some(self.desired);
        }
    }

    /// The member with this id.
    pub fn member(&self, id: &TargetId) -> Option<&Member> {
        // They are in order more often than not.
        let found = self.members.binary_search_by(|member| member.target.id().cmp(id)).ok();
        match found.and_then(|position| self.members.get(position)) {
            Some(member) => Some(member),
            None => self.members.iter().find(|member| member.target.id() == id),
        }
    }

    /// How many members were healthy and in service at discovery; in a group with weights, how much capacity they were.
    pub fn healthy(&self) -> usize {
        capacity(self.members.iter().filter(|member| member.is_healthy()))
    }

    /// How many members were in service at discovery, healthy or not; in a group with weights, how much capacity they
    /// were.
    pub fn in_service(&self) -> usize {
        capacity(self.members.iter().filter(|member| member.out_of_service.is_none()))
    }
}

/// The capacity of these members.
pub(crate) fn capacity<'a>(members: impl Iterator<Item = &'a Member>) -> usize {
    members.fold(0, |sum, member| sum.saturating_add(member.capacity()))
}

impl Member {
    /// A member in this health, with an id that is never used twice.
    pub fn new(target: Arc<dyn Target>, health: Health) -> Self {
        Self { target, health, incarnation: None, excluded: None, out_of_service: None, weight: 1 }
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

    /// Says that somebody has taken this member out of service on purpose, with the reason that the plan will show.
    #[must_use]
    pub fn out_of_service(mut self, why: impl Into<Arc<str>>) -> Self {
        self.out_of_service = Some(why.into());
        self
    }

    /// Sets how much of the group's capacity this member is. 0 counts as 1: nobody is hit for nothing.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// Whether it was healthy at discovery, and in service.
    pub fn is_healthy(&self) -> bool {
        self.health == Health::Healthy && self.out_of_service.is_none()
    }

    /// Its weight, as a part of a sum.
    pub(crate) fn capacity(&self) -> usize {
        usize::try_from(self.weight.max(1)).unwrap_or(usize::MAX)
    }

    /// Why it must not be chosen, whatever its health is.
    pub(crate) fn why_left_alone(&self) -> Option<Reason> {
        let out_of_service = self.out_of_service.as_ref().map(|why| format!("out of service: {why}"));
        let why = self.excluded.as_ref().map(ToString::to_string).or(out_of_service)?;
        Some(Reason::Excluded { why })
    }
}
