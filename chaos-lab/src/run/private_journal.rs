use std::sync::Arc;

use chaos_core::{
    FaultId, Journal, Result, async_trait,
    fault::{FaultRecord, Mark},
    jiff::Timestamp,
    journal::{Arming, FaultQuery, Found, Halt, Lease, Limits},
};

/// A journal in which no limit that counts faults forbids the entry of an experiment, because an experiment is no
/// fault of a target: the faults in it count.
#[derive(Debug)]
pub(crate) struct PrivateJournal {
    pub(crate) journal: Arc<dyn Journal>,
    /// Whether the faults that earlier runs have left behind are left alone.
    pub(crate) hides_others: bool,
}

#[async_trait]
impl Journal for PrivateJournal {
    async fn arm(&self, fault: &FaultRecord, _: &Limits) -> Result<Arming<Lease>> {
        self.journal.arm(fault, &Limits::none()).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.journal.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.journal.find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        if self.hides_others { Ok(Found::default()) } else { self.journal.pending().await }
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        if self.hides_others { Ok(Found::default()) } else { self.journal.orphans(now).await }
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.journal.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.journal.halt().await
    }
}
