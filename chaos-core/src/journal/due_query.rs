use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{DueRecord, DueState, Unreadable};
use crate::group::GroupId;

/// Selects dues. An empty query selects all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueQuery {
    /// Of this day or a later one.
    pub since: Option<Date>,
    /// Of a day before this one.
    pub before: Option<Date>,
    /// Of this group.
    pub group: Option<GroupId>,
    /// In this state.
    pub state: Option<DueState>,
    /// Only those that a rehearsing monkey wrote, or only the others.
    pub rehearsed: Option<bool>,
    /// At most this many, the newest.
    pub limit: Option<usize>,
}

impl DueQuery {
    /// Every due.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only those of `day` or a later one.
    #[must_use]
    pub fn since(mut self, day: Date) -> Self {
        self.since = Some(day);
        self
    }

    /// Only those of days before `day`.
    #[must_use]
    pub fn before(mut self, day: Date) -> Self {
        self.before = Some(day);
        self
    }

    /// Only those of `group`.
    #[must_use]
    pub fn group(mut self, group: GroupId) -> Self {
        self.group = Some(group);
        self
    }

    /// Only those in `state`.
    #[must_use]
    pub fn state(mut self, state: DueState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only those that a rehearsing monkey wrote, or only the others.
    #[must_use]
    pub fn rehearsed(mut self, rehearsed: bool) -> Self {
        self.rehearsed = Some(rehearsed);
        self
    }

    /// Only this many, the newest `limit`.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether `due` matches, regardless of the limit.
    pub fn matches(&self, due: &DueRecord) -> bool {
        self.since.is_none_or(|since| due.id.day >= since)
            && self.before.is_none_or(|before| due.id.day < before)
            && self.group.as_ref().is_none_or(|group| *group == due.id.group)
            && self.state.is_none_or(|state| state == due.state)
            && self.rehearsed.is_none_or(|rehearsed| rehearsed == due.rehearsed)
    }
}

/// The dues that a journal has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundDues {
    /// The dues, by day and then by group.
    pub dues: Vec<DueRecord>,
    /// The entries that may match but could not be read.
    pub unreadable: Vec<Unreadable>,
}

impl FoundDues {
    /// These dues, and no unreadable entries.
    pub fn new(dues: Vec<DueRecord>) -> Self {
        Self { dues, unreadable: Vec::new() }
    }

    /// Adds unreadable entries.
    #[must_use]
    pub fn unreadable(mut self, unreadable: Vec<Unreadable>) -> Self {
        self.unreadable = unreadable;
        self
    }
}
