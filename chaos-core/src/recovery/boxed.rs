use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use async_trait::async_trait;

use super::{Recovery, RecoveryRecord, RecoveryScope, Verdict};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, Permit},
    group::TargetId,
};

/// A recovery of any type, made by [`Prepared::new`](crate::fault::Prepared::new) or read back by a
/// [`Registry`](crate::recovery::Registry).
pub struct BoxRecovery {
    kind: &'static str,
    inner: Box<dyn Erased>,
}

impl BoxRecovery {
    pub(crate) fn new<R: Recovery>(recovery: R) -> Self {
        Self { kind: R::KIND, inner: Box::new(recovery) }
    }

    /// The [`Recovery::KIND`] of the recovery.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Encodes the recovery.
    ///
    /// # Errors
    /// As [`RecoveryRecord::of`].
    pub fn record(&self) -> Result<RecoveryRecord> {
        self.inner.record()
    }

    /// The [`Recovery::by_hand`] of the recovery. If it panics, general instructions that always work.
    pub fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        // The caller is about to inject, or has a target that is not back. Neither may be aborted here.
        catch_unwind(AssertUnwindSafe(|| self.inner.by_hand(target, fault))).unwrap_or_else(|_| {
            format!("Call `recover_pending` on a monkey over the journal that holds fault {fault}.")
        })
    }

    pub(crate) async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        self.inner.recover(scope, permit).await
    }

    pub(crate) async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.inner.verify(scope).await
    }
}

impl fmt::Debug for BoxRecovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl RecoveryRecord {
    /// Encodes a recovery.
    ///
    /// # Errors
    /// `InvalidInput` if it has no JSON form, such as a map with keys that are not strings.
    pub fn of<R: Recovery>(recovery: &R) -> Result<Self> {
        let payload = serde_json::to_value(recovery).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the recovery has no JSON form")
                .with("kind", R::KIND)
                .caused_by(error)
        })?;
        Ok(Self::new(R::KIND, payload))
    }
}

/// [`Recovery`] without its constant and its deserializer, which a trait object cannot have.
#[async_trait]
trait Erased: fmt::Debug + Send + Sync {
    fn record(&self) -> Result<RecoveryRecord>;
    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()>;
    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict>;
    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Recovery> Erased for R {
    fn record(&self) -> Result<RecoveryRecord> {
        RecoveryRecord::of(self)
    }

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        Recovery::recover(self, scope, permit).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        Recovery::verify(self, scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        Recovery::by_hand(self, target, fault)
    }
}
