use serde::{Deserialize, Serialize};

use crate::{error::Failure, fault::FaultRecord, group::TargetId};

/// What a journal holds of that which was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Found {
    /// The faults that could be read, oldest first.
    pub faults: Vec<FaultRecord>,
    /// The entries that may be meant and could not be read: damaged, or of a later version. One of them keeps no other
    /// from being recovered, and counts as pending until somebody has seen to it.
    pub unreadable: Vec<Unreadable>,
}

/// An entry of a journal that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// What the journal calls the entry: the fault's id, as far as that can be read.
    pub entry: String,
    /// The target, where that much could be read.
    pub target: Option<TargetId>,
    /// What is wrong with it.
    pub failure: Failure,
}

impl Found {
    /// These faults, and nothing that could not be read.
    pub fn new(faults: Vec<FaultRecord>) -> Self {
        Self { faults, unreadable: Vec::new() }
    }

    /// Adds the entries that could not be read.
    #[must_use]
    pub fn unreadable(mut self, unreadable: Vec<Unreadable>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

impl Unreadable {
    /// An entry that the journal calls `entry`, with what is wrong with it.
    pub fn new(entry: impl Into<String>, failure: Failure) -> Self {
        Self { entry: entry.into(), target: None, failure }
    }

    /// Adds the target that the entry is of.
    #[must_use]
    pub fn target(mut self, target: TargetId) -> Self {
        self.target = Some(target);
        self
    }
}
