use jiff::Timestamp;

use crate::{
    fault::{FaultRecord, FaultState},
    group::{GroupId, TargetId},
};

/// Selects faults. An empty query selects all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultQuery {
    /// Armed at this instant or later.
    pub since: Option<Timestamp>,
    /// Armed before this instant.
    pub before: Option<Timestamp>,
    /// In this group.
    pub group: Option<GroupId>,
    /// On this target.
    pub target: Option<TargetId>,
    /// Of this event.
    pub event: Option<String>,
    /// In this state.
    pub state: Option<FaultState>,
    /// At most this many, the newest.
    pub limit: Option<usize>,
}

impl FaultQuery {
    /// Every fault.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only those armed at `since` or later.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only those armed before `before`.
    #[must_use]
    pub fn before(mut self, before: Timestamp) -> Self {
        self.before = Some(before);
        self
    }

    /// Only those in `group`.
    #[must_use]
    pub fn group(mut self, group: GroupId) -> Self {
        self.group = Some(group);
        self
    }

    /// Only those on `target`.
    #[must_use]
    pub fn target(mut self, target: TargetId) -> Self {
        self.target = Some(target);
        self
    }

    /// Only those of the event with this name.
    #[must_use]
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }

    /// Only those in `state`.
    #[must_use]
    pub fn state(mut self, state: FaultState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only this many faults, the newest `limit`.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether `fault` matches, regardless of the limit.
    pub fn matches(&self, fault: &FaultRecord) -> bool {
        self.since.is_none_or(|since| fault.armed_at >= since)
            && self.before.is_none_or(|before| fault.armed_at < before)
            && self.group.as_ref().is_none_or(|group| *group == fault.group)
            && self.target.as_ref().is_none_or(|target| *target == fault.target)
            && self.event.as_ref().is_none_or(|event| *event == fault.event)
            && self.state.is_none_or(|state| state == fault.state)
    }
}
