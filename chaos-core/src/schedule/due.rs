use std::fmt;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{group::GroupId, monkey::RunId};

/// An instant at which a group is to be hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Due {
    /// Its name.
    pub id: DueId,
    /// The instant at which a fault is to begin.
    pub at: Timestamp,
}

/// The name of a due: a group is due at most once on a day. It does not depend on the seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DueId {
    /// The group.
    pub group: GroupId,
    /// The date, by the clocks of the schedule's zone.
    pub day: Date,
}

/// The due that a fault carries out, in the journal. A due is carried out by the faults of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TakenDue {
    /// The date, by the clocks of the schedule's zone.
    pub day: Date,
    /// The run.
    pub run: RunId,
    /// When the last fault in the group was armed, as far as the run knew. If there is a later one, the group is no
    /// longer due.
    pub last_fault: Option<Timestamp>,
}

impl TakenDue {
    /// The due of the fault's group on `day`, carried out by `run`.
    pub fn new(day: Date, run: RunId, last_fault: Option<Timestamp>) -> Self {
        Self { day, run, last_fault }
    }
}

impl DueId {
    /// The due of this group on this day.
    pub fn new(group: GroupId, day: Date) -> Self {
        Self { group, day }
    }
}

impl fmt::Display for DueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.group, self.day)
    }
}
