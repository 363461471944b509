use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, Journal, KeptSchedule,
    Lease, Limits,
};
use crate::{
    clock::Clock,
    contain::{contained, within},
    error::Result,
    fault::{FaultId, FaultRecord, Mark},
    listing::Together,
};

/// How long a monkey waits for its journal: longer than a busy database takes, and short compared with a hold.
const LIMIT: Duration = Duration::from_secs(15);

/// Contains a journal: a call that panics or hangs becomes an error, because a recovery must not wait for the journal
/// forever.
#[derive(Debug)]
pub(crate) struct CarefulJournal {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    /// Every task that holds a fault asks every two seconds.
    halts: Together<(), Option<Halt>>,
}

impl CarefulJournal {
    pub(crate) fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>) -> Self {
        Self { journal, halts: Together::new(Arc::clone(&clock)), clock }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        within(self.clock.as_ref(), LIMIT, "the journal", contained("the journal", call)).await?
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Journal for CarefulJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.call(async { self.journal.arm(fault, limits).await }).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.call(async { self.journal.mark(fault, mark).await }).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.call(async { self.journal.find(query).await }).await
    }

    async fn pending(&self) -> Result<Found> {
        self.call(async { self.journal.pending().await }).await
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        self.call(async { self.journal.orphans(now).await }).await
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.call(async { self.journal.set_halt(halt).await }).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        let journal = Arc::clone(&self.journal);
        self.call(self.halts.ask((), || async move { journal.halt().await })).await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        self.call(async { self.journal.note_due(note).await }).await
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        self.call(async { self.journal.dues(query).await }).await
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        self.call(async { self.journal.keep_schedule(proposed).await }).await
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        self.call(async { self.journal.forget(forget).await }).await
    }
}
