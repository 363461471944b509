use std::sync::Arc;

use chaos_core::{
    FaultId, Journal, Result, async_trait,
    fault::{FaultRecord, Mark},
    jiff::Timestamp,
    journal::{Arming, FaultQuery, Found, Halt, Lease, Limits},
};

use super::ExperimentProvider;

/// A journal whose user leaves the faults that earlier runs have left behind as they are. All of them count.
#[derive(Debug)]
pub(crate) struct PrivateJournal(pub(crate) Arc<dyn Journal>);

#[async_trait]
impl Journal for PrivateJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.0.arm(fault, limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.0.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.0.find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        self.0.pending().await
    }

    async fn orphans(&self, _: Timestamp) -> Result<Found> {
        Ok(Found::default())
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.0.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.0.halt().await
    }
}

/// A journal of which the faults of other providers than experiments are left alone.
#[derive(Debug)]
pub(crate) struct OfExperiments(pub(crate) Arc<dyn Journal>);

#[async_trait]
impl Journal for OfExperiments {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.0.arm(fault, limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.0.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.0.find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        self.0.pending().await
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let mut found = self.0.orphans(now).await?;
        found.faults.retain(|fault| fault.target.scheme() == ExperimentProvider::SCHEME);
        Ok(found)
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.0.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.0.halt().await
    }
}
