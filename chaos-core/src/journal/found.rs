use serde::{Deserialize, Serialize};

use crate::{error::Failure, fault::FaultRecord, group::TargetId};

/// The result of a query to a journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Found {
    /// The faults that could be read, oldest first.
    pub faults: Vec<FaultRecord>,
    /// The entries that may match but could not be read, because they are damaged or of a later version. Such an entry
    /// does not keep others from being recovered, and counts as pending until somebody repairs or removes it.
    pub unreadable: Vec<Unreadable>,
}

/// An entry of a journal that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// The journal's name for the entry: the fault's id, as far as it can be read.
    pub entry: String,
    /// The target, if that much could be read.
    pub target: Option<TargetId>,
    /// The problem with the entry.
    pub failure: Failure,
}

impl Found {
    /// These faults, and no unreadable entries.
    pub fn new(faults: Vec<FaultRecord>) -> Self {
        Self { faults, unreadable: Vec::new() }
    }

    /// Adds unreadable entries.
    #[must_use]
    pub fn unreadable(mut self, unreadable: Vec<Unreadable>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

impl Unreadable {
    /// An entry with the name `entry`, and the problem with it.
    pub fn new(entry: impl Into<String>, failure: Failure) -> Self {
        Self { entry: entry.into(), target: None, failure }
    }

    /// Adds the target of the entry.
    #[must_use]
    pub fn target(mut self, target: TargetId) -> Self {
        self.target = Some(target);
        self
    }
}
