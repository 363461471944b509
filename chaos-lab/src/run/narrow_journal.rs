use std::{collections::BTreeSet, sync::Arc};

use chaos_core::{
    FaultId, Journal, Result, async_trait,
    fault::{FaultRecord, Mark},
    jiff::Timestamp,
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, KeptSchedule,
        Lease, Limits,
    },
};

/// A journal of which only some of the faults that earlier runs have left behind are recovered. All of them count.
#[derive(Debug)]
pub(crate) struct NarrowJournal {
    journal: Arc<dyn Journal>,
    /// The schemes of the targets whose faults are recovered.
    recovers: BTreeSet<String>,
}

impl NarrowJournal {
    /// None of them.
    pub(crate) fn recovering_nothing(journal: &Arc<dyn Journal>) -> Self {
        Self { journal: Arc::clone(journal), recovers: BTreeSet::new() }
    }

    /// Those of targets with these schemes.
    pub(crate) fn recovering(journal: &Arc<dyn Journal>, schemes: BTreeSet<String>) -> Self {
        Self { journal: Arc::clone(journal), recovers: schemes }
    }
}

#[async_trait]
impl Journal for NarrowJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.journal.arm(fault, limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.journal.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.journal.find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        self.journal.pending().await
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let mut found = self.journal.orphans(now).await?;
        found.faults.retain(|fault| self.recovers.contains(fault.target.scheme()));
        Ok(found)
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.journal.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.journal.halt().await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        self.journal.note_due(note).await
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        self.journal.dues(query).await
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        self.journal.keep_schedule(proposed).await
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        self.journal.forget(forget).await
    }
}
