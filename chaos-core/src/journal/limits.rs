use std::{fmt, time::Duration};

use jiff::Timestamp;

use super::Halt;
use crate::{
    fault::{FaultId, FaultRecord, FaultState},
    plan::{Reason, rules},
};

/// The limits that count faults, checked again by [`Journal::arm`](crate::journal::Journal::arm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most pending faults in the target's group, this one included.
    pub group_active: usize,
    /// The most pending faults in the whole journal, this one included.
    pub total_active: usize,
    /// The time after an injection during which the same event leaves the same target alone.
    pub cool_down: Duration,
}

/// The counts of a journal, within the transaction that arms.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// The halt in force.
    pub halt: Option<Halt>,
    /// A pending fault on the same target.
    pub on_target: Option<(FaultId, FaultState)>,
    /// Pending faults in the same group that [count](FaultRecord::is_counted).
    pub in_group: usize,
    /// Pending faults in the whole journal that count.
    pub in_total: usize,
    /// When the last injection of the same event into the same target began.
    pub last_injecting: Option<Timestamp>,
    /// For a fault that carries out a due: a fault of another run that has carried out the same one.
    pub due_taken_by: Option<FaultId>,
    /// For a fault that carries out a due: when the last fault of other runs in its group was armed.
    pub last_in_group: Option<Timestamp>,
}

impl Limits {
    /// No limit except the one that always holds: one pending fault per target.
    pub fn none() -> Self {
        Self { group_active: usize::MAX, total_active: usize::MAX, cool_down: Duration::ZERO }
    }

    /// Sets the most pending faults in the target's group.
    #[must_use]
    pub fn group_active(mut self, limit: usize) -> Self {
        self.group_active = limit;
        self
    }

    /// Sets the most pending faults in the whole journal.
    #[must_use]
    pub fn total_active(mut self, limit: usize) -> Self {
        self.total_active = limit;
        self
    }

    /// Sets the cool-down per target and event.
    #[must_use]
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// The reason why `fault` may not be armed, if there is one.
    pub fn check(&self, fault: &FaultRecord, tally: &Tally) -> Result<(), Reason> {
        rules::not_halted(tally.halt.as_ref().map(|halt| halt.reason.as_str()))?;
        rules::free_of_faults(tally.on_target)?;
        if fault.is_counted {
            rules::within_group(tally.in_group, self.group_active)?;
            rules::within_total(tally.in_total, self.total_active)?;
        }
        rules::cooled_down(tally.last_injecting, self.cool_down, fault.armed_at)?;
        match fault.due {
            Some(due) => rules::still_due(due, tally.due_taken_by, tally.last_in_group),
            None => Ok(()),
        }
    }
}

/// The result of arming: armed, or the reason why not.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "armed or refused: there is no third way")]
pub enum Arming<T> {
    /// It is armed.
    Armed(T),
    /// A limit forbids it.
    Refused(Reason),
}

/// Held as long as a task takes care of a fault. Dropping the lease leaves the fault to the next replay of the journal.
pub struct Lease(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Lease {
    /// A lease that calls `release` when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}
