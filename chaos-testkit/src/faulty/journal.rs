//! Journals with code around their calls.

use std::future::Future;

use async_trait::async_trait;
use chaos_core::{
    FaultId, Journal, Result,
    fault::{FaultRecord, Mark},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, FoundDues, Halt, KeptSchedule, Lease,
        Limits,
    },
};

use super::{Faulty, Interference, JournalCall};

impl<J, I: Interference<JournalCall>> Faulty<J, I> {
    async fn around_journal<T>(&self, call: JournalCall, made: impl Future<Output = Result<T>>) -> Result<T> {
        self.interference.before(call).await?;
        let result = made.await?;
        self.interference.after(call).await?;
        Ok(result)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<J: Journal, I: Interference<JournalCall>> Journal for Faulty<J, I> {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.around_journal(JournalCall::Arm, self.inner.arm(fault, limits)).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.around_journal(JournalCall::Mark(mark.state), self.inner.mark(fault, mark)).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<chaos_core::journal::Found> {
        self.around_journal(JournalCall::Find, self.inner.find(query)).await
    }

    async fn pending(&self) -> Result<chaos_core::journal::Found> {
        self.around_journal(JournalCall::Pending, self.inner.pending()).await
    }

    async fn orphans(&self, now: jiff::Timestamp) -> Result<chaos_core::journal::Found> {
        self.around_journal(JournalCall::Orphans, self.inner.orphans(now)).await
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.around_journal(JournalCall::SetHalt, self.inner.set_halt(halt)).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.around_journal(JournalCall::Halt, self.inner.halt()).await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        self.around_journal(JournalCall::NoteDue, self.inner.note_due(note)).await
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        self.around_journal(JournalCall::Dues, self.inner.dues(query)).await
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        self.around_journal(JournalCall::KeepSchedule, self.inner.keep_schedule(proposed)).await
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        self.around_journal(JournalCall::Forget, self.inner.forget(forget)).await
    }
}
