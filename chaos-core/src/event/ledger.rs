use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::{Magnitude, Milestone, Reached};

/// What one fault's event and recovery found out so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Findings>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) achieved: Magnitude,
    pub(crate) milestones: Vec<Reached>,
}

impl Ledger {
    pub(crate) fn measure(&self, name: &str, value: f64) {
        self.findings().achieved.set(name, value);
    }

    /// Whether this is the first time that `milestone` is reached.
    pub(crate) fn reach(&self, milestone: Milestone, at: Timestamp) -> bool {
        let mut findings = self.findings();
        let is_first = findings.milestones.iter().all(|reached| reached.milestone != milestone);
        if is_first {
            findings.milestones.push(Reached::new(milestone, at));
        }
        is_first
    }

    /// What seemed reached was not.
    pub(crate) fn forget(&self, milestone: Milestone) {
        self.findings().milestones.retain(|reached| reached.milestone != milestone);
    }

    pub(crate) fn snapshot(&self) -> Findings {
        self.findings().clone()
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
