use std::sync::Arc;

use jiff::Timestamp;

use super::{GroupId, Health, Labels, Target, TargetId};
use crate::{
    error::{ErrorKind, Failure},
    plan::Reason,
};

/// Interchangeable targets with a desired size, as discovered at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Group {
    /// The group's name, valid in any process.
    pub id: GroupId,
    /// The group's tags.
    pub labels: Labels,
    /// The number of members that should be in service; in a group with weights, their capacity. If not set, it is that
    /// of the members in service.
    pub desired: usize,
    /// Whether something replaces a member that dies, as in an auto-scaling group or a supervised fleet.
    pub replaces_members: bool,
    /// Whether a member that is merely stopped is replaced too, perhaps before it is started again. This is so if an
    /// orderly stop counts as unhealthy, as in an auto-scaling group.
    pub replaces_stopped: bool,
    /// The deployment that replaces or updates members at the moment, if there is one, in the provider's words, such as
    /// "instance refresh 08b91cf7 is 40 % complete". The group is left alone meanwhile.
    pub deployment: Option<Arc<str>>,
    /// Every member, in any order.
    pub members: Vec<Member>,
    /// The value to which counting set `desired`. While they are equal, `desired` was not set explicitly.
    counted: Option<usize>,
}

/// One target of a group, with its health at discovery.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The target.
    pub target: Arc<dyn Target>,
    /// The target's health when the group was discovered.
    pub health: Health,
    /// Tells a member apart from its replacement if both have the same id: a process's pid and start time, or a
    /// container's id. `None` if ids are never used twice, or if only [`Target::incarnation`] tells. If both tell, they
    /// are equal.
    pub incarnation: Option<Arc<str>>,
    /// When this member began: the launch of an instance, or the start of a process. `None` if the provider does not
    /// know, and then the member does not count as young.
    pub began_at: Option<Timestamp>,
    /// Why this member must not be chosen although it is healthy, in the provider's words, such as "protected from
    /// scale-in".
    pub excluded: Option<Arc<str>>,
    /// Why this member is out of service on purpose, in the provider's words, such as "in standby". It is not chosen,
    /// does not count as healthy, and is not part of the desired size: the number of members that must stay healthy is
    /// counted without it.
    pub out_of_service: Option<Arc<str>>,
    /// The member's part of the group's capacity, at least 1. If members differ in it, shares of the group are shares
    /// of its capacity.
    pub weight: u32,
}

impl Group {
    /// A group without members, in which nothing replaces members.
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            labels: Labels::new(),
            desired: 0,
            replaces_members: false,
            replaces_stopped: false,
            deployment: None,
            members: Vec::new(),
            counted: Some(0),
        }
    }

    /// Sets the desired size. Default: that of the members in service.
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

    /// Marks the group as under deployment, with the deployment that the plan will show.
    #[must_use]
    pub fn deployment(mut self, deployment: impl Into<Arc<str>>) -> Self {
        self.deployment = Some(deployment.into());
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

    /// Sorts the members, and counts them unless the desired size was set.
    ///
    /// # Errors
    /// The group is in doubt if a member is listed more than once, because every count would be wrong.
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

    /// Unless the desired size was set, it is that of the members in service.
    fn count_desired(&mut self) {
        if self.counted == Some(self.desired) {
            self.desired = self.in_service();
            self.counted = Some(self.desired);
        }
    }

    /// The member with this id.
    pub fn member(&self, id: &TargetId) -> Option<&Member> {
        // They are usually sorted.
        let found = self.members.binary_search_by(|member| member.target.id().cmp(id)).ok();
        match found.and_then(|position| self.members.get(position)) {
            Some(member) => Some(member),
            None => self.members.iter().find(|member| member.target.id() == id),
        }
    }

    /// The number of members that were healthy and in service at discovery; in a group with weights, their capacity.
    pub fn healthy(&self) -> usize {
        capacity(self.members.iter().filter(|member| member.is_healthy()))
    }

    /// The number of members that were in service at discovery, healthy or not; in a group with weights, their
    /// capacity.
    pub fn in_service(&self) -> usize {
        capacity(self.members.iter().filter(|member| member.out_of_service.is_none()))
    }
}

/// The capacity of these members.
pub(crate) fn capacity<'a>(members: impl Iterator<Item = &'a Member>) -> usize {
    members.fold(0, |sum, member| sum.saturating_add(member.capacity()))
}

impl Member {
    /// A member with this health, and with an id that is never used twice.
    pub fn new(target: Arc<dyn Target>, health: Health) -> Self {
        Self {
            target,
            health,
            incarnation: None,
            began_at: None,
            excluded: None,
            out_of_service: None,
            weight: 1,
        }
    }

    /// Sets the value that tells this member apart from its replacement under the same id.
    #[must_use]
    pub fn incarnation(mut self, incarnation: impl Into<Arc<str>>) -> Self {
        self.incarnation = Some(incarnation.into());
        self
    }

    /// Sets when this member began.
    #[must_use]
    pub fn began_at(mut self, began_at: Timestamp) -> Self {
        self.began_at = Some(began_at);
        self
    }

    /// Keeps this member from being chosen, with the reason that the plan will show.
    #[must_use]
    pub fn excluded(mut self, reason: impl Into<Arc<str>>) -> Self {
        self.excluded = Some(reason.into());
        self
    }

    /// Marks this member as out of service on purpose, with the reason that the plan will show.
    #[must_use]
    pub fn out_of_service(mut self, why: impl Into<Arc<str>>) -> Self {
        self.out_of_service = Some(why.into());
        self
    }

    /// Sets this member's part of the group's capacity. 0 counts as 1, so every hit counts.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// Whether the member was healthy and in service at discovery.
    pub fn is_healthy(&self) -> bool {
        self.health == Health::Healthy && self.out_of_service.is_none()
    }

    /// The member's weight, as a summand.
    pub(crate) fn capacity(&self) -> usize {
        usize::try_from(self.weight.max(1)).unwrap_or(usize::MAX)
    }
}
