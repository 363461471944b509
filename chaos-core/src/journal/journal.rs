use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, KeptSchedule, Lease,
    Limits,
};
use crate::{
    error::Result,
    fault::{FaultId, FaultRecord, Mark},
};

/// Keeps every fault from before it exists until it is undone.
///
/// If the journal fails, nothing is injected. Its errors are of kind `Journal`.
///
/// Calls are atomic, but not cancel safe: a dropped call happened completely or not at all, and you cannot tell which.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Checks `limits` and records the fault in one transaction. Returns when the record would survive a crash.
    ///
    /// The check is [`Limits::check`] over the contents of the journal within that transaction, so two monkeys over one
    /// journal never exceed a limit together. A refusal records nothing. The due that the fault carries out has a
    /// [record](super::DueRecord) from then on.
    ///
    /// # Errors
    /// `Conflict` if the journal already has a fault with this id.
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>>;

    /// Moves a fault to the state of `mark` and keeps the contents of the mark, durably.
    ///
    /// # Errors
    /// `Conflict` if [`Mark::may_follow`] forbids it: if two processes want to continue with a fault, the later one
    /// gets this error. `NotFound` for an unknown fault.
    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()>;

    /// The faults that match, oldest first, and every unreadable entry that may match.
    async fn find(&self, query: &FaultQuery) -> Result<Found>;

    /// Every fault that is not [`Recovered`](crate::fault::FaultState::Recovered), oldest first.
    async fn pending(&self) -> Result<Found>;

    /// The pending faults that no process takes care of at `now`, oldest first: their [`Lease`] was dropped, their
    /// process has ended, or they are [overdue](FaultRecord::is_overdue). Overdue faults are included because a lease
    /// proves that a process exists, not that it acts.
    async fn orphans(&self, now: Timestamp) -> Result<Found>;

    /// Forbids every injection from now on, or allows injections again with `None`. Durable.
    async fn set_halt(&self, halt: Option<Halt>) -> Result<()>;

    /// The halt in force.
    async fn halt(&self) -> Result<Option<Halt>>;

    /// Applies `note` to the record of its due, [as the faults in the journal tell](super::DueRecord::by), in one
    /// transaction. Durable.
    async fn note_due(&self, note: &DueNote) -> Result<()>;

    /// The dues that match, by day and then by group, each [as the faults in the journal
    /// tell](super::DueRecord::by).
    async fn dues(&self, query: &DueQuery) -> Result<FoundDues>;

    /// Keeps what is [new in `proposed`](KeptSchedule::and), durably and in one transaction, and returns all that is
    /// kept.
    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule>;

    /// Forgets some of what is over, in one short transaction: faults that are recovered and were armed before, and
    /// settled dues of earlier days (by UTC) that changed before and have no fault in the journal.
    ///
    /// It never forgets a pending fault, an unreadable state, the last fault of a group, which schedules need, or a
    /// fault that may still be within the longest cool-down with which a fault was ever armed here.
    async fn forget(&self, forget: &Forget) -> Result<Forgotten>;
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<J: Journal + ?Sized> Journal for $pointer<J> {
            async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
                (**self).arm(fault, limits).await
            }

            async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
                (**self).mark(fault, mark).await
            }

            async fn find(&self, query: &FaultQuery) -> Result<Found> {
                (**self).find(query).await
            }

            async fn pending(&self) -> Result<Found> {
                (**self).pending().await
            }

            async fn orphans(&self, now: Timestamp) -> Result<Found> {
                (**self).orphans(now).await
            }

            async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
                (**self).set_halt(halt).await
            }

            async fn halt(&self) -> Result<Option<Halt>> {
                (**self).halt().await
            }

            async fn note_due(&self, note: &DueNote) -> Result<()> {
                (**self).note_due(note).await
            }

            async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
                (**self).dues(query).await
            }

            async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
                (**self).keep_schedule(proposed).await
            }

            async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
                (**self).forget(forget).await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
