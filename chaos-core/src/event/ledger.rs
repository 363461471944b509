use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fault::{Magnitude, Milestone, Reached};

/// The findings of one fault's event and recovery so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Findings>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) achieved: Magnitude,
    /// How far the injection came.
    pub(crate) progress: Map<String, Value>,
    pub(crate) milestones: Vec<Reached>,
    /// Whether a recovery has seen the fault in effect.
    pub(crate) is_seen: bool,
    /// Whether the fault has ended by itself as it was meant to.
    pub(crate) is_complete: bool,
    /// Why nothing was hit.
    pub(crate) no_effect: Option<String>,
    /// How long the transport to the target may take for one order.
    pub(crate) answers_within: Duration,
    notes: Vec<String>,
}

impl Findings {
    /// Every note, and `more` after them, as one text.
    pub(crate) fn notes_and(&self, more: Option<String>) -> Option<String> {
        let mut notes = self.notes.clone();
        notes.extend(more);
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

impl Ledger {
    pub(crate) fn measure(&self, name: &str, value: f64) {
        self.findings().achieved.set(name, value);
    }

    pub(crate) fn progress(&self, name: &str, value: Value) {
        self.findings().progress.insert(name.to_owned(), value);
    }

    pub(crate) fn note(&self, what: String) {
        let notes = &mut self.findings().notes;
        if !notes.contains(&what) {
            notes.push(what);
        }
    }

    pub(crate) fn no_effect(&self, why: String) {
        self.findings().no_effect = Some(why);
    }

    pub(crate) fn expect_answers_within(&self, limit: Duration) {
        let mut findings = self.findings();
        findings.answers_within = findings.answers_within.max(limit);
    }

    pub(crate) fn complete(&self) {
        self.findings().is_complete = true;
    }

    pub(crate) fn see(&self) {
        self.findings().is_seen = true;
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

    /// Removes a milestone that only seemed to be reached.
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
